"""The verdict as it is served: nginx asks the portal about each request, and answers itself.

CPU time of nginx and the portal (and PostgreSQL) for each request, beside that of nginx
alone; and how long after a revocation somebody is still let in.
"""

import http.client
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete

from bench import databases, gate, processes
from bench.databases import Database
from extensions import change_rows, writing
from models_apps import AppSession
from services.tokens import digest
from tests import portal

WORKERS, AT_ONCE, PEOPLE = 2, 4, 1000
REQUESTS = 6000
REVOCATIONS = 40
GOAL_TIMES, GOAL_CACHED_TIMES, GOAL_MS = 13.0, 3.0, 10.0
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""

_SITE = """
worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    upstream portal {{ server 127.0.0.1:{upstream}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port};
        location = /alone {{ empty_gif; }}
        location = /asked {{ auth_request /verdict; empty_gif; }}
        location = /verdict {{
            internal;
            proxy_pass http://portal/api/authz/auth-request;
            proxy_http_version 1.1;
            proxy_pass_request_body off;
            proxy_set_header Connection "";
            proxy_set_header Content-Length "";
            proxy_set_header X-Original-URL https://$http_host/page;
            proxy_set_header X-Original-Method $request_method;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Served:
    """CPU microseconds for each request, and milliseconds from a revocation to the refusal."""

    database: str
    alone: float
    asked: float
    postgres: float
    revoked_median: float
    revoked_worst: float


def measure(database: Database) -> Served | None:
    """Measure on this database; None where there is no nginx."""
    if not NGINX:
        return None
    with database.app.app_context():
        gate.fill_apps()
        gate.fill_people(PEOPLE)
    folder = Path(database.environ["GATEPOST_INSTANCE_DIR"])
    server = portal.start(folder, database.environ, workers=WORKERS)
    try:
        with _nginx(urlsplit(server.url).port or 0) as (port, nginx):
            crowd = [_Visitor(port, person) for person in range(1, AT_ONCE + 1)]
            rounds = [_round(database, crowd, nginx, server.process.pid) for _ in range(3)]
        times = _measure_revocations(database, urlsplit(server.url).port or 0)
    finally:
        server.stop()
    return Served(
        database.kind, *(median(values) for values in zip(*rounds, strict=True)),
        revoked_median=median(times), revoked_worst=max(times),
    )  # fmt: skip


class _Visitor:
    """One browser, over one connection."""

    def __init__(self, port: int, person: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {
            "Host": gate.origin_of(gate.app_for(person)).removeprefix("https://"),
            "Cookie": f"{gate.COOKIE}={gate.token_of(person)}", "Sec-Fetch-Mode": "cors",
        }  # fmt: skip

    def ask(self, path: str, **headers: str) -> int:
        """The status of the answer."""
        self._connection.request("GET", path, headers={**self._headers, **headers})
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def ask_many(self, path: str) -> None:
        """So many requests, one after the other; all are let in."""
        for _ in range(REQUESTS // AT_ONCE):
            assert self.ask(path) == 200


def _round(
    database: Database, crowd: list[_Visitor], nginx: int, server: int
) -> tuple[float, float, float]:
    """CPU of nginx alone, of nginx and the portal, and of PostgreSQL, a request."""
    figures = []
    for path, roots in (("/alone", [nginx]), ("/asked", [nginx, server])):
        pids = [pid for root in roots for pid in processes.tree(root)]
        backends = databases.backends(database)
        before, backends_before = processes.cpu_seconds(pids), processes.cpu_seconds(backends)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda visitor, path=path: visitor.ask_many(path), crowd))  # type: ignore[misc]
        figures.append(processes.cpu_since(before, pids) / REQUESTS * 1_000_000)
        postgres = processes.cpu_since(backends_before, backends) / REQUESTS * 1_000_000
    return figures[0], figures[1], postgres


def _measure_revocations(database: Database, port: int) -> list[float]:
    """From the commit that ends a cookie to the last answer that still lets it in, each time."""
    return [_time_revocation(database, port, person) for person in range(100, 100 + REVOCATIONS)]


def _time_revocation(database: Database, port: int, person: int) -> float:
    """Visitors on many connections, so that every worker is asked, without pause."""
    let_in: list[float] = []
    over = threading.Event()
    url = {"X-Original-URL": f"{gate.origin_of(gate.app_for(person))}/", "X-Original-Method": "GET"}

    def keep_asking(visitor: _Visitor) -> None:
        while not over.is_set():
            asked_at = time.perf_counter()
            if visitor.ask("/api/authz/auth-request", **url) == 200:
                let_in.append(asked_at)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(keep_asking, _Visitor(port, person)) for _ in range(AT_ONCE)]
        time.sleep(0.15)
        with database.app.app_context(), writing() as session:
            ended = delete(AppSession).where(
                AppSession.token_digest == digest(gate.token_of(person))
            )
            assert change_rows(session, ended) == 1
        revoked_at = time.perf_counter()
        time.sleep(0.15)
        over.set()
        for visitor in running:
            visitor.result()
    assert let_in
    return max(0.0, (max(let_in) - revoked_at) * 1000)


@contextmanager
def _nginx(upstream: int) -> Iterator[tuple[int, int]]:
    """A port where nginx answers, and its process, until the block ends."""
    folder, port = Path(tempfile.mkdtemp(prefix="gatepost-bench-nginx-")), portal.free_port()
    site = folder / "nginx.conf"
    site.write_text(_SITE.format(folder=folder, port=port, upstream=upstream))
    folder.chmod(0o755)
    process: subprocess.Popen[Any] = subprocess.Popen(
        [NGINX, "-p", str(folder), "-c", str(site)], stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(15)
        shutil.rmtree(folder)


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            _Visitor(port, 1).ask("/alone")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx did not start")

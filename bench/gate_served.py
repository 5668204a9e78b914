"""The verdict as it is served: nginx asks the portal about each request, and answers itself.

CPU time of nginx and the portal (and PostgreSQL) for each request, beside that of nginx
alone, without and with the cache of ``docs/forward-auth.md``; and how long after a
revocation somebody is still let in.
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
from tests.proxies.nginx_cache import recipe

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
    {outside}
    server {{
        listen 127.0.0.1:{port};
        location = /alone {{ empty_gif; }}
        location = /asked {{ auth_request /verdict; empty_gif; }}
        location = /kept {{ auth_request /kept-verdict; empty_gif; }}
        location = /verdict {{ {verdict} }}
        location = /kept-verdict {{ {inside} {verdict} }}
    }}
}}
"""
_VERDICT = """
            internal;
            proxy_pass http://portal/api/authz/auth-request;
            proxy_http_version 1.1;
            proxy_pass_request_body off;
            proxy_set_header Connection "";
            proxy_set_header Content-Length "";
            proxy_set_header X-Original-URL https://$http_host/page;
            proxy_set_header X-Original-Method $request_method;
"""


@dataclass(frozen=True)
class Revoked:
    """Milliseconds from a revocation to the last answer that let its person in."""

    median: float
    worst: float


@dataclass(frozen=True)
class Served:
    """CPU microseconds for each request, and how fast a revocation is heard of."""

    database: str
    alone: float
    asked: float
    kept: float
    postgres: float
    revoked: Revoked
    revoked_kept: Revoked


def measure(database: Database) -> Served | None:
    """Measure on this database; None where there is no nginx."""
    if not NGINX:
        return None
    with database.app.app_context():
        gate.fill_apps()
        gate.fill_people(PEOPLE)
    folder = Path(database.environ["GATEPOST_INSTANCE_DIR"])
    with tempfile.TemporaryDirectory(prefix="gatepost-bench-mark-") as readable:
        Path(readable).chmod(0o755)
        mark = Path(readable) / "mark"
        return _measure(database, folder, mark)


def _measure(database: Database, folder: Path, mark: Path) -> Served:
    environ = {**database.environ, "GATEPOST_VERDICT_MARK": str(mark)}
    server = portal.start(folder, environ, workers=WORKERS)
    asked_port = urlsplit(server.url).port or 0
    try:
        with _nginx(asked_port, mark) as (port, nginx):
            crowd = [_Visitor(port, person) for person in range(1, AT_ONCE + 1)]
            rounds = [_round(database, crowd, nginx, server.process.pid) for _ in range(3)]
            kept = _measure_revocations(database, port, "/kept", 200)
        asked = _measure_revocations(database, asked_port, "/api/authz/auth-request", 100)
    finally:
        server.stop()
    return Served(database.kind, *map(median, zip(*rounds, strict=True)), asked, kept)


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
) -> tuple[float, float, float, float]:
    """CPU of nginx alone, of both as they ask and as they keep, and of PostgreSQL, a request."""
    alone, _ = _use(database, crowd, "/alone", [nginx])
    asked, postgres = _use(database, crowd, "/asked", [nginx, server])
    kept, _ = _use(database, crowd, "/kept", [nginx, server])
    return alone, asked, kept, postgres


def _use(
    database: Database, crowd: list[_Visitor], path: str, roots: list[int]
) -> tuple[float, float]:
    """CPU of these processes, and of PostgreSQL's, for each request to a path."""
    pids = [pid for root in roots for pid in processes.tree(root)]
    backends = databases.backends(database)
    before, backends_before = processes.cpu_seconds(pids), processes.cpu_seconds(backends)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda visitor: visitor.ask_many(path), crowd))
    used = processes.cpu_since(before, pids), processes.cpu_since(backends_before, backends)
    return used[0] / REQUESTS * 1_000_000, used[1] / REQUESTS * 1_000_000


def _measure_revocations(database: Database, port: int, path: str, first: int) -> Revoked:
    """From the commit that ends a cookie to the last answer that still lets it in, each time."""
    people = range(first, first + REVOCATIONS)
    times = [_time_revocation(database, port, path, person) for person in people]
    return Revoked(median(times), max(times))


def _time_revocation(database: Database, port: int, path: str, person: int) -> float:
    """Visitors on many connections, so that every worker is asked, without pause."""
    let_in: list[float] = []
    over = threading.Event()
    url = {"X-Original-URL": f"{gate.origin_of(gate.app_for(person))}/", "X-Original-Method": "GET"}

    def keep_asking(visitor: _Visitor) -> None:
        while not over.is_set():
            asked_at = time.perf_counter()
            if visitor.ask(path, **url) == 200:
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
def _nginx(upstream: int, mark: Path) -> Iterator[tuple[int, int]]:
    """A port where nginx answers, and its process, until the block ends."""
    folder, port = Path(tempfile.mkdtemp(prefix="gatepost-bench-nginx-")), portal.free_port()
    site = folder / "nginx.conf"
    outside, inside = recipe(folder / "kept", mark)
    site.write_text(_SITE.format(
        folder=folder, port=port, upstream=upstream, outside=outside, inside=inside,
        verdict=_VERDICT,
    ))  # fmt: skip
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

"""Radicale and Datasette with their own sign-in by a header: who signed in at the portal is that
person in the app, behind the lines that are generated for it.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services import apps, proxy_lines
from services.app_drafts import AppDraft
from services.audit import OPERATOR
from tests.portal import free_port
from tests.proxies import kinds
from tests.proxies.conftest import CALENDAR, TABLES
from tests.proxies.stage import Stage
from tests.proxies.visitor import FETCH
from tests.proxies.write_samples import CONFIG, app_at
from tests.scene import Scene
from tests.standins.certificate import Certificate

SECONDS = 30
WHO_AM_I = b"""<?xml version="1.0"?>
<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>"""
PLUGIN = """
from datasette import hookimpl

@hookimpl
def actor_from_request(request):
    user = request.headers.get("remote-user")
    return {"id": user} if user else None
"""


@contextmanager
def process(name: str, port: int, folder: Path, *options: str) -> Iterator[str]:
    """A real app until the block ends: its ``host:port``."""
    program = kinds.VENV / name
    kinds.missing_fails("" if program.is_file() else f"{name} is not at {program}: make proxies")
    with (folder / "app.log").open("wb") as log:
        started = subprocess.Popen(
            [str(program), *options], stdout=log, stderr=subprocess.STDOUT, cwd=folder,
            env={"HOME": str(folder), "PATH": os.environ["PATH"]}, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and started.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        else:
            raise AssertionError(f"{name} does not run:\n{(folder / 'app.log').read_text()}")
        yield f"127.0.0.1:{port}"
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(10)


@contextmanager
def behind(
    kind: str,
    origin: str,
    upstream: str,
    folder: Path,
    scene: Scene,
    certificate: Certificate,
    **about: object,
) -> Iterator[Stage]:
    """The app behind a proxy with the lines for it, and known to the portal."""  # fmt: skip
    draft = AppDraft(f"The app at {origin}", (origin,), for_everyone=True, **about)  # type: ignore[arg-type]
    with scene.app.app_context():
        apps.add(draft, OPERATOR)
    kinds.missing_fails(kinds.missing(kind))
    lines = proxy_lines.render(
        app_at(origin, **about), kind, CONFIG,
        portal=scene.url.partition("//")[2], upstream=upstream,
    )  # fmt: skip
    prepared = kinds.prepare(kind, lines, folder / kind, certificate)
    with kinds.running(prepared):
        yield Stage(kind, scene, prepared, certificate)


def test_radicale_knows_who_signed_in(
    tmp_path: Path, scene: Scene, certificate: Certificate
) -> None:
    port = free_port()
    options = (
        "--server-hosts", f"127.0.0.1:{port}", "--auth-type", "http_x_remote_user",
        "--storage-filesystem-folder", str(tmp_path / "calendars"),
    )  # fmt: skip
    names = {"user": "X-Remote-User"}
    with (
        process("radicale", port, tmp_path, *options) as address,
        behind(
            "nginx", CALENDAR, address, tmp_path, scene, certificate, header_names=names
        ) as stage,
    ):
        visitor, ann = stage.visitor(), scene.person()
        assert visitor.send("PROPFIND", f"{CALENDAR}/", headers=FETCH, body=WHO_AM_I).status == 401
        assert stage.enter(visitor, ann, f"{CALENDAR}/").status == 200
        forged = {**FETCH, "X-Remote-User": "ben@example.org", "X_Remote_User": "ben@example.org"}
        for headers in (FETCH, forged):
            answer = visitor.send("PROPFIND", f"{CALENDAR}/", headers=headers, body=WHO_AM_I)
            assert answer.status == 207
            assert f"/{ann.email}/".replace("@", "%40") in answer.body.decode()
            assert b"ben" not in answer.body


def test_datasette_knows_who_signed_in(
    tmp_path: Path, scene: Scene, certificate: Certificate
) -> None:
    port = free_port()
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "by_header.py").write_text(PLUGIN)
    options = ("--memory", "-h", "127.0.0.1", "-p", str(port), "--plugins-dir", str(plugins))
    with (
        process("datasette", port, tmp_path, *options) as address,
        behind("caddy", TABLES, address, tmp_path, scene, certificate) as stage,
    ):
        visitor, ann = stage.visitor(), scene.person()
        who = f"{TABLES}/-/actor.json"
        assert visitor.fetch(who).status == 401
        assert stage.enter(visitor, ann, f"{TABLES}/").status == 200
        for headers in (FETCH, {**FETCH, "Remote-User": "ben", "Remote_User": "ben"}):
            answer = visitor.send("GET", who, headers=headers)
            assert json.loads(answer.body)["actor"] == {"id": ann.email}

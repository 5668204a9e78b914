"""Whole portals as processes: the production server with its workers, on a real socket.

For tests that one process cannot show: several workers, several machines,
``kill -9``, a browser. Ends only what it started, by process id.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Portal:
    """A running portal."""

    process: subprocess.Popen[bytes]
    url: str
    folder: Path
    log: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def outbox(self) -> Path:
        """Where its ``file`` gateways write."""
        return self.folder / "outbox"

    def read_log(self) -> str:
        """Everything it logged."""
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        """End the server, and it its workers: one that is told twice at once can hang."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(5)


@contextmanager
def running(
    folder: Path, environ: dict[str, str], *, workers: int = 2, database: Path | None = None
) -> Iterator[Portal]:
    """Run a portal until the block ends.

    ``environ`` are its settings (see ``tests.conftest.QUICK``); ``database`` is a
    migrated SQLite file to start from, unless the settings name a database.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if database is not None and not (folder / "gatepost.db").exists():
        shutil.copy(database, folder / "gatepost.db")
    portal = start(folder, environ, workers=workers)
    try:
        yield portal
    finally:
        portal.stop()


def start(folder: Path, environ: dict[str, str], *, workers: int = 2) -> Portal:
    """Start a portal and wait until it answers; the caller must ``stop`` it."""
    port = free_port()
    settings = {
        "PORT": str(port),
        "GATEPOST_INSTANCE_DIR": str(folder),
        **environ,
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    log = folder / f"portal-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "app:serve",
                "--no-ws", "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers),
                "--blocking-threads", "4", "--backlog", "1024",
            ],
            cwd=ROOT, env={**kept, **settings}, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    portal = Portal(process, f"http://127.0.0.1:{port}", folder, log, settings)
    try:
        _wait_until_it_answers(portal)
    except BaseException:
        portal.stop()
        raise
    return portal


def flask(folder: Path, *args: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run ``flask …`` as an operator does, with these settings and no others."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "flask", *args], cwd=ROOT, text=True, capture_output=True,
        env={**kept, "GATEPOST_INSTANCE_DIR": str(folder), **environ}, timeout=120, check=False,
    )  # fmt: skip


def _wait_until_it_answers(portal: Portal) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if portal.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{portal.url}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"the portal did not start:\n{portal.read_log()[-3000:]}")

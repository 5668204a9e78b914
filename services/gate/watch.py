"""Hears of what ended, so that a process need not ask the database about every request.

On PostgreSQL a thread with a connection of its own listens to what the triggers of
migration 0003 tell at each commit. It also sends itself a heartbeat through the database:
notifications arrive in the order of their commits, so a heartbeat that came back says that
nothing before it is still on its way. Without one for a second, nobody relies on this
(``memory``).

SQLite tells only who asks, and each connection does before it answers from what it kept
(``connections``). Only where a proxy keeps verdicts (``mark``) a thread asks, too.
"""

import os
import secrets
import select
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy import Engine

from services.gate.connections import open_raw
from services.gate.lifetimes import end_with, renew_after_fork
from services.gate.mark import Mark
from services.gate.memory import Memory
from services.gate.registry import Registry

log = structlog.get_logger("gatepost.gate")

CHANNEL = "gatepost_gate"
BEAT_SECONDS = 0.25
LOOK_SECONDS = 0.01
"""Between two looks at SQLite, some microseconds each."""
LONGEST_PAUSE_SECONDS = 5.0
_UNANSWERED_MS = 3000
"""After so long without an answer the network gives the connection up."""


class Watch:
    """The listener of one process; a forked child gets one of its own."""

    def __init__(
        self, engine: Engine, memory: Memory, registry: Registry, mark: Mark | None = None
    ) -> None:
        self._engine, self._memory, self._registry, self._mark = engine, memory, registry, mark
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._connection: Any = None
        self._beats: dict[str, float] = {}
        end_with(engine, self.stop)

    def start(self) -> None:
        """Listen from now on; on SQLite without a mark there is nothing to hear or to save."""
        listens = self._engine.dialect.name == "postgresql" or self._mark is not None
        if not listens or self._thread is not None:
            return
        renew_after_fork(self)
        stopping = self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(stopping,), name="gatepost-watch", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; every request reads the database again."""
        self._stopping.set()
        self._memory.doubt()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(2 * BEAT_SECONDS + 1)

    def renew(self) -> None:
        """After a fork: the thread stayed with the parent, and so does its connection."""
        _left_to_parents.append(self._connection)
        self._connection, self._beats = None, {}
        self._memory.doubt()
        if self._thread is not None:
            self._thread = None
            self.start()

    def _run(self, stopping: threading.Event) -> None:
        pause = BEAT_SECONDS
        listen = self._listen if self._engine.dialect.name == "postgresql" else self._look
        while not stopping.is_set():
            try:
                listen(stopping)
                pause = BEAT_SECONDS
            except Exception as error:  # whatever it is must not end the thread
                log.warning("gate_watch_lost", error=type(error).__name__)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            finally:
                self._memory.doubt()
                self._hang_up()
            stopping.wait(pause)

    def _listen(self, stopping: threading.Event) -> None:
        self._connection = connection = open_raw(self._engine)
        _notice_silence(connection.fileno())
        own = f"{CHANNEL}_{os.getpid()}_{secrets.token_hex(8)}"
        self._beats.clear()
        connection.add_notify_handler(self._hear)
        connection.execute(f"LISTEN {CHANNEL}")
        connection.execute(f"LISTEN {own}")
        self._move_mark()
        number = 0
        while not stopping.is_set():
            number += 1
            self._beats[str(number)] = time.monotonic()
            connection.execute("SELECT pg_notify(%s, %s)", (own, str(number)), prepare=True)
            select.select([connection.fileno()], [], [], BEAT_SECONDS)

    def _look(self, stopping: threading.Event) -> None:
        """SQLite says of every connection whether others have committed since."""
        self._connection = connection = open_raw(self._engine)
        seen = None
        while not stopping.wait(LOOK_SECONDS):
            version = connection.execute("PRAGMA data_version").fetchone()
            if version != seen:
                seen = version
                self._move_mark()

    def _hear(self, notice: Any) -> None:
        if notice.channel == CHANNEL:
            self._memory.forget()
            if notice.payload == "rules":
                self._registry.forget()
            self._move_mark()
        elif (sent_at := self._beats.pop(notice.payload, None)) is not None:
            self._memory.be_sure(sent_at)

    def _move_mark(self) -> None:
        """After forgetting: who asks from now on is told what is so now."""
        if self._mark is not None:
            self._mark.move()

    def _hang_up(self) -> None:
        if self._connection is not None:
            with suppress(Exception):  # it is lost already, and nobody waits for it
                self._connection.close()
            self._connection = None


_left_to_parents: list[Any] = []
"""Never closed here: closing would say goodbye to the server in the parent's name."""


def _notice_silence(file_number: int) -> None:
    """Give a dead network three seconds instead of a quarter of an hour (Linux, TCP)."""
    with suppress(OSError, AttributeError), socket.socket(fileno=os.dup(file_number)) as twin:
        twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNANSWERED_MS)

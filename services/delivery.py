"""The delivery worker: threads that send what stands in the outbox.

One dispatcher looks for work; a few senders per channel do it, so that a
hanging text holds up no mail. Runs beside the web server in each of its
processes, or alone as ``flask deliver``. Knows nothing of what messages say.
"""

import os
import signal
import threading
import time
from collections import Counter
from types import FrameType

import structlog
from flask import Flask

from extensions import db, end_reading, writing
from services import claims, outbox, sending

log = structlog.get_logger("gatepost.delivery")

POLL_SECONDS = 0.5
"""How often other processes' messages are looked for; one's own wake the worker at once."""
_LONGEST_PAUSE_SECONDS = 30.0
_MOST_DOUBLINGS = 10
_ASK = "ask"
"""The lane of questions about sent texts; the other lanes are the channels."""

_workers: "dict[Flask, Worker]" = {}


def start(app: Flask) -> None:
    """Deliver in this process from now on; does nothing where it does already.

    A forked child of this process gets a worker of its own.
    """
    if app not in _workers:
        _workers[app] = Worker(app)
        _workers[app].start()


def stop() -> None:
    """Stop this process's workers: each message that is being sent is finished first."""
    while _workers:
        _workers.popitem()[1].stop()


def run(app: Flask, until_idle: bool = False) -> None:
    """Deliver in the calling thread's time: until nothing is due, or until SIGTERM or SIGINT."""
    if until_idle:
        while _work_once(app):
            pass
        return
    asked_to_stop: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        asked_to_stop.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    start(app)
    log.info("delivery_started")
    while not asked_to_stop:
        time.sleep(0.2)
    stop()
    log.info("delivery_stopped")


class Worker:
    """The threads of one app in one process.

    They are no daemons: an interpreter that ends waits for the messages on their way, and
    they end by themselves when its main thread has.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stopping = False
        self._most: int = app.extensions["gatepost"].delivery_threads
        self._lock = threading.Lock()
        self._senders: list[threading.Thread] = []
        self._busy: Counter[str] = Counter()
        self._failures = 0
        self._dispatcher = threading.Thread(target=self._dispatch, name="gatepost-dispatcher")

    def start(self) -> None:
        """Start looking for work."""
        self._dispatcher.start()

    def stop(self) -> None:
        """Take on no more, and wait for what is being sent."""
        self._stopping = True
        outbox.waker.due.set()
        self._dispatcher.join()
        with self._lock:
            senders = list(self._senders)
        for sender in senders:
            sender.join()

    @property
    def _over(self) -> bool:
        return self._stopping or not threading.main_thread().is_alive()

    def _dispatch(self) -> None:
        look_again_at = 0.0
        while not self._over:
            outbox.waker.due.clear()
            if time.monotonic() >= look_again_at:
                look_again_at = time.monotonic() + self._look()
            outbox.waker.due.wait(POLL_SECONDS)

    def _look(self) -> float:
        """Start senders for what is due; returns the seconds to pause, 0 when all is well."""
        try:
            with self._app.app_context():
                waiting = _look_and_close()
            for channel, due in waiting.due.items():
                self._start_senders(channel, due)
            if waiting.to_ask:
                self._start_senders(_ASK, 1)
        except Exception as error:  # whatever it is must not end the thread
            self._failures += 1
            log.error("delivery_paused", error=type(error).__name__, failures=self._failures)
            doublings = min(self._failures, _MOST_DOUBLINGS)  # an outage may last for days
            return min(POLL_SECONDS * 2.0**doublings, _LONGEST_PAUSE_SECONDS)
        self._failures = 0
        return 0.0

    def _start_senders(self, lane: str, due: int) -> None:
        """One for each due message: those at work may hang on what they have."""
        with self._lock:
            self._senders = [sender for sender in self._senders if sender.is_alive()]
            for _ in range(min(due, self._most - self._busy[lane])):
                sender = threading.Thread(target=self._send, args=(lane,), name=f"gatepost-{lane}")
                sender.start()
                self._busy[lane] += 1
                self._senders.append(sender)

    def _send(self, lane: str) -> None:
        """One sender's life: message after message, until none is due."""
        try:
            with self._app.app_context():
                while not self._over and _do_next(lane):
                    pass
        except Exception as error:  # what it had claimed runs into its lease's end
            log.error("sender_failed", lane=lane, error=type(error).__name__)
            time.sleep(POLL_SECONDS)
        finally:
            with self._lock:
                was_full = self._busy[lane] >= self._most
                self._busy[lane] -= 1
            if was_full:  # what came in meanwhile found no sender
                outbox.waker.due.set()


def _do_next(lane: str) -> bool:
    """Do one piece of a lane's work; whether there is more, as far as a read can tell."""
    if lane == _ASK:
        return sending.ask_next()
    return sending.send_next(lane) and sending.is_due(lane)


def _look_and_close() -> claims.Waiting:
    """See what there is to do; close what is too late or was lost, and say so."""
    waiting = claims.look(db.session())
    end_reading()
    if waiting.late:
        with writing() as session:
            late = claims.expire_late(session)
        for message_id in late:
            log.warning("message_expired", message_id=message_id)
    if waiting.lost:
        with writing() as session:
            lost = claims.give_up_lost(session)
        for message_id in lost:
            log.error("message_unknown", message_id=message_id, reason="lost")
    return waiting


def _work_once(app: Flask) -> bool:
    """Do, in this thread, what is due now; False when there was nothing."""
    with app.app_context():
        waiting = _look_and_close()
        for lane in (*waiting.due, *([_ASK] if waiting.to_ask else [])):
            while _do_next(lane):
                pass
        return bool(waiting)


_forking: list[Flask] = []


def _rest_before_fork() -> None:
    """Threads do not survive a fork, and a lock that one holds would be held for ever.

    Nor may connections be shared: SQLite's locks would seem taken in the child.
    """
    _forking.extend(_workers)
    stop()
    for app in _forking:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


def _work_again_after_fork() -> None:
    while _forking:
        start(_forking.pop())


os.register_at_fork(
    before=_rest_before_fork,
    after_in_parent=_work_again_after_fork,
    after_in_child=_work_again_after_fork,
)

"""The same thing done by many at once, each in a thread and an application context of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask

from extensions import db


def run_together(app: Flask, count: int, do: Callable[[int], Any]) -> list[Any]:
    """Call ``do(0)``, ``do(1)``, … at the same moment; returns the results, or what was raised."""
    start = threading.Barrier(count)

    def run(number: int) -> Any:
        with app.app_context():
            try:
                start.wait(30)
                return do(number)
            except Exception as error:
                return error
            finally:
                db.session.remove()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def count_of(kind: type, outcomes: list[Any]) -> int:
    """How many outcomes are of exactly this type."""
    return sum(type(outcome) is kind for outcome in outcomes)

"""Telling what holds a connection or a lock that its process was forked, or its engine disposed of.

Keeps nothing of it alive.
"""

import os
import weakref
from collections.abc import Callable
from typing import Protocol

from sqlalchemy import Engine, event


class Renewable(Protocol):
    """What must not go on in a forked child as it stood in the parent."""

    def renew(self) -> None:
        """After a fork, in the child."""


_renewed: "weakref.WeakSet[Renewable]" = weakref.WeakSet()


def renew_after_fork(thing: Renewable) -> None:
    """Call its ``renew`` in every forked child from now on."""
    _renewed.add(thing)


def end_with(engine: Engine, end: Callable[[], None]) -> None:
    """Call a bound method whenever the engine is disposed of, for as long as its object lives."""
    kept = weakref.WeakMethod(end)

    @event.listens_for(engine, "engine_disposed")
    def tell(_engine: Engine) -> None:
        if (still := kept()) is not None:
            still()


def _renew_all() -> None:
    for thing in list(_renewed):
        thing.renew()


os.register_at_fork(after_in_child=_renew_all)

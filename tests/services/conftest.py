"""Fixtures for the services: a clock that stands still, and people as the services know them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask

from models import User
from tests.people import load_user, make_person

NINE_O_CLOCK = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The time stands still until a test moves it: ``clock.shift(30)``, in seconds."""
    with time_machine.travel(NINE_O_CLOCK, tick=False) as traveller:
        yield traveller


@pytest.fixture
def new_user(context: Flask) -> Callable[..., User]:
    """Makes people as ``make_person`` does, and gives their rows."""

    def make(*args: Any, **kwargs: Any) -> User:
        return load_user(make_person(*args, **kwargs).id)

    return make

"""Fixtures for the services: people as the services know them."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from models import User
from tests.conftest import POSTGRESQL
from tests.people import load_user, make_person

collect_ignore = (
    ["test_gate_kept.py"] if POSTGRESQL else ["test_gate_watch.py", "test_postgresql_dates.py"]
)
"""What is about one database alone belongs to its own run."""


@pytest.fixture
def new_user(context: Flask) -> Callable[..., User]:
    """Makes people as ``make_person`` does, and gives their rows."""

    def make(*args: Any, **kwargs: Any) -> User:
        return load_user(make_person(*args, **kwargs).id)

    return make

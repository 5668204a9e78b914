"""Fixtures of the pages: administrators, and people and apps for the way into one."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.apps import make_app
from tests.people import NUMBER, Person
from tests.people import sign_in as enter
from tests.traveller import Traveller

BOBS = "+12015550188"
"""Bob's phone number."""


@pytest.fixture
def mia(new_person: Callable[..., Person]) -> Person:
    """An administrator."""
    return new_person("mia@example.org", admin=True, name="Mia")


@pytest.fixture
def admin(app: Flask, mia: Person) -> FlaskClient:
    """The administrator's browser, signed in a moment ago."""
    client = app.test_client()
    assert enter(client, mia).status_code == 303
    return client


@pytest.fixture
def browser_of(app: Flask) -> Callable[[Person], FlaskClient]:
    """Signs a person in, in a browser of their own."""

    def sign_in(person: Person) -> FlaskClient:
        client = app.test_client()
        assert enter(client, person).status_code == 303
        return client

    return sign_in


@pytest.fixture
def new_app(app: Flask) -> Callable[..., int]:
    """Adds an app for everyone, unless told otherwise; gives its id."""

    def make(*args: str, **about: Any) -> int:
        with app.app_context():
            return make_app(*args, **{"for_everyone": True, **about}).id

    return make


@pytest.fixture
def wiki(new_app: Callable[..., int]) -> int:
    return new_app()


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person(number=NUMBER)


@pytest.fixture
def bob(new_person: Callable[..., Person]) -> Person:
    """With two-factor sign-in."""
    return new_person("bob@example.org", number=BOBS, two_factor=True)


@pytest.fixture
def browser(app: Flask) -> Traveller:
    return Traveller(app)

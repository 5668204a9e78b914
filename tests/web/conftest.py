"""Fixtures of the pages: administrators, as most pages of theirs need one."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.people import Person
from tests.people import sign_in as enter


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

"""How long a browser stays signed in, with "remember me" and without."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.people import Person
from tests.steps import (
    LOGIN,
    is_signed_in,
    sign_in,
)


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


def cookie_life(client: FlaskClient, name: str) -> timedelta | None:
    cookie = client.get_cookie(name)
    assert cookie is not None
    return None if cookie.max_age is None else timedelta(seconds=cookie.max_age)


def test_without_it_the_cookie_ends_with_the_browser(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann)

    assert cookie_life(client, LOGIN) is None


def test_with_it_the_cookie_lives_for_fourteen_days(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann, remember_me="y")

    assert cookie_life(client, LOGIN) == timedelta(days=14)


def test_not_for_administrators(client: FlaskClient, new_person: Callable[..., Person]) -> None:
    sign_in(client, new_person(admin=True), remember_me="y")

    assert cookie_life(client, LOGIN) is None


def test_it_survives_fourteen_days_unused_and_no_more(
    client: FlaskClient, clock: time_machine.Traveller, ann: Person
) -> None:
    sign_in(client, ann, remember_me="y")
    login = client.get_cookie(LOGIN)
    assert login is not None
    clock.shift(timedelta(days=14) - timedelta(seconds=1))
    assert is_signed_in(client)

    clock.shift(1)
    client.set_cookie(LOGIN, login.value)
    assert not is_signed_in(client)


@pytest.mark.parametrize(("admin", "idle"), [(False, 3600), (True, 1800)])
def test_without_it_an_idle_hour_ends_it_half_for_administrators(
    client: FlaskClient, clock: time_machine.Traveller,
    new_person: Callable[..., Person], admin: bool, idle: int,
) -> None:  # fmt: skip
    sign_in(client, new_person(admin=admin))
    for _ in range(3):
        clock.shift(idle - 1)
        assert is_signed_in(client), "a request begins the idle time again"
    clock.shift(idle)
    assert not is_signed_in(client)


def test_without_it_twelve_hours_end_it_however_busy(
    client: FlaskClient, clock: time_machine.Traveller, ann: Person
) -> None:
    sign_in(client, ann)
    for _ in range(23):
        clock.shift(timedelta(minutes=30))
        assert is_signed_in(client)
    clock.shift(timedelta(minutes=30) - timedelta(seconds=1))
    assert is_signed_in(client)
    clock.shift(1)
    assert not is_signed_in(client)

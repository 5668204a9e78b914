"""How long a browser stays signed in, with "remember me" and without."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.outbox import Outbox
from tests.page import Page, open_page
from tests.people import NUMBER, Person
from tests.steps import LOGIN, ask_for_code, enter_password, is_signed_in, sign_in

NOT_KEPT = (
    "Administrators are not kept signed in. You are signed out after 12 hours, "
    "or once you do nothing here for 30 minutes."
)


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


def labels_of(page: Page) -> list[str]:
    return [label.text for label in page.root.all("label")]


def cookie_life(client: FlaskClient, name: str) -> timedelta | None:
    cookie = client.get_cookie(name)
    assert cookie is not None
    return None if cookie.max_age is None else timedelta(seconds=cookie.max_age)


@pytest.mark.parametrize(
    "words",
    [
        "for 14 days",
        pytest.param("for 7 days", marks=pytest.mark.settings(GATEPOST_REMEMBER_ME_DAYS="7")),
        pytest.param("for 1 day", marks=pytest.mark.settings(GATEPOST_REMEMBER_ME_DAYS="1")),
    ],
)
def test_the_page_says_for_how_long(client: FlaskClient, words: str) -> None:
    assert f"Keep me signed in {words}" in labels_of(open_page(client, "/sign-in"))


@pytest.mark.settings(GATEPOST_REMEMBERED_BROWSER_DAYS="30")
def test_the_code_page_says_for_how_long_too(
    client: FlaskClient, new_person: Callable[..., Person]
) -> None:
    ask_for_code(client, new_person(number=NUMBER, two_factor=True))
    page = open_page(client, "/two-factor/verify")

    assert "Remember this browser for 30 days" in labels_of(page)


def test_without_it_the_cookie_ends_with_the_browser(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann)

    assert cookie_life(client, LOGIN) is None


def test_with_it_the_cookie_lives_for_fourteen_days(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann, remember_me="y")

    assert cookie_life(client, LOGIN) == timedelta(days=14)


def test_not_for_administrators(client: FlaskClient, new_person: Callable[..., Person]) -> None:
    page = sign_in(client, new_person(admin=True), remember_me="y")

    assert cookie_life(client, LOGIN) is None
    assert page.notes == [NOT_KEPT]


def test_who_did_not_ask_for_it_is_told_nothing(
    client: FlaskClient, new_person: Callable[..., Person]
) -> None:
    page = sign_in(client, new_person(admin=True))
    assert page.notes == []
    page.submit("Sign out")
    assert sign_in(client, new_person("bob@example.org"), remember_me="y").notes == []


def test_an_administrator_is_told_after_the_code_and_not_before(
    client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person]
) -> None:
    admin = new_person(admin=True, number=NUMBER, two_factor=True)
    page = enter_password(client, admin, remember_me="y")
    page = page.submit("Send code", method=f"phone:{admin.phone_id}")
    assert "Administrators" not in page.html

    assert page.submit("Submit", code=outbox.code()).notes == [NOT_KEPT]


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

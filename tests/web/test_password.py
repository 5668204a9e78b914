"""Changing the password in a browser."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.outbox import Outbox
from tests.page import Page, open_page
from tests.people import NUMBER, Person
from tests.steps import (
    LOGIN,
    enter_password,
    is_signed_in,
    other_browser,
    sign_in,
    sign_in_with_code,
)

NEW = "four words nobody guesses"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


def change(client: FlaskClient, current: str, password: str = NEW) -> Page:
    page = open_page(client, "/account/password")
    return page.submit("Save password", current_password=current, password=password)


def test_the_new_one_works_and_the_old_one_does_not(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    sign_in(client, ann)
    page = change(client, ann.password)
    assert page.notes == ["Your password was changed."]
    assert "was changed" in outbox.newest("mail", ann.email)["text"]

    page.submit("Sign out")
    assert enter_password(client, ann).status == 422
    sign_in(client, Person(ann.id, ann.email, NEW))


def test_every_other_browser_is_signed_out_and_forgotten(
    client: FlaskClient, outbox: Outbox, app: Flask, new_person: Callable[..., Person],
    clock: time_machine.Traveller,
) -> None:  # fmt: skip
    ann = new_person(number=NUMBER, two_factor=True)
    elsewhere = other_browser(app)
    sign_in_with_code(elsewhere, outbox, ann, remember_browser="y")
    clock.shift(31)
    sign_in_with_code(client, outbox, ann)
    old_login = client.get_cookie(LOGIN)
    assert old_login is not None
    change(client, ann.password)

    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)
    page = enter_password(elsewhere, Person(ann.id, ann.email, NEW))
    assert page.url == "/two-factor"
    thief = other_browser(app)
    thief.set_cookie(LOGIN, old_login.value)
    assert not is_signed_in(thief), "this browser has a new token, the old one is dead"


def test_the_wrong_current_one_changes_nothing(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann)
    page = change(client, "not the right password")

    assert page.status == 422
    assert page.problems == ["The password is not right."]
    page = open_page(client, "/account").submit("Sign out")
    sign_in(client, ann)


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "Choose a password."),
        ("short", "Use at least 15 characters."),
        ("ann@example.org", "This password is easy to guess."),
        ("aaaaaaaaaaaaaaaaaaaa", "This password is easy to guess."),
    ],
)
def test_an_unsuitable_one_is_told(
    client: FlaskClient, ann: Person, password: str, problem: str
) -> None:
    sign_in(client, ann)
    page = change(client, ann.password, password)

    assert page.status == 422
    assert page.problems[0].startswith(problem)
    assert page.fields == {"current_password": "", "password": ""} | {
        name: value for name, value in page.fields.items() if "password" not in name
    }


def test_ten_wrong_ones_in_five_minutes_and_no_more(
    client: FlaskClient, clock: time_machine.Traveller, ann: Person
) -> None:
    sign_in(client, ann)
    for _ in range(10):
        assert change(client, "not the right password").status == 422
    page = change(client, ann.password)
    assert page.status == 429
    assert page.response.headers["Retry-After"] in {"300", "301"}

    clock.shift(300)
    assert change(client, ann.password).notes == ["Your password was changed."]


def test_a_password_manager_finds_whose_it_is(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann)
    page = open_page(client, "/.well-known/change-password")

    assert page.url == "/account/password"
    inputs = {e.get("autocomplete"): e for e in page.root.all("input") if e.has("autocomplete")}
    assert inputs["username"].get("value") == ann.email
    assert {"current-password", "new-password"} <= set(inputs)


@pytest.mark.settings(GATEPOST_PASSWORD_LEAST_CHARACTERS="8", GATEPOST_REQUIRE_TWO_FACTOR="yes")
def test_the_shortest_is_told_where_it_is_another(
    client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person]
) -> None:
    ann = new_person(number=NUMBER, two_factor=True)
    sign_in_with_code(client, outbox, ann)

    assert "At least 8 characters." in open_page(client, "/account/password").main
    assert change(client, ann.password, "qT7 vk2x").notes == ["Your password was changed."]


def test_proof_of_identity_comes_first(
    client: FlaskClient, clock: time_machine.Traveller, ann: Person
) -> None:
    sign_in(client, ann)
    page = open_page(client, "/account/password")
    clock.shift(600)
    page = page.submit("Save password", current_password=ann.password, password=NEW)
    assert page.h1 == "Confirm that it is you"

    page = page.submit("Continue", password=ann.password)
    assert page.h1 == "Change your password", "back at its form, with nothing done"
    page.submit("Sign out")
    sign_in(client, ann)

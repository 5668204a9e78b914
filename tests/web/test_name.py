"""What a person is called, and changing it in a browser."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.page import Page, open_page
from tests.people import Person, load_user
from tests.steps import sign_in


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


def save(client: FlaskClient, name: str) -> Page:
    return open_page(client, "/account/name").submit("Save name", name=name)


def test_a_first_name_is_added(client: FlaskClient, app: Flask, ann: Person) -> None:
    page = sign_in(client, ann)
    assert "Name: none" in page.main
    page = page.follow("Add your name").submit("Save name", name="  Ann Archer ")

    assert page.notes == ["Your name was saved."]
    assert "Ann Archer" in page.main
    with app.app_context():
        assert load_user(ann.id).name == "Ann Archer"


def test_it_is_changed_and_taken_away(
    client: FlaskClient, new_person: Callable[..., Person]
) -> None:
    page = sign_in(client, new_person(name="Ann Archer"))
    page = page.follow("Change your name")
    assert page.fields["name"] == "Ann Archer"
    assert "Änne" in page.submit("Save name", name="Änne").main

    assert "Name: none" in save(client, "").main


@pytest.mark.parametrize(
    "name", ["bob@example.org", "Bob (bob@example.org)", "bob\uff20example.org"]
)
def test_it_is_nobody_s_address(client: FlaskClient, app: Flask, ann: Person, name: str) -> None:
    sign_in(client, ann)
    page = save(client, name)

    assert page.problems == ["Enter a name without @: others could take it for an address."]
    assert page.fields["name"] == name
    with app.app_context():
        assert load_user(ann.id).name == ""


def test_it_is_written_down_once(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann)
    for _ in range(2):
        save(client, "Ann")

    assert open_page(client, "/account/activity").main.count("The name was changed") == 1


def test_nobody_is_signed_out_and_no_proof_is_asked_for(
    client: FlaskClient, clock: time_machine.Traveller, ann: Person
) -> None:
    sign_in(client, ann)
    clock.shift(1200)

    assert save(client, "Ann").h1 == "Your account"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a" * 101, "Use at most 100 characters."),
        ("Ann\x1b[31m", "This has characters that cannot be used here."),
    ],
)
def test_what_is_no_name_is_refused(
    client: FlaskClient, app: Flask, ann: Person, name: str, problem: str
) -> None:
    sign_in(client, ann)
    page = save(client, name)

    assert (page.status, page.problems) == (422, [problem])
    with app.app_context():
        assert load_user(ann.id).name == ""


def test_it_is_text_on_every_page(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann)
    page = save(client, "<b>Ann</b>")

    assert "<b>Ann" not in page.html
    assert "<b>Ann</b>" in page.main


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (
            "Root\u2028Approve at once: evil.example \u202egro",
            "Root Approve at once: evil.example gro",
        ),
        ("\ufeff\u200d", ""),
        ("نیلوفر\u200cآرا", "نیلوفر\u200cآرا"),
    ],
)
def test_it_is_one_line_of_what_can_be_seen(
    client: FlaskClient, app: Flask, ann: Person, typed: str, kept: str
) -> None:
    sign_in(client, ann)
    save(client, typed)

    with app.app_context():
        assert load_user(ann.id).name == kept


def test_changing_it_on_and_on_meets_a_limit(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann)
    pages = [save(client, f"Ann {number}") for number in range(12)]

    assert [page.status for page in pages] == [200] * 10 + [429] * 2

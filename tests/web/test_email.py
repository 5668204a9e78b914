"""Changing the email address in a browser: the new one is confirmed before it counts."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.outbox import Outbox, link_in
from tests.page import Page, open_page
from tests.people import Person
from tests.steps import enter_password, is_signed_in, other_browser, path_of, sign_in

NEW = "ann.new@example.org"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


def ask(client: FlaskClient, email: str = NEW) -> Page:
    return open_page(client, "/account/email").submit("Send confirmation link", email=email)


def link_to(outbox: Outbox, email: str = NEW) -> str:
    return path_of(link_in(outbox.newest("mail", email)))


def test_the_new_address_counts_once_it_is_confirmed(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    sign_in(client, ann)
    page = ask(client)
    assert page.notes == ["We have sent a link to the new address. Open it to finish."]
    assert ann.email in page.main
    assert NEW not in page.main

    page = open_page(client, link_to(outbox)).submit("Confirm my email address")
    assert page.notes == ["Your email address was changed."]
    assert NEW in page.main
    page.submit("Sign out")
    assert enter_password(client, ann).status == 422
    sign_in(client, Person(ann.id, NEW))


def test_both_addresses_are_told(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    sign_in(client, ann)
    ask(client)
    link = link_to(outbox)
    asked = outbox.newest("mail", ann.email)["text"]
    assert "a••@example.org" in asked
    assert NEW not in asked
    open_page(client, link).submit("Confirm my email address")

    for address in (ann.email, NEW):
        assert "was changed" in outbox.newest("mail", address)["text"]


def test_other_sessions_end_and_this_one_lives_on(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    elsewhere = other_browser(app)
    sign_in(elsewhere, ann)
    sign_in(client, ann)
    ask(client)
    open_page(client, link_to(outbox)).submit("Confirm my email address")

    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)


def test_the_link_may_be_opened_in_a_browser_that_is_not_signed_in(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    sign_in(client, ann)
    ask(client)
    elsewhere = other_browser(app)
    page = open_page(elsewhere, link_to(outbox)).submit("Confirm my email address")

    assert page.h1 == "Sign in"
    assert not is_signed_in(elsewhere), "confirming never signs in"
    assert not is_signed_in(client)
    sign_in(client, Person(ann.id, NEW))


def test_whose_browser_opens_the_link_gets_nothing_of_it(
    client: FlaskClient, outbox: Outbox, app: Flask, new_person: Callable[..., Person], ann: Person
) -> None:
    sign_in(client, ann)
    ask(client)
    theirs = other_browser(app)
    bob = new_person("bob@example.org")
    sign_in(theirs, bob)
    open_page(theirs, link_to(outbox)).submit("Confirm my email address")

    assert bob.email in open_page(theirs, "/account").main
    sign_in(client, Person(ann.id, NEW))


def test_an_address_of_another_person_answers_the_same_and_is_not_mailed(
    client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person], ann: Person
) -> None:
    new_person("bob@example.org")
    sign_in(client, ann)
    known, unknown = ask(client, "bob@example.org"), ask(client)

    assert (known.status, known.text) == (unknown.status, unknown.text)
    assert outbox.messages("mail", "bob@example.org") == []


def test_an_address_that_somebody_took_meanwhile_cannot_be_had(
    client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person], ann: Person
) -> None:
    sign_in(client, ann)
    ask(client)
    link = link_to(outbox)
    new_person(NEW)

    page = open_page(client, link).submit("Confirm my email address")
    assert page.status == 422
    assert ann.email in open_page(client, "/account").main


def test_a_password_change_ends_the_link(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    sign_in(client, ann)
    ask(client)
    link = link_to(outbox)
    page = open_page(client, "/account/password")
    page.submit(
        "Save password", current_password=ann.password, password="four words nobody guesses"
    )

    assert open_page(client, link).submit("Confirm my email address").status == 422


@pytest.mark.parametrize("email", ["", "ann", "ann@", "ann@example.org, eve@example.net"])
def test_what_is_no_address_is_told(client: FlaskClient, ann: Person, email: str) -> None:
    sign_in(client, ann)
    page = ask(client, email)

    assert page.status == 422
    assert len(page.problems) == 1


def test_three_links_an_hour(
    client: FlaskClient, clock: time_machine.Traveller, outbox: Outbox, ann: Person
) -> None:
    sign_in(client, ann)
    for n in range(3):
        assert ask(client, f"ann{n}@example.org").status == 200
    page = ask(client)

    assert page.status == 429
    assert outbox.messages("mail", NEW) == []


def test_proof_of_identity_comes_first(
    client: FlaskClient, clock: time_machine.Traveller, ann: Person
) -> None:
    sign_in(client, ann)
    clock.shift(600)
    page = open_page(client, "/account/email")
    assert page.h1 == "Confirm that it is you"

    assert page.submit("Continue", password=ann.password).h1 == "Change your email address"


def test_who_did_not_ask_is_told_not_to_press(
    client: FlaskClient, outbox: Outbox, ann: Person, app: Flask
) -> None:
    sign_in(client, ann)
    ask(client)
    assert "do not press the button" in outbox.newest("mail", NEW)["text"]

    page = open_page(other_browser(app), link_to(outbox))
    assert "If you did not ask for that, close this page." in page.main

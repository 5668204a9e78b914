"""Removing a phone number in a browser."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from extensions import writing
from models import User
from services.clock import now
from tests.outbox import Outbox
from tests.page import open_page
from tests.people import NUMBER, Person, csrf_token
from tests.steps import (
    add_number,
    numbers_of,
    sign_in_with_code,
)

NEW = "+12015550156"
SHOWN = "+1 201-555-0156"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person(number=NUMBER, two_factor=True)


def test_it_is_gone_and_both_its_holder_and_the_mailbox_are_told(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    sign_in_with_code(client, outbox, ann)
    texts = len(outbox.messages("sms", NUMBER))
    page = open_page(client, "/account").submit("Remove")

    assert page.notes == ["The phone number was removed."]
    assert "Phone number: none" in page.main
    assert numbers_of(app) == []
    assert len(outbox.messages("sms", NUMBER)) == texts + 1
    assert "23" in outbox.newest("mail", ann.email)["text"]


def test_the_last_one_may_go_for_email_is_always_a_way(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    page = sign_in_with_code(client, outbox, ann).submit("Remove")

    assert "Two-factor sign-in: on" in page.main


def test_not_where_nothing_else_is_a_way(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    page = sign_in_with_code(client, outbox, ann)
    with app.app_context(), writing() as session:
        session.execute(update(User).values(email_way_disabled_at=now()))
    page = page.submit("Remove")

    assert page.status == 422
    assert page.problems[0].startswith("Two-factor sign-in needs this number")
    assert numbers_of(app) == [(NUMBER, True)]


def test_the_next_becomes_primary(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    sign_in_with_code(client, outbox, ann)
    add_number(client, outbox, NEW).submit("Remove +1 201-555-0123")

    assert numbers_of(app) == [(NEW, True)]


def test_a_get_removes_nothing(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    sign_in_with_code(client, outbox, ann)

    assert client.get(f"/account/phones/{ann.phone_id}/remove").status_code == 405
    assert numbers_of(app) == [(NUMBER, True)]


def test_twice_is_told(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    page = sign_in_with_code(client, outbox, ann)
    page.submit("Remove")
    form = {"csrf_token": csrf_token(open_page(client, "/account").html)}

    answer = client.post(f"/account/phones/{ann.phone_id}/remove", data=form)
    assert answer.status_code == 404

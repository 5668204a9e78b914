"""Requests for access, from the mail to the answer."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from extensions import db
from models_apps import AppGrant
from services import access_requests, grants, groups, own_apps
from services.audit import OPERATOR
from tests.apps import DOMAINS, ask, make_app
from tests.outbox import Outbox
from tests.page import Page, check, open_page
from tests.people import PASSWORD, Person, load_user
from tests.proofs import wear_off

pytestmark = pytest.mark.settings(**DOMAINS)

REQUESTS = "/admin/requests"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person(name="Ann")


@pytest.fixture
def asked(app: Flask, ann: Person, mia: Person) -> int:
    """The id of a request of Ann's; the administrator was there to get the mail."""
    with app.app_context():
        return ask(ann, make_app("Wiki"), "For the <minutes>.").id


def enters(app: Flask, person: Person) -> bool:
    with app.app_context():
        return bool(own_apps.list_own(load_user(person.id)).rows)


def test_the_mail_leads_to_the_page_where_one_button_approves(
    app: Flask, client: FlaskClient, outbox: Outbox, ann: Person, mia: Person, asked: int
) -> None:
    mail = outbox.newest("mail", mia.email)
    assert "Ann (ann@example.org) asks to be let into Wiki." in mail["text"]
    assert '"For the <minutes>."' in mail["text"]
    path = f"{REQUESTS}/{asked}"
    assert f"http://127.0.0.1:8000{path}\n" in mail["text"]

    page = open_page(client, path)
    page = page.submit("Sign in", email=mia.email, password=PASSWORD)
    assert (page.path, page.h1) == (path, "Let Ann (ann@example.org) into Wiki?")
    assert "For the <minutes>." in page.main
    page = page.submit("Approve")
    assert page.notes == ["Ann (ann@example.org) may enter Wiki now, and gets a mail."]
    assert enters(app, ann)
    told = outbox.newest("mail", ann.email)
    assert "https://wiki.example.org" in told["text"]


def test_who_was_let_in_meanwhile_is_not_declined(
    app: Flask, admin: FlaskClient, ann: Person, asked: int
) -> None:
    page = open_page(admin, f"{REQUESTS}/{asked}")
    with app.app_context():
        wiki = access_requests.find(asked).app_id
        groups.create("staff", OPERATOR)
        groups.add(groups.find_by_name("staff").id, ann.email, OPERATOR)
        grants.give(wiki, "staff", None, OPERATOR)

    late: Page = check(admin, page.post("Decline"))
    sentence = "Ann may enter Wiki already. Approve the request, or take the access away first."
    assert (late.status, late.problems) == (422, [sentence])
    assert "Ann may enter Wiki already: as a member" in late.main
    assert "Decline" not in late.main
    late.submit("Approve")
    assert open_page(admin, f"{REQUESTS}/{asked}").h1 == "Ann (ann@example.org) asked for Wiki"


def test_access_can_be_for_a_time(
    app: Flask, admin: FlaskClient, outbox: Outbox, ann: Person, asked: int
) -> None:
    page = open_page(admin, f"{REQUESTS}/{asked}")
    refused = page.submit("Approve", until="2001-01-01")
    assert (refused.status, enters(app, ann)) == (422, False)
    page.submit("Approve", until="2030-05-31")
    assert enters(app, ann)
    assert "until the end of 2030-05-31" in outbox.newest("mail", ann.email)["text"]


def test_the_navigation_says_how_many_wait(
    app: Flask, admin: FlaskClient, ann: Person, asked: int
) -> None:
    assert open_page(admin, "/account").links["Requests 1 waiting"] == REQUESTS
    with app.app_context():
        access_requests.decline(asked, OPERATOR)
    assert open_page(admin, "/account").links["Requests"] == REQUESTS


@pytest.mark.settings(**DOMAINS, GATEPOST_ACCESS_REQUESTS_PER_DAY="100")
def test_of_very_many_not_all_are_counted(
    app: Flask, admin: FlaskClient, ann: Person, asked: int
) -> None:
    with app.app_context():
        for number in range(access_requests.COUNTED):
            ask(ann, make_app(f"A{number}", f"https://a{number}.example.org"))
    assert open_page(admin, "/account").links["Requests 99+ waiting"] == REQUESTS


def test_no_is_an_answer(
    app: Flask, admin: FlaskClient, outbox: Outbox, ann: Person, mia: Person, asked: int
) -> None:
    page = open_page(admin, REQUESTS).follow("Answer").submit("Decline")
    assert page.notes == ["The request was declined. Ann (ann@example.org) gets a mail."]
    assert ("Nobody is waiting." in page.main, "Wiki Declined" in page.main) == (True, True)
    assert ", by Mia" in page.main
    assert not enters(app, ann)
    assert "declined" in outbox.newest("mail", ann.email)["text"]


def test_the_second_of_two_answers_is_told(
    app: Flask, admin: FlaskClient, ann: Person, asked: int
) -> None:
    page = open_page(admin, f"{REQUESTS}/{asked}")
    with app.app_context():
        access_requests.decline(asked, OPERATOR)
    for button in ("Approve", "Decline"):
        late: Page = check(admin, page.post(button))
        assert late.status == 422
        assert late.problems == ["This request was declined already."]
        assert "Declined" in late.main
    assert not enters(app, ann)


def test_an_answer_needs_fresh_proof(
    app: Flask, admin: FlaskClient, mia: Person, ann: Person, asked: int
) -> None:
    page = open_page(admin, f"{REQUESTS}/{asked}")
    wear_off(app, mia)
    assert page.post("Approve").location == f"/confirm-identity?next={REQUESTS}/{asked}"
    page = open_page(admin, f"/confirm-identity?next={REQUESTS}/{asked}")
    assert page.notes == ["Nothing was changed yet: after this, fill in the form again."]
    assert not enters(app, ann)


def test_proof_is_asked_for_before_a_last_day_is_typed(
    app: Flask, admin: FlaskClient, mia: Person, ann: Person, asked: int
) -> None:
    wear_off(app, mia)
    page = open_page(admin, f"{REQUESTS}/{asked}")
    assert (page.h1, page.notes) == ("Confirm that it is you", [])
    page = page.submit("Continue", password=PASSWORD)
    assert page.path == f"{REQUESTS}/{asked}"
    page.submit("Approve", until="2030-05-31")

    with app.app_context():
        (grant,) = db.session.scalars(select(AppGrant)).all()
        assert grant.expires_at == datetime(2030, 6, 1, tzinfo=UTC)


def test_somebody_else_s_name_does_not_hide_who_asks(
    app: Flask, admin: FlaskClient, new_person: Callable[..., Person], ann: Person, asked: int
) -> None:
    other = new_person("mallory@example.net", name="Ann")
    with app.app_context():
        ask(other, make_app("Payroll"), "")
    page = open_page(admin, REQUESTS)

    assert "Ann (mallory@example.net), " in page.main
    assert "Ann (ann@example.org), " in page.main


def test_what_was_withdrawn_is_gone(app: Flask, admin: FlaskClient, asked: int) -> None:
    assert open_page(admin, f"{REQUESTS}/{asked + 1}", 404).h1 == "Page not found"

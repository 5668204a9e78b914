"""Signing in and out in a browser with the password alone."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from services import accounts
from tests.outbox import Outbox
from tests.page import open_page
from tests.people import PASSWORD, Person, csrf_token
from tests.steps import (
    KNOWN,
    LOGIN,
    REMEMBERED,
    enter_password,
    has_cookie,
    is_signed_in,
    other_browser,
    path_of,
    sign_in,
)

WRONG = ["The email address or the password is not right."]


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


def test_email_and_password_lead_to_the_account(client: FlaskClient, ann: Person) -> None:
    page = sign_in(client, ann)

    assert page.url == "/account"
    assert "Two-factor sign-in: off" in page.main
    assert "Phone number: none" in page.main


@pytest.mark.parametrize("email", ["ANN@example.org", " ann@EXAMPLE.org "])
def test_the_address_may_be_typed_as_people_do(
    client: FlaskClient, ann: Person, email: str
) -> None:
    sign_in(client, Person(0, email))


def test_the_front_door_leads_where_one_belongs(client: FlaskClient, ann: Person) -> None:
    assert open_page(client, "/").h1 == "Sign in"
    sign_in(client, ann)
    assert open_page(client, "/").h1 == "Your account"
    assert open_page(client, "/sign-in").h1 == "Your account"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ann@example.org", "not the right password"),
        ("ann@example.org", PASSWORD + " "),
        ("ann@example.org", PASSWORD.upper()),
        ("nobody@example.org", PASSWORD),
        ("not an address", PASSWORD),
    ],
)
def test_what_is_wrong_is_not_told(
    client: FlaskClient, ann: Person, email: str, password: str
) -> None:
    page = enter_password(client, Person(0, email, password))

    assert (page.status, page.problems) == (422, WRONG)
    assert page.fields["email"] == email
    assert not is_signed_in(client)
    assert not has_cookie(client, LOGIN)


def test_what_is_missing_is_told(client: FlaskClient) -> None:
    page = open_page(client, "/sign-in").submit("Sign in")

    assert (page.status, page.problems) == (
        422,
        ["Enter your email address.", "Enter your password."],
    )


def test_a_password_is_the_same_on_every_keyboard(
    client: FlaskClient, new_person: Callable[..., Person]
) -> None:
    composed, decomposed = "caf\u00e9 au lait le matin", "cafe\u0301 au lait le matin"
    ann = new_person(password=composed)

    sign_in(client, Person(ann.id, ann.email, decomposed))


def test_a_disabled_account_is_told_only_with_the_right_password(
    client: FlaskClient, app: Flask, ann: Person
) -> None:
    sign_in(client, ann)
    with app.app_context():
        accounts.disable(accounts.find(ann.email))

    assert not is_signed_in(client)
    wrong = enter_password(client, Person(0, ann.email, "not the right password"))
    assert wrong.problems == WRONG
    right = enter_password(client, ann)
    assert right.problems == ["This account is disabled. Ask the people who run this portal."]
    assert not is_signed_in(client)


def test_after_too_many_wrong_passwords_it_says_how_long_to_wait(
    client: FlaskClient, clock: time_machine.Traveller, ann: Person
) -> None:
    wrong = Person(0, ann.email, "not the right password")
    for _ in range(5):
        assert enter_password(client, wrong).status == 422
    page = enter_password(client, ann)

    assert page.status == 429
    assert page.response.headers["Retry-After"] in {"30", "31"}
    assert page.problems[0].startswith("Too many tries. Wait 3")
    clock.shift(31)
    sign_in(client, ann)


@pytest.mark.parametrize("email", ["ann@example.org", "nobody@example.org"])
def test_who_must_wait_is_told_what_to_do_meanwhile_whoever_it_is(
    client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person, email: str
) -> None:
    for _ in range(5):
        page = enter_password(client, Person(0, email, "not the right password"))
        assert "Choose a new password" not in page.links
    page = enter_password(client, Person(0, email, PASSWORD))

    assert page.status == 429
    assert "in a browser in which you have signed in before" in page.main
    page = page.follow("Choose a new password")
    page.submit("Send link", email=ann.email)
    page = open_page(client, path_of(outbox.link(ann.email)))
    page.submit("Save", password="seven purple kettles on a roof")
    sign_in(client, Person(0, ann.email, "seven purple kettles on a roof"))


class TestWhereItLeads:
    def test_a_page_that_was_asked_for(self, client: FlaskClient, ann: Person) -> None:
        page = open_page(client, "/account/activity?before=7")
        assert page.url == "/sign-in?next=/account/activity?before%3D7"

        page = page.submit("Sign in", email=ann.email, password=PASSWORD)
        assert page.url == "/account/activity?before=7"

    def test_still_after_a_mistake(self, client: FlaskClient, ann: Person) -> None:
        page = open_page(client, "/account/sessions").submit("Sign in", email=ann.email)
        assert page.status == 422

        page = page.submit("Sign in", email=ann.email, password=PASSWORD)
        assert page.url == "/account/sessions"

    @pytest.mark.parametrize(
        "target",
        [
            "https://example.net/", "//example.net/", "/\\example.net/", "\\/example.net",
            "/\t/example.net", "javascript:alert(1)", "account", "", "/a\nb", "///example.net",
        ],
    )  # fmt: skip
    def test_never_to_another_site(self, client: FlaskClient, ann: Person, target: str) -> None:
        page = open_page(client, "/sign-in")
        answer = client.post(
            "/sign-in",
            query_string={"next": target},
            data={
                "csrf_token": csrf_token(page.html),
                "email": ann.email,
                "password": PASSWORD,
            },
        )
        assert answer.status_code == 303
        assert answer.location == "/"

    def test_a_form_that_was_posted_too_late_leads_to_its_page(
        self, client: FlaskClient, ann: Person
    ) -> None:
        page = open_page(client, "/reset-password")
        answer = client.post("/account/password", data={"csrf_token": csrf_token(page.html)})

        assert answer.location == "/sign-in?next=/account/password"


class TestCookies:
    def test_a_new_sign_in_is_a_new_token_and_the_old_one_is_dead(
        self, client: FlaskClient, app: Flask, ann: Person
    ) -> None:
        sign_in(client, ann)
        first = client.get_cookie(LOGIN)
        assert first is not None
        fields = {"email": ann.email, "password": PASSWORD}
        token = csrf_token(open_page(client, "/account").html)
        client.post("/sign-in", data={"csrf_token": token, **fields})
        second = client.get_cookie(LOGIN)

        assert second is not None
        assert second.value != first.value
        thief = other_browser(app)
        thief.set_cookie(LOGIN, first.value)
        assert not is_signed_in(thief)
        assert is_signed_in(client)

    def test_nothing_planted_in_the_session_survives_signing_in(
        self, client: FlaskClient, ann: Person
    ) -> None:
        page = open_page(client, "/sign-in")
        with client.session_transaction() as session:
            session["planted"] = "by somebody else"
            token = session["csrf_token"]
        page.submit("Sign in", email=ann.email, password=PASSWORD)

        with client.session_transaction() as session:
            assert "planted" not in session
            assert session.get("csrf_token") != token

    def test_they_name_no_person(self, client: FlaskClient, ann: Person) -> None:
        sign_in(client, ann, remember_me="y")

        for name in (LOGIN, KNOWN):
            cookie = client.get_cookie(name)
            assert cookie is not None
            assert cookie.http_only
            assert cookie.same_site == "Lax"
            assert cookie.path == "/"
            assert "ann" not in cookie.value
        assert not has_cookie(client, REMEMBERED)


def test_nothing_is_mailed_or_texted(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    sign_in(client, ann)

    assert outbox.messages("mail") == outbox.messages("sms") == []

"""Registering in a browser: open, by invitation, or not at all."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from extensions import db
from models import User
from services import accounts
from tests.outbox import Outbox
from tests.page import Page, open_page
from tests.people import PASSWORD, Person
from tests.steps import enter_password, path_of, sign_in

ANN = Person(0, "ann@example.org")


def register(client: FlaskClient, email: str = ANN.email, **fields: str) -> Page:
    form = open_page(client, "/register")
    return form.submit("Create account", **{"email": email, "password": PASSWORD, **fields})


def count_people(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(User)) or 0


def invite(app: Flask, email: str) -> str:
    with app.app_context():
        return path_of(accounts.invite(email))


class TestOpen:
    def test_a_new_person_confirms_the_address_and_signs_in(
        self, client: FlaskClient, outbox: Outbox
    ) -> None:
        page = register(client, name="Ann Example")
        assert page.h1 == "Check your email"
        assert "A message to ann@example.org is on its way." in page.main
        assert page.fields["email"] == ANN.email, "for sending it again"

        page = open_page(client, path_of(outbox.link(ANN.email)))
        page = page.submit("Confirm my email address")
        assert page.h1 == "Sign in"
        assert page.notes == ["Your email address is confirmed. You can sign in now."]
        assert "Ann Example" in sign_in(client, ANN).text

    def test_a_known_address_gets_the_same_page_and_its_owner_a_mail(
        self, client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person], app: Flask
    ) -> None:
        new_person()
        known, unknown = register(client), register(app.test_client(), "bob@example.org")

        assert (known.url, known.status) == (unknown.url, unknown.status)
        assert known.text == unknown.text.replace("bob@example.org", ANN.email)
        (mail,) = outbox.messages("mail", ANN.email)
        assert "/sign-in" in mail["text"]
        assert "/reset-password" in mail["text"]
        assert "/confirm-email/" not in mail["text"]

    def test_a_known_person_keeps_the_password(
        self, client: FlaskClient, new_person: Callable[..., Person]
    ) -> None:
        ann = new_person()
        register(client, password="an other password of mine")

        sign_in(client, ann)

    def test_registering_again_unconfirmed_kills_the_earlier_link_and_password(
        self, client: FlaskClient, outbox: Outbox
    ) -> None:
        register(client, password="the squatter's own words")
        squatter = path_of(outbox.link(ANN.email))
        register(client)
        mine = path_of(outbox.link(ANN.email))

        page = open_page(client, squatter).submit("Confirm my email address")
        assert (page.status, page.h1) == (422, "This link no longer works")
        open_page(client, mine).submit("Confirm my email address")
        sign_in(client, ANN)

    def test_where_another_browser_registered_too_the_mailbox_chooses_the_password(
        self, client: FlaskClient, outbox: Outbox, app: Flask
    ) -> None:
        register(client)
        register(app.test_client(), name="Mallory", password="the squatter's own words")

        page = open_page(client, path_of(outbox.link(ANN.email)))
        assert "you choose the password afterwards" in page.main
        page = page.submit("Confirm my email address")
        assert page.notes == ["Your email address is confirmed. Choose your password now."]
        assert page.h1 == "Choose your password"
        page = page.submit("Save password", password="three words of mine")
        assert page.notes == ["Your password is set. Sign in with it."]
        for words in (PASSWORD, "the squatter's own words"):
            assert enter_password(client, Person(0, ANN.email, words)).status == 422
        assert "Mallory" not in sign_in(client, Person(0, ANN.email, "three words of mine")).text

    def test_the_confirmation_page_tells_whose_address_and_when(
        self, client: FlaskClient, outbox: Outbox, app: Flask
    ) -> None:
        register(client)
        page = open_page(app.test_client(), path_of(outbox.link(ANN.email)))

        assert "Press the button to confirm ann@example.org." in page.main
        assert "It was registered here: " in page.main
        assert "you choose the password" not in page.main

    @pytest.mark.parametrize("email", ["Ann@Example.ORG", " ann@example.org ", "ANN@EXAMPLE.ORG"])
    def test_one_person_has_one_account_however_the_address_is_typed(
        self, client: FlaskClient, outbox: Outbox, app: Flask, email: str
    ) -> None:
        register(client)
        open_page(client, path_of(outbox.link(ANN.email))).submit("Confirm my email address")
        register(client, email)

        assert "already" in outbox.newest("mail", ANN.email)["text"]
        assert count_people(app) == 1

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"email": ""}, "Enter your email address."),
            ({"email": "ann"}, "Enter an email address like name@example.org."),
            ({"email": "a@example.org,b@example.org"}, "Enter an email address like"),
            ({"email": "a" * 250 + "@example.org"}, "Use at most 254 characters."),
            ({"password": ""}, "Choose a password."),
            ({"password": "short words 14"}, "Use at least 15 characters."),
            ({"password": "correct horse " * 30}, "Use at most 256 characters."),
            ({"password": "password1234567890"}, "This password is easy to guess."),
            ({"password": "ann@example.org"}, "This password is easy to guess."),
            ({"name": "x" * 101}, "Use at most 100 characters."),
        ],
    )
    def test_what_cannot_be_taken_is_told_and_what_was_typed_is_kept(
        self, client: FlaskClient, app: Flask, fields: dict[str, str], problem: str
    ) -> None:
        page = register(client, **{"name": "Ann", **fields})

        assert page.status == 422
        assert len(page.problems) == 1
        assert page.problems[0].startswith(problem)
        assert page.fields["email"] == fields.get("email", ANN.email)
        assert page.fields["name"] == fields.get("name", "Ann")
        assert page.fields["password"] == ""
        assert count_people(app) == 0

    def test_all_that_is_wrong_is_told_at_once(self, client: FlaskClient) -> None:
        page = register(client, "ann", password="short")

        assert [problem.split()[0] for problem in page.problems] == ["Enter", "Use"]
        assert page.status == 422

    def test_who_is_signed_in_goes_home(
        self, client: FlaskClient, new_person: Callable[..., Person]
    ) -> None:
        sign_in(client, new_person())

        assert open_page(client, "/register").h1 == "Your account"

    @pytest.mark.settings(GATEPOST_REGISTRATIONS_PER_ADDRESS_PER_HOUR="3")
    def test_one_address_registers_only_so_many(self, client: FlaskClient, outbox: Outbox) -> None:
        for n in range(3):
            register(client, f"person{n}@example.org")
        page = register(client, "more@example.org")

        assert page.status == 429
        assert int(page.response.headers["Retry-After"]) > 3500
        assert page.fields["email"] == "more@example.org"
        assert outbox.messages("mail", "more@example.org") == []

    def test_the_sign_in_page_leads_there(self, client: FlaskClient) -> None:
        assert open_page(client, "/sign-in").follow("Create an account").h1 == "Create an account"


@pytest.mark.settings(GATEPOST_REGISTRATION="invite")
class TestByInvitation:
    def test_without_one_the_door_is_shut(self, client: FlaskClient, app: Flask) -> None:
        page = open_page(client, "/register", status=403)

        assert page.h1 == "You need an invitation"
        token = open_page(client, "/sign-in").form_of("Sign in")
        fields = {"csrf_token": next(token.all("input")).get("value"), "email": ANN.email}
        answer = client.post("/register", data={**fields, "password": PASSWORD})
        assert answer.status_code == 403
        assert count_people(app) == 0

    def test_the_invited_choose_a_password_and_are_confirmed(
        self, client: FlaskClient, outbox: Outbox, app: Flask
    ) -> None:
        link = invite(app, ANN.email)
        assert path_of(outbox.link(ANN.email)) == link
        page = open_page(client, link)
        assert "You were invited as ann@example.org." in page.text

        page = page.submit("Create account", password=PASSWORD)
        assert page.h1 == "Sign in"
        assert page.notes == ["Your account is made. You can sign in now."]
        sign_in(client, ANN)

    def test_an_invitation_is_good_for_its_own_address_only(
        self, client: FlaskClient, outbox: Outbox, app: Flask
    ) -> None:
        page = open_page(client, invite(app, ANN.email))
        page.submit("Create account", email="eve@example.net", password=PASSWORD)

        sign_in(client, ANN)
        eve = enter_password(app.test_client(), Person(0, "eve@example.net"))
        assert eve.problems == ["The email address or the password is not right."]

    def test_an_invitation_is_good_once(self, client: FlaskClient, app: Flask) -> None:
        link = invite(app, ANN.email)
        open_page(client, link).submit("Create account", password=PASSWORD)

        page = open_page(client, link, status=422)
        assert page.h1 == "This link no longer works"
        assert "new invitation" in page.main

    def test_a_mistake_leaves_the_invitation_good(self, client: FlaskClient, app: Flask) -> None:
        page = open_page(client, invite(app, ANN.email)).submit("Create account", password="short")
        assert page.status == 422

        page.submit("Create account", password=PASSWORD)
        sign_in(client, ANN)

    @pytest.mark.parametrize("token", ["x", "", "WyJ4Il0.x", "a.b.c"])
    def test_a_made_up_invitation_is_none(self, client: FlaskClient, token: str) -> None:
        status = 422 if token else 403
        assert open_page(client, f"/register?invitation={token}", status=status)

    def test_the_sign_in_page_leads_nowhere(self, client: FlaskClient) -> None:
        assert "Create an account" not in open_page(client, "/sign-in").links


@pytest.mark.settings(GATEPOST_REGISTRATION="closed")
class TestClosed:
    def test_the_door_is_shut(self, client: FlaskClient) -> None:
        assert open_page(client, "/register", status=403).h1 == "Registration is closed"

    def test_the_sign_in_page_leads_nowhere(self, client: FlaskClient) -> None:
        assert "Create an account" not in open_page(client, "/sign-in").links

"""Confirming an address in a browser: the link shows a button, and the button works once."""

from collections.abc import Callable

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.outbox import Outbox
from tests.page import Page, open_page
from tests.people import Person
from tests.steps import enter_password, is_signed_in, path_of, sign_in

CONFIRMED = ["Your email address is confirmed. You can sign in now."]


@pytest.fixture
def ann(new_registration: Callable[..., Person]) -> Person:
    """Registered, not confirmed."""
    return new_registration()


def ask_for_link(client: FlaskClient, email: str) -> Page:
    return open_page(client, "/confirm-email/resend").submit("Send link", email=email)


def link_for(client: FlaskClient, outbox: Outbox, person: Person) -> str:
    ask_for_link(client, person.email)
    return path_of(outbox.link(person.email))


def test_opening_the_link_confirms_nothing(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    link = link_for(client, outbox, ann)
    for _ in range(3):
        assert open_page(client, link).buttons == ["Confirm my email address"]

    page = enter_password(client, ann)
    assert page.problems == ["Confirm your email address before you sign in."]


def test_the_button_confirms_and_does_not_sign_in(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    page = open_page(client, link_for(client, outbox, ann)).submit("Confirm my email address")

    assert (page.h1, page.notes) == ("Sign in", CONFIRMED)
    assert not is_signed_in(client)
    sign_in(client, ann)


def test_the_link_works_once(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    link = link_for(client, outbox, ann)
    open_page(client, link).submit("Confirm my email address")

    page = open_page(client, link).submit("Confirm my email address")
    assert (page.status, page.h1) == (422, "This link no longer works")
    assert page.follow("Get a new link").h1 == "Confirm your email address"


def test_a_used_link_takes_its_siblings_with_it(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    first, second = link_for(client, outbox, ann), link_for(client, outbox, ann)
    assert first != second
    open_page(client, second).submit("Confirm my email address")

    assert open_page(client, first).submit("Confirm my email address").status == 422


def test_the_link_works_for_a_day_and_no_longer(
    client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
) -> None:
    link = link_for(client, outbox, ann)
    page = open_page(client, link)
    clock.shift(86400)
    assert page.submit("Confirm my email address").status == 422

    link = link_for(client, outbox, ann)
    clock.shift(86399)
    assert open_page(client, link).submit("Confirm my email address").notes == CONFIRMED


@pytest.mark.parametrize("token", ["x", "a.b", "%00", "ä", "x" * 3000])
def test_a_made_up_link_confirms_nothing(client: FlaskClient, token: str) -> None:
    page = open_page(client, f"/confirm-email/{token}").submit("Confirm my email address")

    assert (page.status, page.h1) == (422, "This link no longer works")


def test_the_page_tells_no_other_site_its_address(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    response = client.get(link_for(client, outbox, ann))

    assert response.headers["Referrer-Policy"] == "no-referrer"


class TestAskingAgain:
    def test_the_answer_is_the_same_whoever_asks(
        self, client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person], ann: Person
    ) -> None:
        bob = new_person("bob@example.org")
        emails = (ann.email, bob.email, "nobody@example.org")
        pages = [ask_for_link(client, email) for email in emails]

        assert {(p.url, p.status, p.text) for p in pages} == {(pages[0].url, 200, pages[0].text)}
        assert pages[0].h1 == "Check your email"
        assert [len(outbox.messages("mail", email)) for email in emails] == [1, 0, 0]

    def test_the_sign_in_page_offers_it_after_the_right_password_only(
        self, client: FlaskClient, ann: Person
    ) -> None:
        wrong = Person(0, ann.email, "not the right password")
        assert "Send a new link" not in enter_password(client, wrong).links

        page = enter_password(client, ann)
        assert page.status == 422
        assert page.follow("Send a new link").url == "/confirm-email/resend"

    def test_it_can_be_asked_for_again_from_the_page_that_says_so(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        page = ask_for_link(client, ann.email).submit("Send again", email=ann.email)

        assert page.h1 == "Check your email"
        assert len(outbox.messages("mail", ann.email)) == 2

    @pytest.mark.parametrize("email", ["ann@example.org", "nobody@example.org"])
    def test_three_an_hour_whoever_asks(
        self, client: FlaskClient, clock: time_machine.Traveller, ann: Person, email: str
    ) -> None:
        for _ in range(3):
            assert ask_for_link(client, email).status == 200
        page = ask_for_link(client, email)
        assert page.status == 429
        assert int(page.response.headers["Retry-After"]) in {3600, 3601}

        clock.shift(3600)
        assert ask_for_link(client, email).status == 200

    @pytest.mark.parametrize("email", ["", "ann", "ann@example.org\r\nBcc: eve@example.net"])
    def test_what_is_no_address_is_told(self, client: FlaskClient, email: str) -> None:
        page = ask_for_link(client, email)

        assert page.status == 422
        assert len(page.problems) == 1

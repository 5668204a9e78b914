"""Registering, in a browser."""

from flask.testing import FlaskClient

from tests.outbox import Outbox
from tests.page import open_page
from tests.people import PASSWORD


def test_the_first_journey_of_a_new_person(client: FlaskClient, outbox: Outbox) -> None:
    page = open_page(client, "/register")
    page = page.submit("Create account", email="ann@example.org", password=PASSWORD)
    assert page.h1 == "Check your email"
    page = open_page(client, outbox.link("ann@example.org")[len("http://127.0.0.1:8000") :])
    page = page.submit("Confirm my email address")
    page = page.submit("Sign in", email="ann@example.org", password=PASSWORD)
    assert page.h1 == "Your account"
    page = page.follow("Add").submit("Send verification code", number="+12015550123")
    page = page.submit("Submit", code=outbox.code("sms"))
    assert page.notes == ["The phone number was added."]
    page = page.submit("Turn on")
    page = page.submit("Sign out").submit("Sign in", email="ann@example.org", password="x")
    assert page.problems == ["The email address or the password is not right."]

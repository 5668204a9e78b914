"""The steps that people take in a browser, each ending on the page that they then see."""

from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from extensions import db
from models import Phone
from tests.outbox import Outbox
from tests.page import Page, open_page
from tests.people import NUMBER, Person

LOGIN, KNOWN, REMEMBERED = "gatepost_login", "gatepost_known", "gatepost_browser"
"""The cookies of a development portal."""


def path_of(link: str) -> str:
    """The part of a mailed link after the host: what a test client opens."""
    parts = urlsplit(link)
    assert f"{parts.scheme}://{parts.netloc}" == "http://127.0.0.1:8000", link
    return parts.path + (f"?{parts.query}" if parts.query else "")


def enter_password(client: FlaskClient, person: Person, **fields: str) -> Page:
    """Enter email and password; ends on the account page, or where the code is to be sent."""
    page = open_page(client, "/sign-in")
    return page.submit("Sign in", email=person.email, password=person.password, **fields)


def sign_in(client: FlaskClient, person: Person, **fields: str) -> Page:
    """Sign in with the password alone."""
    page = enter_password(client, person, **fields)
    assert page.h1 == "Your account", page.problems
    return page


def ask_for_code(client: FlaskClient, person: Person, method: str | None = None) -> Page:
    """Enter email and password and have the code sent, the usual way unless told another."""
    page = enter_password(client, person)
    assert page.h1 == "Where should we send the code?", page.problems
    ways = {"method": method} if method else {}
    page = page.submit("Send code", **ways)
    assert page.h1 == "Enter your security code", page.problems
    return page


def sign_in_with_code(
    client: FlaskClient, outbox: Outbox, person: Person, to: str = NUMBER, **fields: str
) -> Page:
    """Sign in with password and a code by text message."""
    page = ask_for_code(client, person).submit("Submit", code=outbox.code(to=to), **fields)
    assert page.h1 == "Your account", page.problems
    return page


def add_number(client: FlaskClient, outbox: Outbox, number: str) -> Page:
    """Add a phone number and confirm it."""
    page = start_adding(client, number)
    return page.submit("Submit", code=outbox.code(to=number))


def start_adding(client: FlaskClient, number: str) -> Page:
    """Have a code sent to a number that is to be added."""
    return open_page(client, "/account/phones/add").submit("Send verification code", number=number)


def numbers_of(app: Flask) -> list[tuple[str, bool]]:
    """Every phone number in the portal, the oldest first, and whether it is primary."""
    with app.app_context():
        rows = db.session.execute(select(Phone.number, Phone.is_primary).order_by(Phone.id))
        return [(row.number, row.is_primary) for row in rows]


def has_cookie(client: FlaskClient, name: str) -> bool:
    """Whether the browser holds a cookie that carries something."""
    cookie = client.get_cookie(name)
    return cookie is not None and bool(cookie.value)


def is_signed_in(client: FlaskClient) -> bool:
    """Whether the account page opens; asks nothing of the page."""
    return client.get("/account").status_code == 200


def other_browser(app: Flask, user_agent: str = "") -> FlaskClient:
    """Another browser, with a cookie jar and a name of its own."""
    browser = app.test_client()
    if user_agent:
        browser.environ_base["HTTP_USER_AGENT"] = user_agent
    return browser

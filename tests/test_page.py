"""The checks of ``page_owes`` do fail: each on a page that owes just one thing."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from config import load
from tests.conftest import QUICK
from tests.page import check, open_page


def replace(old: str, new: str) -> Callable[[str], str]:
    def change(html: str) -> str:
        changed = html.replace(old, new, 1)
        assert changed != html, f"{old!r} is not on the page"
        return changed

    return change


def remove_links(html: str) -> str:
    return re.sub(r"<a (?!class=.brand)[^>]*>.*?</a>", "", html)


BROKEN_PAGES = {
    "two h1": replace("</h1>", "</h1><h1>Again</h1>"),
    "no h1": lambda html: re.sub(r"<h1>.*?</h1>", "", html),
    "a title that begins otherwise": replace("<title>", "<title>Gatepost: "),
    "an Error title without an error": replace("<title>", "<title>Error: "),
    "a heading that skips a level": replace("</h1>", "</h1><h3>Deep</h3>"),
    "an id twice": replace("</h1>", '</h1><p id="email"></p>'),
    "a label for nothing": replace('for="email"', 'for="mail"'),
    "a description that is not there": replace('id="email"', 'id="email" aria-describedby="x"'),
    "a link to no part of the page": replace("</h1>", '</h1><a href="#gone">There</a>'),
    "a field without a label": replace("</h1>", '</h1><input name="q" type="text">'),
    "a password sent back": replace('type="password"', 'type="password" value="secret"'),
    "a radio button outside a fieldset": replace(
        "</h1>", '</h1><label><input type="radio" name="a" value="b">B</label>'
    ),
    "a button without words": replace("</h1>", '</h1><button type="button"></button>'),
    "an image without alt": replace("</h1>", '</h1><img src="/logo">'),
    "a wrong field without a summary": replace('id="email"', 'id="email" aria-invalid="true"'),
    "a form without a token": replace('name="csrf_token"', 'name="other"'),
    "an empty token": lambda html: re.sub(r'(name="csrf_token"[^>]*value=)"[^"]+"', r'\1""', html),
    "a form that gets": replace('<form method="post"', '<form method="get"'),
    "a form to another site": replace("<form ", '<form action="https://example.net/" '),
    "no way back": remove_links,
    "inline style": replace("<h1>", '<h1 style="color:red">'),
    "a style element": replace("</head>", "<style>h1{}</style></head>"),
    "an inline script": replace("</head>", "<script>alert(1)</script></head>"),
    "an inline handler": replace("<h1>", '<h1 onclick="x()">'),
    "a script as an address": replace("</h1>", '</h1><a href="javascript:x()">There</a>'),
    "a font from elsewhere": replace(
        "</head>", '<link rel="stylesheet" href="https://example.net/font.css"></head>'
    ),
    "tags that do not nest": replace("<h1>", "<b><h1>"),
    "an attribute twice": replace('id="email"', 'id="email" id="email"'),
}

BROKEN_HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline'",
    "X-Content-Type-Options": "",
    "Referrer-Policy": "unsafe-url",
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Permissions-Policy": "camera=()",
    "Cache-Control": "public",
    "Server": "Example/1.2.3",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A portal whose database nobody asks: the sign-in page needs none."""
    folder = str(tmp_path_factory.mktemp("portal"))
    return create_app(load({**QUICK, "GATEPOST_INSTANCE_DIR": folder})).test_client()


@pytest.fixture
def response(client: FlaskClient) -> TestResponse:
    return client.get("/sign-in")


def test_a_page_that_owes_nothing_passes(client: FlaskClient, response: TestResponse) -> None:
    assert check(client, response).h1 == "Sign in"


@pytest.mark.parametrize("breach", BROKEN_PAGES)
def test_a_page_that_owes_something_fails(
    client: FlaskClient, response: TestResponse, breach: str
) -> None:
    response.set_data(BROKEN_PAGES[breach](response.text))

    with pytest.raises(AssertionError):
        check(client, response)


@pytest.mark.parametrize("name", BROKEN_HEADERS)
def test_a_page_with_a_weak_header_fails(
    client: FlaskClient, response: TestResponse, name: str
) -> None:
    response.headers[name] = BROKEN_HEADERS[name]

    with pytest.raises(AssertionError):
        check(client, response)


def test_an_error_page_without_its_summary_fails(client: FlaskClient) -> None:
    form = open_page(client, "/sign-in")
    response = form.post("Sign in", email="", password="")
    assert check(client, response).problems == ["Enter your email address.", "Enter your password."]

    response.set_data(response.text.replace('role="alert"', ""))

    with pytest.raises(AssertionError):
        check(client, response)


def test_an_error_in_other_words_at_its_field_fails(client: FlaskClient) -> None:
    response = open_page(client, "/sign-in").post("Sign in", email="", password="")
    response.set_data(response.text.replace("Enter your email address.", "No.", 1))

    with pytest.raises(AssertionError):
        check(client, response)

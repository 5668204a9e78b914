"""Error pages look like the rest, say what to do, and tell nothing about the inside."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient

from app import create_app
from blueprints import guard
from config import load
from extensions import db
from services.errors import NotFound, ServiceBusy, TooManyTries
from tests.conftest import QUICK
from tests.page import check, open_page
from tests.people import Person, csrf_token
from tests.steps import LOGIN, sign_in

pytestmark = pytest.mark.own_app

TITLES = {
    400: "This request cannot be used",
    403: "You may not open this page",
    404: "Page not found",
    405: "This does not work here",
    413: "Too much at once",
    422: "That did not work",
    429: "Too many tries",
    500: "Something went wrong",
    503: "Back in a moment",
}
INSIDE = ("Traceback", "sqlalchemy", "psycopg", "sqlite", "secret words", "/work/", ".py")


def plant(app: Flask, view: Callable[[], str]) -> FlaskClient:
    """A portal with one more page, which fails."""
    app.add_url_rule("/planted", "planted", guard.public(view))
    return app.test_client()


def fail_with(error: Exception) -> Callable[[], str]:
    def view() -> str:
        raise error

    return view


@pytest.mark.parametrize("code", TITLES)
def test_each_has_its_page(app: Flask, code: int) -> None:
    page = open_page(plant(app, lambda: abort(code)), "/planted", status=code)

    assert page.h1 == TITLES[code]
    assert f"Error {code}" in page.main
    assert page.follow("Go to the start page").h1 == "Sign in"


@pytest.mark.parametrize(
    ("code", "shown"), [(401, 400), (406, 400), (415, 400), (418, 400), (501, 500), (504, 500)]
)
def test_any_other_is_shown_as_the_nearest(app: Flask, code: int, shown: int) -> None:
    page = open_page(plant(app, lambda: abort(code)), "/planted", status=shown)

    assert page.h1 == TITLES[shown]


@pytest.mark.parametrize(
    ("refusal", "status", "words"),
    [
        (TooManyTries(125), 429, "Too many tries. Wait 3 minutes, then try again."),
        (TooManyTries(1), 429, "Too many tries. Wait 1 second, then try again."),
        (ServiceBusy(), 503, "The portal is busy. Wait a few seconds, then try again."),
        (NotFound(), 404, "There is no such thing on your account."),
    ],
)
def test_a_refusal_that_no_view_caught_is_told_in_its_words(
    app: Flask, refusal: TooManyTries, status: int, words: str
) -> None:
    page = open_page(plant(app, fail_with(refusal)), "/planted", status=status)

    assert f"{words} Go to the start page" in page.main, "and says no wait a second time"
    if refusal.retry_after:
        assert page.response.headers["Retry-After"] == str(refusal.retry_after)


def test_a_failure_is_logged_and_not_shown(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    page = open_page(plant(app, fail_with(RuntimeError("secret words"))), "/planted", status=500)

    assert not [word for word in INSIDE if word in page.html]
    (line,) = [r for r in caplog.records if "request_failed" in r.getMessage()]
    assert "secret words" in repr(line.msg) or "secret words" in (line.exc_text or "")


def test_programs_get_json(app: Flask) -> None:
    client = plant(app, fail_with(TooManyTries(125)))
    answer = client.get("/planted", headers={"Accept": "application/json"})

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "125"
    assert answer.get_json().keys() == {"error", "text"}


def test_a_browser_that_takes_anything_gets_a_page(app: Flask) -> None:
    answer = app.test_client().get("/no-such-page", headers={"Accept": "*/*"})

    assert answer.mimetype == "text/html"


class TestWhatPeopleRunInto:
    @pytest.mark.parametrize("path", ["/no-such-page", "/account/phones/x/change", "/static/no.js"])
    def test_an_address_that_is_not_there(
        self, client: FlaskClient, new_person: Callable[..., Person], path: str
    ) -> None:
        assert open_page(client, path, status=404)
        sign_in(client, new_person())

        assert open_page(client, path, status=404).h1 == TITLES[404]

    def test_a_row_id_no_database_could_hold(
        self, client: FlaskClient, new_person: Callable[..., Person]
    ) -> None:
        sign_in(client, new_person())

        assert open_page(client, f"/account/phones/{2**31}/change", status=404)
        assert open_page(client, f"/account/phones/{2**31 - 1}/change", status=404)

    def test_a_method_that_is_not_there_names_those_that_are(self, client: FlaskClient) -> None:
        answer = client.get("/two-factor/resend")
        page = check(client, answer)

        assert (page.status, page.h1) == (405, TITLES[405])
        assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}

    def test_a_form_that_was_open_for_too_long(self, client: FlaskClient) -> None:
        page = open_page(client, "/sign-in")
        client.delete_cookie("gatepost_session")
        page = page.submit("Sign in", email="ann@example.org", password="x")

        assert (page.status, page.h1) == (400, TITLES[400])
        assert "reload it and try again" in page.main

    def test_a_body_larger_than_64_kib(self, client: FlaskClient) -> None:
        page = open_page(client, "/sign-in")
        fits = 64 * 1024 - len(f"csrf_token={csrf_token(page.html)}&email=")
        form = {"csrf_token": csrf_token(page.html)}
        assert client.post("/sign-in", data={**form, "email": "x" * fits}).status_code == 422

        page = check(client, client.post("/sign-in", data={**form, "email": "x" * (fits + 1)}))
        assert (page.status, page.h1) == (413, TITLES[413])

    @pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
    def test_more_than_20_fields(self, client: FlaskClient, kind: str) -> None:
        token = {"csrf_token": csrf_token(open_page(client, "/sign-in").html)}
        fields = token | {f"f{n}": "x" for n in range(19)}
        assert client.post("/sign-in", data=fields, content_type=kind).status_code == 422

        answer = client.post("/sign-in", data=fields | {"more": "x"}, content_type=kind)
        assert answer.status_code == 413


class TestWithoutDatabase:
    """Fail closed: nobody signs in, nobody stays signed in, and it says so."""

    @pytest.fixture
    def client(self, tmp_path: Path) -> Iterator[FlaskClient]:
        nobody_listens = "postgresql://nobody@127.0.0.1:1/gatepost"
        environ = {**QUICK, "GATEPOST_INSTANCE_DIR": str(tmp_path)}
        app = create_app(load({**environ, "GATEPOST_DATABASE_URL": nobody_listens}))
        client = app.test_client()
        client.set_cookie(LOGIN, "the-token-of-somebody")
        yield client
        with app.app_context():
            db.engine.dispose()

    @pytest.mark.parametrize("path", ["/account", "/account/data", "/sign-in", "/two-factor"])
    def test_a_page_that_needs_it_says_back_in_a_moment(
        self, client: FlaskClient, path: str
    ) -> None:
        page = open_page(client, path, status=503)

        assert page.h1 == TITLES[503]
        assert page.response.headers["Retry-After"] == "5"
        assert not [word for word in INSIDE if word in page.html]

    def test_the_front_door_does_not_open(self, client: FlaskClient) -> None:
        assert client.get("/").status_code == 503

    def test_signing_in_says_so_too(self, client: FlaskClient) -> None:
        client.delete_cookie(LOGIN)
        page = open_page(client, "/sign-in")
        page = page.submit("Sign in", email="ann@example.org", password="anything at all")

        assert page.status == 503

    def test_an_error_page_needs_none(self, client: FlaskClient) -> None:
        assert open_page(client, "/no-such-page", status=404).h1 == TITLES[404]

    def test_it_is_alive_and_not_able_to_serve(self, client: FlaskClient) -> None:
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.get_json() == {"status": "database unavailable or not prepared"}

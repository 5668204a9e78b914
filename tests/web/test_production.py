"""How a portal in production differs: https, cookies no sibling can set, no development."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.environs import PRODUCTION
from tests.page import open_page
from tests.people import Person
from tests.steps import sign_in

pytestmark = pytest.mark.settings(GATEPOST_ENV="production", **PRODUCTION)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that speaks https."""
    app.config["PREFERRED_URL_SCHEME"] = "https"
    return app.test_client()


def test_every_cookie_is_for_this_host_and_https_alone(
    client: FlaskClient, new_person: Callable[..., Person]
) -> None:
    page = open_page(client, "/sign-in")
    ann = new_person()
    answer = page.post("Sign in", email=ann.email, password=ann.password, remember_me="y")

    cookies = answer.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {
        "__Host-gatepost_login", "__Host-gatepost_known", "__Host-gatepost_session",
    }  # fmt: skip
    for cookie in cookies:
        parts = {part.strip() for part in cookie.split(";")}
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= parts, cookie
        assert "Domain" not in cookie


def test_a_cookie_that_is_taken_back_is_taken_back_the_same_way(
    client: FlaskClient, new_person: Callable[..., Person]
) -> None:
    answer = sign_in(client, new_person()).post("Sign out")

    (cookie,) = [c for c in answer.headers.getlist("Set-Cookie") if "_login=" in c]
    assert cookie.startswith("__Host-gatepost_login=;")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    "path", ["/sign-in", "/healthz", "/no-such-page", "/static/css/tokens.css"]
)
def test_browsers_are_told_to_stay_with_https(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")


def test_files_are_kept_for_a_year_and_pages_not_at_all(client: FlaskClient) -> None:
    page = open_page(client, "/sign-in")
    sheet = next(page.root.all("link")).get("href")

    with client.get(sheet) as answer:
        assert answer.cache_control.max_age == 365 * 86400
    assert page.response.headers["Cache-Control"] == "no-store"


def test_no_page_speaks_of_development(
    client: FlaskClient, new_person: Callable[..., Person]
) -> None:
    pages = [open_page(client, "/sign-in"), open_page(client, "/no-such-page", status=404)]
    pages.append(sign_in(client, new_person()))

    assert not [page.url for page in pages if "evelopment" in page.html or "/dev/" in page.html]

"""Requests that another site makes a person's browser send."""

import pytest

from tests.client import Browser
from tests.people import Person
from tests.scene import Scene


@pytest.fixture
def ann(scene: Scene) -> Person:
    """A person without a second step."""
    return scene.person()


@pytest.fixture
def browser(scene: Scene, ann: Person) -> Browser:
    """Ann's browser, signed in."""
    browser = scene.browser()
    scene.sign_in(browser, ann)
    return browser


ENABLE = "/account/two-factor/enable"


def test_the_token_of_another_browser_is_no_token(scene: Scene, browser: Browser) -> None:
    token = scene.browser().get("/sign-in").csrf_token
    browser.get("/account")
    assert browser.send(ENABLE, {"csrf_token": token}).status == 400


def test_the_token_from_before_signing_in_is_no_token_after_it(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    token = browser.get("/sign-in").csrf_token
    fields = {"csrf_token": token, "email": ann.email, "password": ann.password}
    assert browser.send("/sign-in", fields).location == "/"
    browser.get("/account")
    assert browser.send(ENABLE, {"csrf_token": token}).status == 400


@pytest.mark.parametrize(
    "token", ["", "x", "null", "\x00", "a" * 5000, "é", "{token}x", "{token}{token}"]
)
def test_an_altered_token_is_no_token(browser: Browser, token: str) -> None:
    token = token.format(token=browser.get("/account").csrf_token)
    assert browser.send(ENABLE, {"csrf_token": token}).status == 400


def test_the_token_does_not_count_in_the_address(browser: Browser) -> None:
    token = browser.get("/account").csrf_token
    assert browser.send(f"{ENABLE}?csrf_token={token}", {"a": "b"}).status == 400


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "same-origin, none"])
def test_with_the_right_token_from_a_wrong_site_nothing_is_done(
    browser: Browser, site: str
) -> None:
    fields = {"csrf_token": browser.get("/account").csrf_token}
    assert browser.send(ENABLE, fields, **{"Sec-Fetch-Site": site}).status == 400
    origin = {"Origin": "https://evil.example.net"}
    assert browser.send(ENABLE, fields, **origin).status == 400
    assert "Two-factor sign-in: off" in browser.get("/account").text


def test_nobody_is_signed_out_or_in_by_another_site(
    scene: Scene, ann: Person, browser: Browser
) -> None:
    assert browser.get("/sign-out").status == 200, "a page with a button"
    assert browser.is_signed_in()
    assert browser.send("/sign-out", {"a": "b"}).status == 400
    assert browser.is_signed_in()
    visitor = scene.browser()
    visitor.get("/sign-in")
    fields = {"email": ann.email, "password": ann.password}
    assert visitor.send("/sign-in", fields).status == 400
    assert not visitor.is_signed_in()


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data"])
def test_what_no_form_of_ours_sends_is_refused(browser: Browser, kind: str) -> None:
    token = browser.get("/account").csrf_token
    body = f'{{"csrf_token": "{token}"}}'.encode()
    assert browser.request("POST", ENABLE, body, content_type=kind).status == 400

"""``rd`` leads to registered apps and nowhere else, whatever is tried (open redirects)."""

import re
from urllib.parse import urlencode

import pytest
from flask import Flask

from tests.people import PASSWORD, Person
from tests.traveller import (
    PORTAL,
    SETTINGS,
    WIKI,
    Traveller,
    signed_in,
)  # fmt: skip

pytestmark = pytest.mark.settings(**SETTINGS)


REFUSED = [
    "https://evil.test/", "//evil.test/", "/\\evil.test/", "/%5cevil.test/", "/%5Cevil.test",
    "/%2fevil.test/", "https:evil.test", "https:/wiki.example.org/", "https:///wiki.example.org/",
    "https://wiki.example.org@evil.test/", "https://evil.test#.example.org/",
    "https://evil.test/#wiki.example.org", "https://wiki.example.org.evil.test/",
    "https://evilexample.org/", "https://wiki.example.org./", "https://wiki.example.org:8443/",
    "https://wiki.example.org:0443x/", "http://wiki.example.org/", "ht\ttps://wiki.example.org/",
    "https://wiki.example\n.org/", "https://wiki.example.org\\@evil.test/", "javascript:alert(1)",
    "JaVaScRiPt://wiki.example.org/%0aalert(1)", "data:text/html,x", "ftp://wiki.example.org/",
    "https://wіki.example.org/", "https://xn--wki-sed.example.org/", "https://127.0.0.1/",
    "https://[::1]/", "https://unregistered.example.org/", f"{WIKI}/{'x' * 8000}",
    " https://wiki.example.org/", "https://wiki.example.org /", "https://user:x@wiki.example.org/",
    f"{PORTAL}/sign-out", f"{PORTAL}/sign-in", f"{PORTAL}@evil.test/", f"{PORTAL}.evil.test/",
    f"{PORTAL}//evil.test/", f"{PORTAL}:8443/", "https://LOGIN.example.org/", "?rd=x", "wiki",
]  # fmt: skip


@pytest.mark.parametrize("visitor", ["signed out", "signed in"])
def test_nowhere_but_to_a_registered_app(app: Flask, ann: Person, visitor: str) -> None:
    browser = Traveller(app) if visitor == "signed out" else signed_in(app, ann)
    for address in REFUSED:
        for path in ("/", "/sign-in", "/hand-over", "/confirm-identity"):
            answer = browser.client.get(f"{path}?{urlencode({'rd': address})}")
            there, policy = answer.location or "/", answer.headers["Content-Security-Policy"]
            assert answer.status_code < 500, (address, path)
            assert re.match(r"/(?![/\\%])", there) or there == "/", (address, path, there)
            assert "form-action 'self';" in policy, (address, path)
            assert "opens once" not in answer.text, (address, path)


@pytest.mark.parametrize("address", ["https://evil.test/", "/%5cevil.test/", f"{PORTAL}@x/"])
def test_nor_after_signing_in(app: Flask, ann: Person, address: str) -> None:
    page = Traveller(app).page(f"/sign-in?{urlencode({'rd': address})}")
    answer = page.post("Sign in", email=ann.email, password=PASSWORD)

    assert answer.location == "/"


def test_the_page_says_so(app: Flask, ann: Person) -> None:
    page = Traveller(app).page(f"/sign-in?{urlencode({'rd': 'https://evil.test/'})}")

    assert any("not one of this portal's apps" in note for note in page.notes)
    assert "evil" not in page.main


def test_what_was_refused_is_logged_without_its_path(
    app: Flask, ann: Person, caplog: pytest.LogCaptureFixture
) -> None:
    Traveller(app).client.get(f"/?{urlencode({'rd': 'https://evil.test/reset/t0ken?t=t0ken'})}")

    assert "rd_refused" in caplog.text
    assert "t0ken" not in caplog.text

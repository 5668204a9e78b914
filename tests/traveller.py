"""A browser that goes between the portal and apps on hosts of their own, redirects followed.

The portal answers on its own host and, as an app's proxy would pass it on, at
``/.gatepost/`` of an app's. Everything else at an app's host first asks the gate.
"""

from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.apps import make_app
from tests.outbox import Outbox
from tests.page import Page, check
from tests.people import Person, make_person

PORTAL = "https://login.example.org"
SETTINGS = {
    "GATEPOST_BASE_URL": PORTAL,
    "GATEPOST_APP_DOMAINS": "example.org,example.net",
    "GATEPOST_SEND_GAP_SECONDS": "0",
}
"""A portal by https, in one domain of apps, with another beside it."""

WIKI, SHOP, OWN = "https://wiki.example.org", "https://shop.example.net", "https://own.example.org"

LOGIN, APPS, APP = "__Host-gatepost_login", "__Secure-gatepost_apps", "__Host-gatepost_app"
IN = 299
"""The status of the test's app: no portal answers so."""

MOST_REDIRECTS = 12


class PortalClient(FlaskClient):
    """A test client for whom a path alone is one of the portal's, on the portal's host."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """As Flask's."""
        if args and isinstance(args[0], str) and args[0].startswith("/"):
            args = (PORTAL + args[0], *args[1:])
        return super().open(*args, **kwargs)


@dataclass
class Traveller:
    """One browser of one person."""

    app: Flask
    client: FlaskClient = field(init=False)
    hops: list[str] = field(default_factory=list)
    """Every address that the last journey went through."""

    def __post_init__(self) -> None:
        self.client = PortalClient(self.app, self.app.response_class, use_cookies=True)

    def go(self, address: str) -> TestResponse:
        """Open an address, anywhere, and follow redirects to what answers."""
        self.hops = []
        for _ in range(MOST_REDIRECTS):
            address = self._whole(address)
            self.hops.append(address)
            answer = self.step(address)
            if not 300 <= answer.status_code < 400:
                return answer
            address = answer.location
        raise AssertionError(f"redirected in circles: {self.hops}")

    def page(self, address: str, status: int = 200) -> Page:
        """As ``go``; ends on a page of the portal, which owes nothing."""
        answer = self.go(address)
        assert answer.status_code == status, (self.hops, answer.status_code, answer.text[:500])
        return check(self.client, answer)

    def enters(self, address: str) -> bool:
        """Whether the journey to an address in an app ends in the app, at that address."""
        answer = self.go(address)
        return answer.status_code == IN and self.hops[-1] == address

    def press(self, page: Page, button: str, **fields: str | None) -> TestResponse:
        """Press a button and follow where it leads."""
        answer = page.post(button, **fields)
        assert 300 <= answer.status_code < 400, Page(self.client, answer).problems
        return self.go(answer.location)

    def sign_in(self, person: Person, address: str = "/sign-in", **fields: str) -> TestResponse:
        """Enter the password on the page that an address leads to; ends where that leads."""
        fields = {"email": person.email, "password": person.password, **fields}
        return self.press(self.page(address), "Sign in", **fields)

    def enter_code(self, outbox: Outbox, page: Page, to: str, **fields: str) -> TestResponse:
        """Have a code texted and enter it; ends where that leads."""
        page = check(self.client, self.press(page, "Send code"))
        return self.press(page, "Submit", code=outbox.code(to=to), **fields)

    def step(self, address: str) -> TestResponse:
        """One request: of the portal, or of an app through the gate."""
        parts = urlsplit(address)
        at_portal = f"{parts.scheme}://{parts.netloc}" == PORTAL
        if at_portal or parts.path.startswith("/.gatepost/"):
            return self.client.get(address)
        return self._ask_gate(address)

    def cookies_at(self, host: str) -> dict[str, str]:
        """What the browser sends to a host."""
        with self.app.test_request_context(base_url=f"https://{host}/"):
            builder = self.client._request_from_builder_args(
                ("/",), {"base_url": f"https://{host}/"}
            )
        environ = builder.environ
        self.client._add_cookies_to_wsgi(environ)
        return {k: m.value for k, m in SimpleCookie(environ.get("HTTP_COOKIE", "")).items()}

    def _ask_gate(self, address: str) -> TestResponse:
        parts = urlsplit(address)
        sent = self.cookies_at(parts.hostname or "")
        uri = parts.path + (f"?{parts.query}" if parts.query else "")
        gate = self.app.test_client(use_cookies=False)
        answer = gate.get(
            "/api/authz/forward-auth", base_url=PORTAL,
            headers={
                "Accept": "text/html", "Sec-Fetch-Mode": "navigate",
                "X-Forwarded-Method": "GET", "X-Forwarded-Proto": parts.scheme,
                "X-Forwarded-Host": parts.netloc, "X-Forwarded-Uri": uri or "/",
                "Cookie": "; ".join(f"{name}={value}" for name, value in sent.items()),
            },
        )  # fmt: skip
        if answer.status_code == 200:
            answer.status_code = IN
        return answer

    def _whole(self, address: str) -> str:
        return PORTAL + address if address.startswith("/") else address


def make_doors(app: Flask) -> Person:
    """Ann, and three apps for everyone: in the portal's domain, in another, with its own cookie."""
    with app.app_context():
        make_app("Wiki", WIKI, for_everyone=True)
        make_app("Shop", SHOP, for_everyone=True)
        make_app("Own", OWN, for_everyone=True, own_cookie=True)
        return make_person()


def signed_in(app: Flask, person: Person, **fields: str) -> Traveller:
    """A browser of a person's, signed in at the portal."""
    browser = Traveller(app)
    browser.sign_in(person, **fields)
    return browser

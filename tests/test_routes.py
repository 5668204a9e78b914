"""What holds for every address: it is one we promised, it asks for a login, reading changes
nothing, and nothing changes without our own page's token. Each check is seen to fail.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask, abort
from sqlalchemy import update
from werkzeug.test import TestResponse

from app import create_app
from blueprints import guard
from blueprints.dev import dev
from config import load
from extensions import csrf, writing
from models import User
from services.clock import now
from tests.addresses import Doors, Knock, dump, find_changes
from tests.apps import DOMAINS
from tests.environs import PRODUCTION

pytestmark = pytest.mark.settings(GATEPOST_SEND_GAP_SECONDS="0", **DOMAINS)

GET, POST, BOTH = "GET", "POST", "GET POST"

ADDRESSES = {
    "/": GET,
    "/register": BOTH,
    "/confirm-email/<token>": BOTH,
    "/confirm-email/resend": BOTH,
    "/confirm-email/sent": GET,
    "/sign-in": BOTH,
    "/sign-out": BOTH,
    "/reset-password": BOTH,
    "/reset-password/<token>": BOTH,
    "/setup": BOTH,
    "/two-factor": BOTH,
    "/two-factor/verify": BOTH,
    "/two-factor/resend": POST,
    "/two-factor/delivery": GET,
    "/account": GET,
    "/account/phones/add": BOTH,
    "/account/phones/confirm": BOTH,
    "/account/phones/resend": POST,
    "/account/phones/delivery": GET,
    "/account/phones/<int:phone_id>/change": BOTH,
    "/account/phones/<int:phone_id>/primary": POST,
    "/account/phones/<int:phone_id>/remove": POST,
    "/account/two-factor/enable": POST,
    "/account/two-factor/disable": POST,
    "/account/browsers/<int:browser_id>/forget": POST,
    "/account/browsers/forget-all": POST,
    "/account/sessions": GET,
    "/account/sessions/<int:session_id>/end": POST,
    "/account/sessions/end-others": POST,
    "/account/password": BOTH,
    "/account/email": BOTH,
    "/account/name": BOTH,
    "/account/activity": GET,
    "/account/data": GET,
    "/account/close": BOTH,
    "/confirm-identity": BOTH,
    "/confirm-identity/resend": POST,
    "/confirm-identity/delivery": GET,
    "/admin/apps": GET,
    "/admin/apps/new": BOTH,
    "/admin/apps/<int:app_id>": GET,
    "/admin/apps/<int:app_id>/edit": BOTH,
    "/admin/apps/<int:app_id>/handling": BOTH,
    "/admin/apps/<int:app_id>/remove": BOTH,
    "/admin/apps/<int:app_id>/grants": POST,
    "/admin/apps/<int:app_id>/grants/<int:grant_id>/take": POST,
    "/admin/groups": BOTH,
    "/admin/groups/<int:group_id>": GET,
    "/admin/groups/<int:group_id>/delete": BOTH,
    "/admin/groups/<int:group_id>/members": POST,
    "/admin/groups/<int:group_id>/members/<int:user_id>/remove": POST,
    "/admin/groups/<int:group_id>/members/<int:user_id>/make-manager": POST,
    "/admin/groups/<int:group_id>/members/<int:user_id>/end-manager": POST,
    "/admin/requests": GET,
    "/admin/requests/<int:request_id>": GET,
    "/admin/requests/<int:request_id>/approve": POST,
    "/admin/requests/<int:request_id>/decline": POST,
    "/no-access": BOTH,
    "/hand-over": GET,
    "/hand-over/failed": GET,
    "/.gatepost/hand-over": GET,
    "/turn-on-two-factor": BOTH,
    "/.well-known/jwks.json": GET,
    "/hooks/sms/<key>": POST,
    "/healthz": GET,
    "/readyz": GET,
    "/theme.css": GET,
    "/logo": GET,
    "/robots.txt": GET,
    "/favicon.ico": GET,
    "/.well-known/change-password": GET,
    "/.well-known/security.txt": GET,
    "/static/<path:filename>": GET,
}
"""Every address that a portal answers, and how it may be asked. People script against these."""

FOR_DEVELOPERS = {"/dev/outbox": GET, "/dev/styleguide": GET}

PUBLIC = {
    "auth.check_email", "auth.choose_password", "auth.confirm_email", "auth.register",
    "auth.resend_confirmation", "auth.reset_password", "auth.setup", "auth.sign_in",
    "auth.sign_out", "two_factor.choose", "two_factor.delivery", "two_factor.resend",
    "two_factor.verify", "site.change_password", "site.healthz", "site.home", "site.logo",
    "site.favicon",
    "site.readyz", "site.robots_txt", "site.security_txt", "site.theme",
    "gate.at_app", "gate.at_portal", "gate.hand_over_failed", "gate.jwks",
    "hooks.sms_report", "static", "dev.outbox", "dev.styleguide",
}  # fmt: skip
"""Every view that asks for no login: one more has to be written down here."""

SIGNED_BY_THE_PROVIDER = {"hooks.sms_report"}
VISITORS = ("signed out", "pending sign-in", "signed in", "administrator")

OTHER_SITES = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Origin": "https://example.net"},
    {"Origin": "https://localhost.example.net"},
)


def addresses_of(app: Flask) -> dict[str, str]:
    methods: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        methods.setdefault(rule.rule, set()).update(rule.methods or ())
    return {rule: " ".join(sorted(of - {"HEAD", "OPTIONS"})) for rule, of in methods.items()}


def public_views(app: Flask) -> set[str]:
    return {name for name, view in app.view_functions.items() if getattr(view, "is_public", False)}


def find_open_doors(doors: Doors, visitor: str) -> list[str]:
    """Views that answer somebody who is not signed in, without being marked as public."""
    client, token = doors.enter(visitor)
    found = []
    for knock in doors.knocks("GET", "HEAD", "POST"):
        if knock.endpoint in PUBLIC:
            continue
        fields = {"csrf_token": token} if knock.method == "POST" else None
        response = client.open(knock.url, method=knock.method, data=fields)
        if not (response.status_code == 303 and response.location.startswith("/sign-in")):
            found.append(f"{knock.method} {knock.url}: {response.status_code}")
    return found


def find_changes_by_reading(doors: Doors, visitor: str) -> list[str]:
    """Addresses whose GET or HEAD changes a row or sends something."""
    client, _ = doors.enter(visitor)
    found = []
    for knock in doors.knocks("GET", "HEAD", "OPTIONS"):
        before = dump(doors.app)
        client.open(knock.url, method=knock.method).close()
        changes = find_changes(before, dump(doors.app))
        found += [f"{knock.method} {knock.url}: {changes}"] if changes else []
    return found


def find_posts_without_token(doors: Doors, visitor: str) -> list[str]:
    """Addresses that take a POST without our token."""
    client, _ = doors.enter(visitor)
    before = dump(doors.app)
    found = [
        f"{knock.url}: {answer.status_code}"
        for knock in doors.knocks("POST")
        if knock.endpoint not in SIGNED_BY_THE_PROVIDER
        for fields in ({"email": "x"}, {"csrf_token": "x"})
        for answer in [client.post(knock.url, data=fields)]
        if answer.status_code != 400 and not is_late_click(knock, visitor, answer)
    ]
    return found + find_changes(before, dump(doors.app))


def is_late_click(knock: Knock, visitor: str, answer: TestResponse) -> bool:
    """The second click on a code's page, once the first has signed in, is led home instead."""
    over = visitor in {"signed in", "administrator"} and knock.endpoint.startswith("two_factor.")
    return over and answer.status_code == 303 and answer.location == "/"


def find_posts_from_elsewhere(doors: Doors, visitor: str) -> list[str]:
    """Addresses that take a POST, token and all, that another site's page sent."""
    client, token = doors.enter(visitor)
    before = dump(doors.app)
    found = [
        f"{knock.url}: {status} with {headers}"
        for knock in doors.knocks("POST")
        if knock.endpoint not in SIGNED_BY_THE_PROVIDER
        for headers in OTHER_SITES
        for status in [
            client.post(knock.url, data={"csrf_token": token}, headers=headers).status_code
        ]
        if status != 400
    ]
    return found + find_changes(before, dump(doors.app))


def find_other_methods(doors: Doors, visitor: str) -> list[str]:
    """Addresses that answer methods which no page of ours uses."""
    client, token = doors.enter(visitor)
    knocks = {k.url: k for k in doors.knocks("GET", "POST")}
    return [
        f"{method} {url}: {status}"
        for url in knocks
        for method in ("PUT", "PATCH", "DELETE")
        for status in [client.open(url, method=method, data={"csrf_token": token}).status_code]
        if status != 405
    ]


@pytest.fixture
def doors(app: Flask) -> Iterator[Doors]:
    """Somebody at every door, a while later: reading would now note that a session was seen."""
    made = Doors(app)
    with time_machine.travel(now() + timedelta(minutes=2), tick=False):
        yield made


@pytest.fixture
def production(tmp_path: Path) -> Flask:
    return create_app(load({**PRODUCTION, "GATEPOST_INSTANCE_DIR": str(tmp_path)}))


def test_the_portal_answers_what_was_promised_and_nothing_else(app: Flask) -> None:
    assert addresses_of(app) == {**ADDRESSES, **FOR_DEVELOPERS}


def test_production_has_no_address_for_developers(production: Flask) -> None:
    assert addresses_of(production) == ADDRESSES

    answer = production.test_client().get("/dev/outbox", base_url="https://login.example.org")
    assert answer.status_code == 404


def test_no_page_in_production_leads_to_the_outbox(production: Flask) -> None:
    answer = production.test_client().get("/sign-in", base_url="https://login.example.org")

    assert answer.status_code == 200
    assert "/dev/" not in answer.text


def test_views_that_ask_for_no_login_are_written_down(app: Flask) -> None:
    assert public_views(app) == PUBLIC


@pytest.mark.parametrize("visitor", VISITORS[:2])
def test_every_other_view_sends_a_stranger_to_sign_in(doors: Doors, visitor: str) -> None:
    before = dump(doors.app)

    assert find_open_doors(doors, visitor) == []
    assert find_changes(before, dump(doors.app)) == []


@pytest.mark.parametrize("visitor", VISITORS)
def test_reading_changes_nothing_and_sends_nothing(doors: Doors, visitor: str) -> None:
    assert find_changes_by_reading(doors, visitor) == []


@pytest.mark.parametrize("visitor", VISITORS)
def test_a_post_without_token_is_refused(doors: Doors, visitor: str) -> None:
    assert find_posts_without_token(doors, visitor) == []


@pytest.mark.parametrize("visitor", VISITORS)
def test_a_post_from_another_site_is_refused(doors: Doors, visitor: str) -> None:
    assert find_posts_from_elsewhere(doors, visitor) == []


def test_a_post_from_our_own_page_is_taken(doors: Doors) -> None:
    client, token = doors.enter("signed out")
    for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}):
        answer = client.post("/sign-in", data={"csrf_token": token}, headers=headers)
        assert answer.status_code == 422, headers


def test_no_address_answers_another_method(doors: Doors) -> None:
    assert find_other_methods(doors, "signed in") == []


@pytest.mark.own_app
class TestPlantedBreaches:
    """The checks above do fail."""

    def test_a_get_that_writes(self, app: Flask) -> None:
        def rename() -> str:
            with writing() as session:
                session.execute(update(User).values(name="changed"))
            return "done"

        app.add_url_rule("/planted", "planted", guard.public(rename))

        assert find_changes_by_reading(Doors(app), "signed out")

    def test_a_view_that_asks_for_no_login(self, app: Flask) -> None:
        app.add_url_rule("/planted", "planted", guard.public(lambda: "open"))

        assert public_views(app) != PUBLIC
        assert addresses_of(app) != {**ADDRESSES, **FOR_DEVELOPERS}

    def test_a_guard_that_was_taken_away(self, app: Flask) -> None:
        app.before_request_funcs[None].remove(guard.require_login)
        app.add_url_rule("/planted", "planted", lambda: "open")

        assert any("/planted" in door for door in find_open_doors(Doors(app), "signed out"))

    def test_a_post_that_needs_no_token(self, app: Flask) -> None:
        def planted() -> str:
            return "done"

        app.add_url_rule("/planted", "planted", guard.public(planted), methods=["POST"])
        csrf.exempt(planted)
        try:
            assert find_posts_without_token(Doors(app), "signed out") == ["/planted: 200"] * 2
        finally:
            csrf._exempt_views.discard(f"{planted.__module__}.{planted.__name__}")

    def test_a_door_open_to_other_sites(self, app: Flask) -> None:
        app.before_request_funcs[None].remove(guard.refuse_other_sites)

        assert find_posts_from_elsewhere(Doors(app), "signed out")

    def test_a_method_that_nobody_needs(self, app: Flask) -> None:
        app.add_url_rule("/planted", "planted", lambda: abort(404), methods=["GET", "DELETE"])

        assert find_other_methods(Doors(app), "signed in")

    def test_an_outbox_in_production(self, production: Flask) -> None:
        production.register_blueprint(dev)

        assert addresses_of(production) != ADDRESSES

"""What every family of proxies is told: each row of the contract, without the proxies."""

import logging
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import update

from extensions import db, writing
from models import User
from models_apps import App, Group
from services.clock import now
from services.gate import app_sessions
from tests.apps import DOMAINS, let_in, make_app, make_group
from tests.people import Person, load_user, make_person, open_session
from tests.verdicts import FAMILIES, NAVIGATION, SCRIPT, Verdict, ask, call

pytestmark = pytest.mark.settings(
    GATEPOST_BASE_URL="https://login.example.org", GATEPOST_ENV="production", **DOMAINS,
    GATEPOST_SMS_GATEWAY="none", GATEPOST_MAIL_GATEWAY="smtp",
    GATEPOST_SMTP_URL="smtps://user:word@mail.example.org:465",
    GATEPOST_MAIL_FROM="Example Login <login@example.org>",
    GATEPOST_SECRET_KEY="q7Zk2vX9bN4mL1sD8fG3hJ6pR5tY0wEc",
)  # fmt: skip

APPS_COOKIE, APP_COOKIE = "__Secure-gatepost_apps", "__Host-gatepost_app"
every_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
def wiki(app: Flask) -> App:
    """An app that the staff may enter, with a public path."""
    with app.app_context():
        made = make_app("Wiki", public_paths=["/open/*"])
        make_group("staff")
        let_in(made, "staff")
        return made


@pytest.fixture
def ann(app: Flask, wiki: App) -> str:
    """Ann of the staff, signed in: her browser's cookie."""
    return enter(app, "ann@example.org", "staff", name="Ann Lee")


def enter(app: Flask, email: str, *groups: str, name: str = "") -> str:
    """A person of these groups signs in; returns the cookie of the apps."""
    with app.app_context():
        person: Person = make_person(email, name=name)
        with writing() as session:
            for group in groups:
                session.execute(
                    db.text(
                        "INSERT INTO group_members (group_id, user_id, is_manager, created_at)"
                        " SELECT id, :user, false, :now FROM groups WHERE name = :name"
                    ),
                    {"user": person.id, "name": group, "now": now().isoformat(" ")},
                )
        opened = app_sessions.open_session(open_session(load_user(person.id)), "example.org")
        return f"{APPS_COOKIE}={opened.token}"


def change(app: Flask, **values: object) -> None:
    """Change the app, as its page does."""
    with app.app_context(), writing() as session:
        session.execute(update(App).values(values))
        session.execute(db.text("UPDATE gate_state SET version = version + 1"))


def rd_of(verdict: Verdict) -> str:
    parts = urlsplit(verdict.location)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://login.example.org/"
    return parse_qs(parts.query)["rd"][0]


@every_family
def test_allowed(app: Flask, ann: str, family: str) -> None:
    told = ask(app, family, "/a%20b?x=1", cookie=ann)

    assert (told.status, told.body) == (200, b"")
    assert told.identity == ["ann@example.org", "staff", "ann@example.org", "Ann Lee"]
    assert told.headers["Cache-Control"] == "no-store"
    assert told.headers["Vary"] == "Cookie, Authorization"


@every_family
def test_a_stranger_opens_a_page(app: Flask, wiki: App, family: str) -> None:
    path = "/..%2fa?x=1&rd=https://evil.example.net"
    for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE"):
        told = ask(app, family, path, method=method)
        status = 302 if method in {"GET", "HEAD", "OPTIONS"} else 303
        assert told.status == (401 if family == "auth-request" else status)
        assert rd_of(told) == f"https://wiki.example.org{path}"
        assert told.location.endswith(f"&rm={method}")
        assert told.headers["Cache-Control"] == "no-store"
        assert told.body == b""


SCRIPTS: list[dict[str, str]] = [
    SCRIPT,
    {"Accept": "*/*"},
    {},
    {"Accept": "application/json"},
    {**NAVIGATION, "X-Requested-With": "XMLHttpRequest"},
    {**NAVIGATION, "Upgrade": "websocket"},
    {"Sec-Fetch-Mode": "no-cors", "Accept": "text/html"},
]


@every_family
def test_a_stranger_s_script(app: Flask, wiki: App, family: str) -> None:
    for sent in SCRIPTS:
        told = ask(app, family, "/api/list", sent=sent)
        assert (told.status, told.json["error"]) == (401, "unauthenticated"), sent
        assert "WWW-Authenticate" not in told.headers
        assert ("Location" in told.headers) is (family != "auth-request")
        leads_to = parse_qs(urlsplit(told.json["login_url"]).query)["rd"]
        assert leads_to == ["https://wiki.example.org/"]


@pytest.mark.parametrize(
    "sent", [NAVIGATION, {"Accept": "application/xhtml+xml,text/html"}, {"Accept": "TEXT/HTML"}]
)
def test_navigations(app: Flask, wiki: App, sent: dict[str, str]) -> None:
    assert ask(app, "forward-auth", sent=sent).status == 302


@every_family
def test_a_second_factor_is_asked_for(app: Flask, ann: str, family: str) -> None:
    change(app, level="two-factor")

    told = ask(app, family, "/page", cookie=ann)
    assert told.status == (401 if family == "auth-request" else 302)
    assert rd_of(told) == "https://wiki.example.org/page"
    assert ask(app, family, cookie=ann, sent=SCRIPT).json["error"] == "second_factor_needed"


@every_family
def test_not_for_this_person(app: Flask, wiki: App, family: str) -> None:
    bob = enter(app, "bob@example.org")
    told = ask(app, family, "/<b>?a=%22", cookie=bob)

    assert told.status == 403
    assert "Location" not in told.headers
    page = told.body.decode()
    assert "https://login.example.org/no-access?rd=https%3A%2F%2Fwiki.example.org%2F" in page
    assert "<b>" not in page
    assert '<html lang="en">' in page
    assert "default-src 'none'; style-src 'sha256-" in told.headers["Content-Security-Policy"]
    assert ask(app, family, cookie=bob, sent=SCRIPT).json == {
        "error": "forbidden", "reason": "no-grant",
    }  # fmt: skip


@every_family
def test_whatever_is_said_is_data_and_nothing_else(app: Flask, wiki: App, family: str) -> None:
    bob = enter(app, "bob@example.org")
    told = [
        ask(app, family, sent=SCRIPT), ask(app, family, cookie=bob, sent=SCRIPT),
        ask(app, family, cookie=bob), ask(app, family, host="unheard-of.example.org"),
    ]  # fmt: skip

    assert [said.status for said in told] == [401, 403, 403, 400]
    for said in told:
        assert said.body
        assert said.headers["X-Content-Type-Options"] == "nosniff"
        policy = said.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy


@every_family
def test_an_app_that_nobody_registered(app: Flask, ann: str, family: str) -> None:
    for host in ("evil.example.org", "wiki.example.org.evil.example.net", "wiki.example.org:444"):
        assert ask(app, family, host=host, cookie=ann).json == {"error": "app_unknown"}


@every_family
def test_plain_http_is_refused_with_the_line_that_mends_it(
    app: Flask, ann: str, family: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = ask(app, family, scheme="http", cookie=ann)

    header = "X-Original-URL" if family == "auth-request" else "X-Forwarded-Proto"
    assert (told.status, told.json) == (400, {"error": "proxy_mistake", "header": header})
    (line,) = complaints(caplog)
    lines = {
        "auth-request": "proxy_set_header X-Original-URL https://$http_host$request_uri;",
        "forward-auth": "http-request set-header X-Forwarded-Proto https",
        "ext-authz": "{ key: x-forwarded-proto, value: https }",
    }
    assert "is http, not https" in line
    assert lines[family] in line


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    texts = [str(getattr(r, "msg", "")) for r in caplog.records if r.levelno == logging.WARNING]
    return [text for text in texts if "gate_" in text]


@pytest.mark.parametrize(
    ("family", "header", "proxy", "line"),
    [
        ("auth-request", "X-Original-URL", "nginx", "$scheme://$http_host$request_uri;"),
        ("auth-request", "X-Original-Method", "nginx", "X-Original-Method $request_method;"),
        ("forward-auth", "X-Forwarded-Proto", "Traefik", "X-Forwarded-Proto https"),
        ("forward-auth", "X-Forwarded-Host", "HAProxy", "X-Forwarded-Host %[req.hdr(host)]"),
        ("forward-auth", "X-Forwarded-Uri", "Caddy", "X-Forwarded-Uri %[url]"),
        ("forward-auth", "X-Forwarded-Method", "HAProxy", "X-Forwarded-Method %[method]"),
        ("ext-authz", "X-Forwarded-Proto", "Envoy", "%REQ(:SCHEME)%"),
        ("ext-authz", "Host", "Envoy", "{ exact: host }"),
    ],
)
def test_a_missing_header_is_named_with_the_line_to_paste(
    app: Flask, ann: str, caplog: pytest.LogCaptureFixture, family: str, header: str, proxy: str,
    line: str,
) -> None:  # fmt: skip
    headers = {
        "X-Original-URL": "https://wiki.example.org/", "X-Original-Method": "GET",
        "X-Forwarded-Proto": "https", "X-Forwarded-Host": "wiki.example.org",
        "X-Forwarded-Uri": "/", "X-Forwarded-Method": "GET", "Host": "wiki.example.org",
        "Cookie": ann,
    }  # fmt: skip
    told = call(app, f"/api/authz/{family}", {**headers, header: ""})

    assert (told.status, told.json["header"]) == (400, header)
    (text,) = complaints(caplog)
    assert f"{header} is missing" in text
    assert proxy in text
    assert line in text
    call(app, f"/api/authz/{family}", {**headers, header: ""})
    assert len(complaints(caplog)) == 1, "once in ten seconds"


@pytest.mark.parametrize(
    ("family", "header", "value"),
    [
        ("auth-request", "X-Original-URL", "https://wiki.example.org/open/a,https://b.example.org"),
        (
            "auth-request",
            "X-Original-URL",
            "https://wiki.example.org/open/a, https://b.example.org",
        ),
        ("auth-request", "X-Original-Method", "GET,POST"),
        ("forward-auth", "X-Forwarded-Proto", "https,https"),
        ("forward-auth", "X-Forwarded-Host", "wiki.example.org,books.example.org"),
        ("forward-auth", "X-Forwarded-Host", "wiki.example.org/open/a?"),
        ("forward-auth", "X-Forwarded-Host", "wiki.example.org/open/"),
        ("forward-auth", "X-Forwarded-Host", "ann@wiki.example.org"),
        ("forward-auth", "X-Forwarded-Host", "wiki.example.org#"),
        ("forward-auth", "X-Forwarded-Proto", "https://wiki.example.org/open/a?x="),
        ("forward-auth", "X-Forwarded-Uri", "https://wiki.example.org/open/a"),
        ("forward-auth", "X-Forwarded-Uri", "*"),
        ("forward-auth", "X-Forwarded-Method", "get"),
        ("ext-authz", "Host", "wiki.example.org/open/a?"),
        ("ext-authz", "Host", "wiki.example.org,wiki.example.org"),
    ],
)
def test_no_header_brings_along_what_belongs_to_another(
    app: Flask, ann: str, family: str, header: str, value: str
) -> None:
    headers = {
        "X-Original-URL": "https://wiki.example.org/", "X-Original-Method": "GET",
        "X-Forwarded-Proto": "https", "X-Forwarded-Host": "wiki.example.org",
        "X-Forwarded-Uri": "/", "X-Forwarded-Method": "GET", "Host": "wiki.example.org",
        "Cookie": ann,
    }  # fmt: skip
    told = call(app, f"/api/authz/{family}", {**headers, header: value})

    assert (told.status, told.json["header"]) == (400, header)


@every_family
def test_no_option_is_read_from_the_query(app: Flask, ann: str, family: str) -> None:
    query = "?rd=https://evil.example.net&authelia_url=https://evil.example.net&rm=PUT&groups=admin"
    headers = {
        "X-Original-URL": "https://wiki.example.org/", "X-Original-Method": "GET",
        "X-Forwarded-Proto": "https", "X-Forwarded-Host": "wiki.example.org",
        "X-Forwarded-Uri": "/", "X-Forwarded-Method": "GET", "Host": "wiki.example.org",
        **NAVIGATION,
    }  # fmt: skip
    uri = f"/api/authz/{family}{'/' if family == 'ext-authz' else ''}{query}"

    assert rd_of(call(app, uri, headers)).startswith("https://wiki.example.org/")
    assert call(app, uri, headers).location.endswith("&rm=GET")
    told = call(app, uri, {**headers, "Cookie": ann})
    assert told.identity[1] == "staff"


def test_families_do_not_read_each_other_s_headers(app: Flask, ann: str) -> None:
    caddys = {
        "X-Forwarded-Proto": "https", "X-Forwarded-Host": "wiki.example.org",
        "X-Forwarded-Uri": "/", "X-Forwarded-Method": "GET",
    }  # fmt: skip
    nginxs = {"X-Original-URL": "https://books.example.org/", "X-Original-Method": "POST"}

    assert call(app, "/api/authz/auth-request", {**caddys, "Cookie": ann}).status == 400
    assert call(app, "/api/authz/forward-auth", {**nginxs, "Cookie": ann}).status == 400
    assert call(app, "/api/authz/forward-auth", {**nginxs, **caddys, "Cookie": ann}).status == 200


@every_family
def test_a_public_path_names_nobody_but_sends_every_header(
    app: Flask, wiki: App, family: str
) -> None:
    told = ask(app, family, "/open/style.css", sent={**SCRIPT, "Remote-User": "admin"})

    assert told.status == 200
    assert told.identity == ["", "", "", ""]
    assert told.headers["X-Accel-Expires"] == "0"
    assert ask(app, family, "/open/..%2fsecret").status != 200


def test_envoy_s_paths_are_certain_only_where_the_server_hands_them_on_raw(
    app: Flask, ann: str
) -> None:
    assert ask(app, "ext-authz", "/open/a").status == 200
    assert ask(app, "ext-authz", "/open/a", raw=False).status == 302, "granian"
    assert rd_of(ask(app, "ext-authz", "/open/a%20b?x=%20", raw=False)) == (
        "https://wiki.example.org/open/a%20b?x=%20"
    )
    assert ask(app, "ext-authz", "/a//b", cookie=ann, raw=False).status == 200
    assert ask(app, "ext-authz", "/page", method="PROPFIND", cookie=ann).status == 200


def test_envoy_s_prefix_may_end_in_a_slash(app: Flask, ann: str) -> None:
    assert rd_of(ask(app, "ext-authz", "//page?x=1")) == "https://wiki.example.org/page?x=1"
    assert ask(app, "ext-authz", "//open/a").status == 302, "or the client's own //open/a"
    assert rd_of(ask(app, "ext-authz", "")) == "https://wiki.example.org/"


@every_family
def test_preflights(app: Flask, wiki: App, family: str) -> None:
    preflight = {
        "Origin": "https://other.example.net", "Access-Control-Request-Method": "PUT",
        "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site",
    }  # fmt: skip
    assert ask(app, family, method="OPTIONS", sent=preflight).status == 401
    change(app, preflight_allowed=True)
    assert ask(app, family, method="OPTIONS", sent=preflight).identity == ["", "", "", ""]
    assert ask(app, family, method="OPTIONS", sent=NAVIGATION).status != 200
    assert ask(app, family, method="POST", sent=preflight).status == 403


WRITES = [
    ("POST", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("POST", {"Sec-Fetch-Site": "same-site"}, 403),
    ("DELETE", {"Origin": "https://books.example.org"}, 403),
    ("POST", {"Origin": "null"}, 403),
    ("POST", {"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 200),
    ("GET", {"Upgrade": "websocket", "Origin": "https://books.example.org"}, 403),
    ("GET", {"Sec-WebSocket-Key": "x", "Origin": "https://evil.example.net"}, 403),
    ("GET", {"Upgrade": "websocket", "Origin": "https://wiki.example.org"}, 200),
    ("POST", {"Sec-Fetch-Site": "same-origin"}, 200),
    ("POST", {"Sec-Fetch-Site": "none"}, 200),
    ("POST", {"Origin": "https://wiki.example.org"}, 200),
    ("POST", {}, 200),
    ("GET", {"Sec-Fetch-Site": "cross-site"}, 200),
]


@every_family
def test_other_sites_change_nothing(app: Flask, ann: str, family: str) -> None:
    for method, sent, status in WRITES:
        told = ask(app, family, method=method, cookie=ann, sent=sent)
        assert told.status == status, (method, sent)
    change(app, cross_site_writes=True)
    for method, sent, _ in WRITES:
        assert ask(app, family, method=method, cookie=ann, sent=sent).status == 200


def test_a_page_says_that_another_site_was_stopped(app: Flask, ann: str) -> None:
    sent = {**NAVIGATION, "Sec-Fetch-Site": "cross-site"}
    told = ask(app, "forward-auth", method="POST", cookie=ann, sent=sent)

    assert "another site" in told.body.decode()
    assert "no-access" not in told.body.decode()


@pytest.mark.parametrize(
    ("settings", "peer", "status"),
    [
        ({}, "192.0.2.9", 400),
        ({}, "10.0.0.1", 400),
        ({}, "127.0.0.9", 200),
        ({}, "::1", 200),
        ({}, "nonsense", 400),
    ],
)
@every_family
def test_only_trusted_proxies_are_told(
    app: Flask, ann: str, family: str, settings: dict[str, str], peer: str, status: int
) -> None:
    assert ask(app, family, cookie=ann, peer=peer).status == status


@pytest.mark.settings(GATEPOST_TRUSTED_PROXIES="192.0.2.0/24")
def test_where_proxies_are_named_no_other_peer_is_one(app: Flask, ann: str) -> None:
    assert ask(app, "forward-auth", cookie=ann, peer="192.0.2.9").status == 200
    for peer in ("127.0.0.1", "", "198.51.100.1"):
        assert ask(app, "forward-auth", cookie=ann, peer=peer).json == {
            "error": "caller_not_trusted"
        }


def test_the_portal_s_own_cookie_opens_no_app(app: Flask, wiki: App, ann: str) -> None:
    token = ann.partition("=")[2]

    for name in ("__Host-gatepost_login", "gatepost_apps", "__Host-gatepost_apps", "x"):
        assert ask(app, "forward-auth", cookie=f"{name}={token}").status == 302
    assert ask(app, "forward-auth", cookie=f"a=b;{APP_COOKIE}=x; {ann};c").status == 200


def test_people_whose_addresses_look_alike_are_not_taken_for_each_other(
    app: Flask, wiki: App
) -> None:
    emails = (
        "jorg@example.org", "jörg@example.org", "j%C3%B6rg@example.org", "stra\u00dfe@example.org"
    )  # fmt: skip
    users = [
        ask(app, "forward-auth", cookie=enter(app, email, "staff")).identity[0] for email in emails
    ]

    assert users == [
        "jorg@example.org", "j%C3%B6rg@example.org", "j%25c3%25b6rg@example.org",
        "stra%C3%9Fe@example.org",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "folded", "encoded"),
    [
        ("Änne Løwenstraße", "Anne Lowenstrasse", "%C3%84nne L%C3%B8wenstra%C3%9Fe"),
        ("Lee, Ann", "Lee, Ann", "Lee, Ann"),
        ("a\r\nRemote-User: admin", "aRemote-User: admin", "a%0D%0ARemote-User%3A admin"),
        ("李", "ann@example.org", "%E6%9D%8E"),
        ("100%", "100%", "100%25"),
    ],
)
def test_names_are_ascii(app: Flask, wiki: App, name: str, folded: str, encoded: str) -> None:
    cookie = enter(app, "ann@example.org", "staff", name=name)

    assert ask(app, "forward-auth", cookie=cookie).identity[3] == folded
    change(app, percent_encoded=True)
    assert ask(app, "forward-auth", cookie=cookie).identity[3] == encoded


def test_an_app_s_own_names_of_headers(app: Flask, ann: str) -> None:
    change(app, header_names={"user": "X-WEBAUTH-USER"}, signed_header=True)

    told = ask(app, "auth-request", cookie=ann)
    assert told.headers["X-WEBAUTH-USER"] == "ann@example.org"
    assert told.headers["Remote-Email"] == "ann@example.org"
    assert told.headers["Remote-Jwt"].count(".") == 2
    assert ask(app, "auth-request", "/open/a").headers["Remote-Jwt"] == ""


def test_more_groups_than_a_proxy_holds_are_cut(app: Flask, wiki: App) -> None:
    names = [f"{n:03}-{'x' * 35}" for n in range(100)]
    with app.app_context(), writing() as session:
        session.add_all([Group(name=name, created_at=now()) for name in names])
        session.execute(db.text("UPDATE gate_state SET version = version + 1"))
    told = ask(app, "forward-auth", cookie=enter(app, "ann@example.org", "staff", *names))

    groups = told.headers["Remote-Groups"]
    assert groups.split(",") == names[:50]
    assert len(groups) <= 2000


def test_addresses_of_seven_kilobytes(app: Flask, ann: str) -> None:
    path = "/" + "a" * 7000

    assert ask(app, "forward-auth", path, cookie=ann).status == 200
    assert rd_of(ask(app, "forward-auth", path)) == f"https://wiki.example.org{path}"
    odd = "/page?" + "%20" * 2300
    assert rd_of(ask(app, "forward-auth", odd)) == "https://wiki.example.org/page"
    assert ask(app, "forward-auth", "/" + "a" * 9000, cookie=ann).status == 400


def test_bytes_beyond_ascii_are_spelt_out(app: Flask, wiki: App) -> None:
    path = "/å?q=ö".encode().decode("latin-1")

    assert rd_of(ask(app, "forward-auth", path)) == "https://wiki.example.org/%C3%A5?q=%C3%B6"


def test_head_has_no_body_and_other_addresses_are_flask_s(app: Flask, wiki: App) -> None:
    assert ask(app, "ext-authz", method="HEAD", sent=SCRIPT).body == b""
    for path in ("/api/authz/", "/api/authz/legacy", "/api/authz/forward-auth/x", "/api/authz"):
        assert call(app, path, {}).status == 404


@pytest.mark.own_app
def test_without_a_database_nobody_gets_in(app: Flask, ann: str) -> None:
    assert ask(app, "forward-auth", "/open/a", cookie=ann).status == 200
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(db.text("ALTER TABLE app_sessions RENAME TO gone"))
    try:
        told = ask(app, "forward-auth", cookie=ann)
    finally:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(db.text("ALTER TABLE gone RENAME TO app_sessions"))
    assert (told.status, told.json) == (503, {"error": "unavailable"})
    assert ask(app, "forward-auth", cookie=ann).status == 200


def test_half_signed_in_and_disabled_people_are_nobody(app: Flask, ann: str) -> None:
    with app.app_context(), writing() as session:
        session.execute(update(User).values(disabled_at=now() - timedelta(seconds=1)))

    assert ask(app, "forward-auth", cookie=ann).status == 302
    assert ask(app, "forward-auth", cookie=ann, sent=SCRIPT).json["error"] == "unauthenticated"


def test_pages_are_there_for_every_app(app: Flask, new_person: Callable[..., Person]) -> None:
    with app.app_context():
        make_app("<i>Books</i>", "https://books.example.org")
    told = ask(app, "forward-auth", host="books.example.org", cookie=enter(app, "bob@example.org"))

    assert "You may not enter &lt;i&gt;Books&lt;/i&gt;" in told.body.decode()

"""The portal's own host behind each proxy: its pages, and no verdicts for strangers."""

import socket
import ssl

import pytest

from tests.proxies import kinds
from tests.proxies.practice import AUTH, WIKI, Practice

SPELLINGS = (
    "/api/authz/{}", "//api/authz/{}", "/api//authz/{}", "/api/./authz/{}", "/x/../api/authz/{}",
    "/api/authz%2f{}", "/api%2fauthz%2f{}", "/%61pi/authz/{}", "/API/authz/{}", "/api/authz//{}",
    "/static/..%2fapi/authz/{}", "/static/../api/authz/{}", "/api/authz/%2e/{}", "/api\\authz\\{}",
    f"https://{AUTH}/api/authz/{{}}", "/api/authz;/{}", "/api%252fauthz/{}",
)  # fmt: skip
FAMILIES = ("forward-auth", "ext-authz/x")


def ask(kind: str, port: int, target: str, *lines: str) -> bytes:
    """What a proxy answers to one request at the portal's own host."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    head = [f"GET {target} HTTP/1.1", f"Host: {AUTH}", "Connection: close", *lines]
    plain = socket.create_connection(("127.0.0.1", port), 20)
    with context.wrap_socket(plain, server_hostname=AUTH) as line:
        line.sendall("\r\n".join([*head, "", ""]).encode())
        return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_strangers_see_pages_and_get_no_verdict(practice: Practice, kind: str) -> None:
    forged = (
        "X-Forwarded-Method: GET", "X-Forwarded-Proto: https", f"X-Forwarded-Host: {WIKI}",
        "X-Forwarded-Uri: /", f"X-Original-URL: https://{WIKI}/", "X-Original-Method: GET",
        "Accept: text/html", "Sec-Fetch-Mode: navigate",
    )  # fmt: skip
    with practice.running(kind) as (proxy, _):
        assert b"<h1" in ask(kind, proxy.port, "/sign-in")
        for target in (spelling.format(name) for spelling in SPELLINGS for name in FAMILIES):
            answer = ask(kind, proxy.port, target, *forged)
            status, told = answer.split(b" ")[1], answer.lower()
            assert status in {b"303", b"400", b"404"}, (target, answer)
            assert b"rd=https" not in told, target
            assert b"remote-user" not in told, target

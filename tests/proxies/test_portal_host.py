"""The portal's own host behind each proxy: its pages, whole bodies, no verdicts for strangers."""

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
SECONDS = 20
FAMILIES = ("forward-auth", "ext-authz/x")


def ask(port: int, target: str, *lines: str) -> bytes:
    """What a proxy answers to one request at the portal's own host."""
    with connect(port) as line:
        line.sendall(head_of(f"GET {target}", *lines))
        return read_all(line)


def connect(port: int) -> ssl.SSLSocket:
    """A connection to a proxy for the portal's own host."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", port), SECONDS)
    return context.wrap_socket(plain, server_hostname=AUTH)


def head_of(request: str, *lines: str) -> bytes:
    """What stands before a request's body."""
    head = [f"{request} HTTP/1.1", f"Host: {AUTH}", "Connection: close", *lines]
    return "\r\n".join([*head, "", ""]).encode()


def read_all(line: socket.socket) -> bytes:
    """All that is said until the other side hangs up."""
    return b"".join(iter(lambda: line.recv(65536), b""))


def serve(listener: socket.socket, until: bytes) -> bytes:
    """The next request that reaches a stand-in for the portal, answered once it ends so."""
    line, _ = listener.accept()
    with line:
        line.settimeout(SECONDS)
        received = b""
        while not received.endswith(until) and (piece := line.recv(65536)):
            received += piece
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    return received


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_strangers_see_pages_and_get_no_verdict(practice: Practice, kind: str) -> None:
    forged = (
        "X-Forwarded-Method: GET", "X-Forwarded-Proto: https", f"X-Forwarded-Host: {WIKI}",
        "X-Forwarded-Uri: /", f"X-Original-URL: https://{WIKI}/", "X-Original-Method: GET",
        "Accept: text/html", "Sec-Fetch-Mode: navigate",
    )  # fmt: skip
    with practice.running(kind) as (proxy, _):
        assert b"<h1" in ask(proxy.port, "/sign-in")
        for target in (spelling.format(name) for spelling in SPELLINGS for name in FAMILIES):
            answer = ask(proxy.port, target, *forged)
            status, told = answer.split(b" ")[1], answer.lower()
            assert status in {b"303", b"400", b"404"}, (target, answer)
            assert b"rd=https" not in told, target
            assert b"remote-user" not in told, target


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_a_body_reaches_the_portal_when_it_is_whole(practice: Practice, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        portal = f"127.0.0.1:{listener.getsockname()[1]}"
        with (
            practice.running(kind, portal=portal) as (proxy, _),
            connect(proxy.port) as slow,
            connect(proxy.port) as quick,
        ):
            slow.sendall(head_of("POST /sign-in", "Content-Length: 10") + b"first")
            quick.sendall(head_of("GET /sign-in"))
            assert serve(listener, until=b"\r\n\r\n").startswith(b"GET ")
            assert read_all(quick).endswith(b"ok")
            slow.sendall(b" last")
            assert serve(listener, until=b"last").startswith(b"POST ")
            assert read_all(slow).endswith(b"ok")


def test_haproxy_gives_up_a_body_that_does_not_end(practice: Practice) -> None:
    faults = [("wait-for-body time 10s", "wait-for-body time 50ms")]
    with practice.running("haproxy", faults) as (proxy, _), connect(proxy.port) as slow:
        slow.sendall(head_of("POST /sign-in", "Content-Length: 10") + b"first")
        assert read_all(slow).startswith(b"HTTP/1.1 408 ")

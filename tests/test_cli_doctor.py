"""``flask doctor`` before it asks anybody: options that would look at nothing are refused."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from tests.apps import DOMAINS, make_app
from tests.standins.certificate import make_certificate

pytestmark = pytest.mark.settings(**DOMAINS, GATEPOST_TRUSTED_PROXIES="unix")

WIKI = "https://wiki.example.org"
NOBODY = ("--connect", "127.0.0.1:1")


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


class _Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/healthz"
        self.send_response(200 if found else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _knows_nobody(_socket: object, _name: object, _context: object) -> int:
    return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


@contextmanager
def serving(folder: Path, sni_callback: Callable[..., int] | None = None) -> Iterator[str]:
    """Something like the portal behind a certificate that nobody has reason to trust."""
    server = HTTPServer(("127.0.0.1", 0), _Fine)
    context = make_certificate(folder, "elsewhere.example.net").for_server()
    context.sni_callback = sni_callback
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def aloof(tmp_path: Path) -> Iterator[str]:
    """A proxy without a block for the app, as nginx is with ``ssl_reject_handshake``."""
    with serving(tmp_path, _knows_nobody) as address:
        yield address


@pytest.fixture
def around(tmp_path: Path) -> Iterator[str]:
    """A way around the proxy."""
    with serving(tmp_path) as address:
        yield f"https://{address}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--direct", "10.0.0.5:8000"), "10.0.0.5:8000 is no address like http://10.0.0.5:8000."),
        (("--direct", "ftp://10.0.0.5"), "ftp://10.0.0.5 is no address"),
        (("--direct", "http://10.0.0.5:x"), "http://10.0.0.5:x is no address"),
        (("--direct", "http://10.0.0.5:8000/login"), "is no address"),
        (("--direct", ""), "is no address"),
        ((WIKI, "--connect", "10.0.0.1"), "10.0.0.1 is no host:port."),
        ((WIKI, "--connect", "x:https"), "x:https is no host:port."),
        ((WIKI, "--connect", "x:99999"), "x:99999 is no host:port."),
        ((WIKI, "--connect", ""), "is no host:port."),
        ((WIKI, "--listen", "3000"), "3000 is no host:port."),
        ((WIKI, "--listen", ""), "is no host:port."),
        (("--listen", "127.0.0.1:3000"), "give its URL too"),
        (NOBODY, "give an app's URL"),
    ],
)
def test_an_option_that_would_look_at_nothing_is_a_usage_error(
    runner: FlaskCliRunner, options: tuple[str, ...], said: str
) -> None:
    result = runner.invoke(args=["doctor", *options])
    assert (result.exit_code, said in result.stderr) == (2, True), result.output


@pytest.mark.parametrize("end", ["", "/"])
def test_a_way_around_the_proxy_is_found_whatever_its_certificate(
    runner: FlaskCliRunner, around: str, end: str
) -> None:
    result = runner.invoke(args=["doctor", "--direct", around + end, *NOBODY, "--json"])
    found = {finding["name"]: finding["text"] for finding in json.loads(result.stdout)}
    assert found["around-the-proxy"] == f"The portal answers at {around}, around the proxy."


@pytest.mark.parametrize("where", ["127.0.0.1", *(["[::1]"] if _has_ipv6() else [])])
def test_where_something_listens_the_doctor_cannot(
    app: Flask, runner: FlaskCliRunner, where: str
) -> None:
    with app.app_context():
        make_app("Wiki", for_everyone=True)
    family = socket.AF_INET6 if ":" in where else socket.AF_INET
    with socket.create_server((where.strip("[]"), 0), family=family) as taken:
        address = f"{where}:{taken.getsockname()[1]}"
        result = runner.invoke(args=["doctor", WIKI, *NOBODY, "--listen", address])
    assert f"The doctor cannot listen at {address} (" in result.stderr
    assert "already in use" in result.stderr
    result = runner.invoke(args=["doctor", WIKI, *NOBODY, "--listen", address])
    assert "app-unreachable" in result.stdout


def test_a_proxy_that_does_not_know_the_app_is_told_from_a_bad_certificate(
    app: Flask, runner: FlaskCliRunner, aloof: str
) -> None:
    with app.app_context():
        make_app("Wiki", for_everyone=True)
    result = runner.invoke(args=["doctor", WIKI, "--connect", aloof, "--json"])
    (finding,) = [f for f in json.loads(result.stdout) if f["name"] == "app-unreachable"]

    assert "the proxy does not know this name" in finding["text"]

"""A doctor's token lets in at one host, for a minute, and nobody else can make one."""

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config import Config
from services import apps
from services.app_drafts import AppDraft
from services.audit import OPERATOR
from services.doctor import probes
from services.doctor.probes import LOOK, PASS, Probe

pytestmark = pytest.mark.settings(GATEPOST_APP_DOMAINS="example.org")

AS = {"Remote-User": "doctor"}


@pytest.fixture
def client(app: Flask, clock: time_machine.Traveller) -> FlaskClient:
    """A proxy, with its own word on which cookies there are."""
    with app.app_context():
        for host in ("wiki", "vault"):
            apps.add(AppDraft(host, (f"https://{host}.example.org",)), OPERATOR)
    return app.test_client(use_cookies=False)


def ask(client: FlaskClient, token: str, host: str = "wiki.example.org") -> TestResponse:
    """What a proxy is answered for a visitor with this token."""
    headers = {
        "X-Original-URL": f"https://{host}/", "X-Original-Method": "GET",
        "Cookie": f"{probes.COOKIE}={token}",
    }  # fmt: skip
    return client.get("/api/authz/auth-request", headers=headers)


def test_a_token_lets_in_at_its_own_host_for_a_minute(
    client: FlaskClient, config: Config, clock: time_machine.Traveller
) -> None:
    token = probes.make(config, Probe(PASS, "wiki.example.org", "1", AS))
    answer = ask(client, token)
    assert (answer.status_code, answer.headers["Remote-User"]) == (200, "doctor")
    assert ask(client, token, "vault.example.org").status_code == 401
    clock.shift(61)
    assert ask(client, token).status_code == 401


def test_nobody_else_makes_a_token(client: FlaskClient, config: Config) -> None:
    good = probes.make(config, Probe(PASS, "wiki.example.org", "1", AS))
    report = ask(client, probes.make(config, Probe(LOOK, "wiki.example.org", "1")))
    sealed = report.headers["Location"].partition("=")[2]
    for token in ("", "x", good[:-6] + "AAAA==", sealed, "{}"):
        assert ask(client, token).status_code == 401


def test_a_look_tells_the_doctor_alone(client: FlaskClient, config: Config) -> None:
    answer = ask(client, probes.make(config, Probe(LOOK, "wiki.example.org", "1")))
    assert answer.status_code == 401
    sealed = answer.headers["Location"].partition("?doctor=")[2]
    report = probes.read_report(config, sealed, "1")
    assert report
    assert report.url == "https://wiki.example.org/"
    assert probes.read_report(config, sealed, "2") is None
    assert b"wiki" not in answer.data
    assert client.get(probes.PATH).status_code == 404

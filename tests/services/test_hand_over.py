"""The hand-over to an app's own host: one browser, one host, half a minute, once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from extensions import db, end_reading
from models import LoginSession, User
from models_apps import AppSession, HandOver
from services import accounts, login_sessions
from services.clock import now
from services.errors import LoginSessionOver
from services.gate import app_sessions, hand_over
from services.gate.hand_over import Arrived, HandOverRefused, Why
from services.tokens import digest
from tests.people import CLIENT, open_session
from tests.threads import count_of, run_together

ORIGIN = "https://wiki.example.net"
TARGET = f"{ORIGIN}/a%20page?edit=1"

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def acting(new_user: Callable[..., User]) -> LoginSession:
    return open_session(new_user())


@pytest.fixture
def secret() -> str:
    return hand_over.begin("")


def grant(acting: LoginSession, secret: str) -> str:
    return hand_over.grant(acting, hand_over.name_browser(secret), ORIGIN, TARGET)


def refusal(token: str, secret: str, origin: str = ORIGIN) -> HandOverRefused:
    with pytest.raises(HandOverRefused) as caught:
        hand_over.redeem(token, secret, origin)
    assert db.session.scalar(select(AppSession)) is None
    return caught.value


def test_it_opens_an_app_session_of_that_host_alone(acting: LoginSession, secret: str) -> None:
    arrived = hand_over.redeem(grant(acting, secret), secret, ORIGIN)
    found = app_sessions.find(arrived.opened.token)

    assert found is not None
    assert (found.login_session.id, found.scope) == (acting.id, ORIGIN)
    assert arrived.target == TARGET


def test_no_browser_fills_the_table(acting: LoginSession, secret: str) -> None:
    for _ in range(3):
        grant(acting, secret)
    with time_machine.travel(now() + timedelta(minutes=2)):
        late = grant(acting, secret)
        tokens = db.session.scalars(select(HandOver.token_digest)).all()

    assert tokens == [digest(late)]


def test_neither_token_nor_secret_is_stored(acting: LoginSession, secret: str) -> None:
    token = grant(acting, secret)
    stored = str(db.session.execute(select(HandOver.__table__)).all())

    assert token not in stored
    assert secret not in stored


def test_tabs_that_begin_at_once_share_the_browser_s_secret(secret: str) -> None:
    assert hand_over.begin(secret) == secret


@pytest.mark.parametrize("secret", ["", "short", "x" * 23, "ä" * 22, "a" * 21 + "\n"])
def test_what_is_no_secret_of_ours_is_replaced(secret: str) -> None:
    begun = hand_over.begin(secret)

    assert begun != secret
    assert len(begun) == 22


class TestRefusals:
    def test_the_second_time(self, acting: LoginSession, secret: str) -> None:
        token = grant(acting, secret)
        arrived = hand_over.redeem(token, secret, ORIGIN)
        with pytest.raises(HandOverRefused) as caught:
            hand_over.redeem(token, secret, ORIGIN)

        assert (caught.value.why, caught.value.target) == (Why.LATE, TARGET)
        assert app_sessions.find(arrived.opened.token) is not None

    def test_of_eight_at_once_one_is_let_in(
        self, app: Flask, acting: LoginSession, secret: str
    ) -> None:
        token = grant(acting, secret)
        end_reading()
        outcomes = run_together(app, 8, lambda _: hand_over.redeem(token, secret, ORIGIN))

        assert count_of(Arrived, outcomes) == 1
        assert count_of(HandOverRefused, outcomes) == 7

    def test_another_browser_learns_nothing_and_spoils_nothing(
        self, acting: LoginSession, secret: str
    ) -> None:
        token = grant(acting, secret)
        for other in (hand_over.begin(""), "", hand_over.name_browser(secret)):
            refused = refusal(token, other)
            assert (refused.why, refused.target) == (Why.BROWSER, "")

        assert hand_over.redeem(token, secret, ORIGIN)

    @pytest.mark.parametrize(
        "origin",
        ["https://other.example.net", "http://wiki.example.net", f"{ORIGIN}:8443", ""],
    )
    def test_another_host(self, acting: LoginSession, secret: str, origin: str) -> None:
        assert refusal(grant(acting, secret), secret, origin).why == Why.FORGED

    @pytest.mark.parametrize("token", ["", "x" * 22, "' OR 1=1 --", "\0", "ä"])
    def test_a_forged_one(self, acting: LoginSession, secret: str, token: str) -> None:
        grant(acting, secret)

        assert refusal(token, secret).why == Why.FORGED

    def test_after_thirty_seconds(
        self, clock: time_machine.Traveller, acting: LoginSession, secret: str
    ) -> None:
        in_time, late = grant(acting, secret), grant(acting, secret)
        clock.shift(29)
        assert hand_over.redeem(in_time, secret, ORIGIN)
        clock.shift(1)
        with pytest.raises(HandOverRefused) as caught:
            hand_over.redeem(late, secret, ORIGIN)

        assert (caught.value.why, caught.value.target) == (Why.LATE, TARGET)

    def test_when_the_person_signed_out_meanwhile(self, acting: LoginSession, secret: str) -> None:
        token = grant(acting, secret)
        login_sessions.sign_out(acting, CLIENT)

        assert refusal(token, secret).why == Why.FORGED

    def test_when_the_person_was_disabled_meanwhile(
        self, acting: LoginSession, secret: str
    ) -> None:
        token = grant(acting, secret)
        accounts.disable(acting.user)

        refusal(token, secret)

    def test_nothing_is_granted_to_a_session_that_is_over(
        self, acting: LoginSession, secret: str
    ) -> None:
        login_sessions.sign_out(acting, CLIENT)
        with pytest.raises(LoginSessionOver):
            grant(acting, secret)

    @pytest.mark.parametrize("browser", ["", "x", "A" * 64, "0" * 63, "0" * 64 + "\n"])
    def test_nothing_is_granted_to_what_names_no_browser(
        self, acting: LoginSession, browser: str
    ) -> None:
        with pytest.raises(HandOverRefused):
            hand_over.grant(acting, browser, ORIGIN, TARGET)

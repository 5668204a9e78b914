"""App sessions: what opens them, and that they end with their login session, however it ends."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from extensions import db, end_reading
from models import LoginSession, User
from models_apps import AppSession
from services import accounts, codes, credentials, identity, login_sessions, sign_in, two_factor
from services.challenges import Purpose
from services.errors import LoginSessionOver
from services.gate import app_sessions
from services.sign_in import Browser, SignedIn
from tests.challenges import code_of
from tests.people import CLIENT, NUMBER, PASSWORD, load_user, open_session
from tests.threads import count_of, run_together

DOMAIN = "example.org"
HOUR = 3600
DAY = 86400

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user(number=NUMBER)


def enter(login_session: LoginSession, scope: str = DOMAIN) -> str:
    return app_sessions.open_session(login_session, scope).token


def is_live(token: str) -> bool:
    end_reading()
    return app_sessions.find(token) is not None


def count() -> int:
    end_reading()
    return db.session.scalar(select(func.count()).select_from(AppSession)) or 0


class TestOpening:
    def test_it_stands_for_the_login_session(self, ann: User) -> None:
        acting = open_session(ann)
        found = app_sessions.find(enter(acting))

        assert found is not None
        assert (found.login_session.id, found.scope) == (acting.id, DOMAIN)

    def test_its_token_is_its_own_and_is_not_stored(self, ann: User) -> None:
        acting = open_session(ann)
        token = enter(acting)

        assert login_sessions.find(token) is None
        assert token not in str(db.session.execute(select(AppSession.__table__)).all())

    def test_the_token_of_a_login_session_opens_no_app(self, ann: User) -> None:
        signed_in = sign_in.with_password(ann.email, PASSWORD, False, Browser(CLIENT))
        assert isinstance(signed_in, SignedIn)

        assert login_sessions.find(signed_in.login) is not None
        assert app_sessions.find(signed_in.login) is None

    def test_opened_again_the_one_before_ends(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        acting = open_session(ann)
        first, other = enter(acting), enter(acting, "https://wiki.example.net")
        clock.shift(61)
        second = enter(acting)

        assert [is_live(token) for token in (first, second, other)] == [False, True, True]

    def test_tabs_that_open_at_once_do_not_end_each_other(self, app: Flask, ann: User) -> None:
        acting = open_session(ann)
        end_reading()
        tokens = run_together(app, 4, lambda _: enter(acting))

        assert all(is_live(token) for token in tokens)

    def test_its_cookie_is_kept_as_long_as_the_login_session(self, ann: User) -> None:
        remembered = open_session(ann, remember_me=True)

        opened = app_sessions.open_session(remembered, DOMAIN)
        assert opened.kept_until == remembered.expires_at
        assert app_sessions.open_session(open_session(ann), DOMAIN).kept_until is None


class TestEnding:
    def test_with_the_sign_out(self, ann: User) -> None:
        here, there = open_session(ann), open_session(ann)
        gone, kept = enter(here), enter(there)
        login_sessions.sign_out(here, CLIENT)

        assert (is_live(gone), is_live(kept), count()) == (False, True, 1)

    def test_when_the_session_is_ended_elsewhere(self, ann: User) -> None:
        here, there = open_session(ann), open_session(ann)
        gone, kept = enter(there), enter(here)
        login_sessions.end(ann, there.id, CLIENT)

        assert (is_live(gone), is_live(kept)) == (False, True)

    def test_when_all_others_are_ended(self, ann: User) -> None:
        here, there = open_session(ann), open_session(ann)
        gone, kept = enter(there), enter(here)
        credentials.sign_out_elsewhere(here, CLIENT)

        assert (is_live(gone), is_live(kept), count()) == (False, True, 1)

    def test_with_a_change_of_a_credential_elsewhere(self, ann: User) -> None:
        here, there = open_session(ann), open_session(ann)
        gone, kept = enter(there), enter(here)
        two_factor.enable(load_user(ann.id), here, CLIENT)

        assert (is_live(gone), is_live(kept)) == (False, True)

    def test_when_the_person_is_disabled(self, ann: User) -> None:
        token = enter(open_session(ann))
        accounts.disable(ann)

        assert not is_live(token)

    def test_with_the_login_session_s_time(self, ann: User, clock: time_machine.Traveller) -> None:
        token = enter(open_session(ann))
        clock.shift(12 * HOUR - 1)
        assert is_live(token)

        clock.shift(1)
        assert not is_live(token)

    def test_none_is_opened_for_a_session_that_is_over(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        gone, late = open_session(ann), open_session(ann)
        login_sessions.sign_out(gone, CLIENT)
        clock.shift(DAY)
        for login_session in (gone, late):
            with pytest.raises(LoginSessionOver):
                app_sessions.open_session(login_session, DOMAIN)

        assert count() == 0

    def test_none_outlives_a_sign_out_at_the_same_moment(self, app: Flask, ann: User) -> None:
        acting = open_session(ann)
        end_reading()

        def act(number: int) -> object:
            return login_sessions.sign_out(acting, CLIENT) if number == 3 else enter(acting)

        outcomes = run_together(app, 6, act)
        assert count() == 0
        assert count_of(str, outcomes) + count_of(LoginSessionOver, outcomes) == 5


class TestProofs:
    """A cookie that was copied must not rise with the session that it was copied from."""

    def prove_code(self, acting: LoginSession) -> LoginSession:
        user = acting.user
        reference = codes.send(user, Purpose.CONFIRM_IDENTITY, None, "email", CLIENT)
        found = login_sessions.find(
            identity.prove_code(acting, reference, code_of(reference), CLIENT)
        )
        assert found is not None
        return found

    def test_the_first_second_factor_ends_them(self, ann: User) -> None:
        acting = open_session(ann)
        token = enter(acting)
        risen = self.prove_code(acting)

        assert risen.amr == "pwd otp mfa"
        assert not is_live(token)
        assert is_live(enter(risen))

    def test_a_further_one_does_not(self, ann: User) -> None:
        risen = self.prove_code(open_session(ann))
        token = enter(risen)

        assert self.prove_code(risen).amr == "pwd otp mfa"
        assert is_live(token)

    def test_the_password_does_not(self, ann: User) -> None:
        acting = open_session(ann)
        token = enter(acting)
        identity.prove_password(acting, PASSWORD, CLIENT)

        assert is_live(token)

"""Fresh proof before a sensitive change: what it takes, and how long it lasts."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask

from extensions import end_reading
from models import LoginSession, User
from services import codes, identity, login_sessions
from services.challenges import Purpose, Reference
from services.errors import CurrentPasswordIncorrect, TooManyTries
from services.errors_codes import ChallengeClosed, ChallengeConsumed, CodeIncorrect
from services.identity import Missing
from tests.challenges import code_of, wrong_code
from tests.people import CLIENT, NUMBER, PASSWORD, load_user, open_session
from tests.threads import count_of, run_together

HOUR = 3600

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user(number=NUMBER, two_factor=True)


def missing(login_session: LoginSession) -> str:
    return identity.what_is_missing(login_session).value


def renewed(token: str) -> LoginSession:
    found = login_sessions.find(token)
    assert found is not None
    return found


def prove_password(login_session: LoginSession) -> LoginSession:
    return renewed(identity.prove_password(login_session, PASSWORD, CLIENT))


def send(user: User) -> Reference:
    return codes.send(user, Purpose.CONFIRM_IDENTITY, None, "email", CLIENT)


def guess(user: User, password: str = "wrong") -> object:
    try:
        identity.check_password(user, password, CLIENT)
    except (CurrentPasswordIncorrect, TooManyTries) as refusal:
        return refusal
    return None


class TestHowLong:
    def test_a_complete_sign_in_counts_for_ten_minutes(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        acting = open_session(ann)
        clock.shift(599)
        assert missing(acting) == Missing.NOTHING

        clock.shift(1)
        assert missing(acting) == Missing.PASSWORD

    def test_a_remembered_browser_counts_as_the_password_only(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        assert missing(open_session(ann, full_proof=False)) == Missing.CODE

    def test_without_two_factor_the_password_is_enough(
        self, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        acting = open_session(new_user(), full_proof=False)
        assert missing(acting) == Missing.NOTHING
        clock.shift(600)
        assert missing(acting) == Missing.PASSWORD
        assert missing(prove_password(acting)) == Missing.NOTHING

    def test_password_and_code_last_ten_minutes_from_the_password(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        acting = open_session(ann)
        clock.shift(600)
        acting = prove_password(acting)
        assert missing(acting) == Missing.CODE
        clock.shift(300)
        reference = send(ann)
        acting = renewed(identity.prove_code(acting, reference, code_of(reference), CLIENT))
        assert missing(acting) == Missing.NOTHING

        clock.shift(299)
        assert missing(acting) == Missing.NOTHING
        clock.shift(1)
        assert missing(acting) == Missing.PASSWORD

    @pytest.mark.settings(GATEPOST_REAUTH_SECONDS="60")
    def test_it_is_a_setting(self, ann: User, clock: time_machine.Traveller) -> None:
        acting = open_session(ann)
        clock.shift(59)
        assert missing(acting) == Missing.NOTHING
        clock.shift(1)
        assert missing(acting) == Missing.PASSWORD

    @pytest.mark.settings(GATEPOST_REQUIRE_TWO_FACTOR="yes")
    def test_a_portal_that_requires_two_factor_asks_everyone_for_a_code(
        self, new_user: Callable[..., User]
    ) -> None:
        assert missing(open_session(new_user(), full_proof=False)) == Missing.CODE


class TestProofs:
    def test_each_gives_the_session_a_new_token(self, ann: User) -> None:
        acting = open_session(ann, full_proof=False)
        first = identity.prove_password(acting, PASSWORD, CLIENT)
        reference = send(ann)
        second = identity.prove_code(renewed(first), reference, code_of(reference), CLIENT)

        assert login_sessions.find(first) is None
        assert renewed(second).id == acting.id

    def test_a_proof_is_one_session_s_own(self, ann: User, clock: time_machine.Traveller) -> None:
        here, there = open_session(ann), open_session(ann)
        clock.shift(600)
        prove_password(here)

        assert missing(there) == Missing.PASSWORD

    def test_a_wrong_password_proves_nothing(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        acting = open_session(ann)
        clock.shift(600)
        with pytest.raises(CurrentPasswordIncorrect) as caught:
            identity.prove_password(acting, "wrong", CLIENT, field="current_password")

        assert caught.value.field == "current_password"
        assert missing(acting) == Missing.PASSWORD

    def test_a_wrong_code_proves_nothing(self, ann: User) -> None:
        acting, reference = open_session(ann, full_proof=False), send(ann)
        with pytest.raises(CodeIncorrect):
            identity.prove_code(acting, reference, wrong_code(reference), CLIENT)

        assert missing(acting) == Missing.CODE

    def test_a_code_proves_it_once(self, ann: User) -> None:
        first, second = (open_session(ann, full_proof=False) for _ in range(2))
        reference = send(ann)
        identity.prove_code(first, reference, code_of(reference), CLIENT)

        with pytest.raises(ChallengeConsumed):
            identity.prove_code(second, reference, code_of(reference), CLIENT)
        assert missing(second) == Missing.CODE

    def test_a_code_to_sign_in_with_proves_nothing(self, ann: User) -> None:
        acting = open_session(ann, full_proof=False)
        reference = codes.send(ann, Purpose.SIGN_IN, None, "email", CLIENT)
        with pytest.raises(ChallengeClosed):
            identity.prove_code(acting, reference, code_of(reference), CLIENT)


class TestWrongPasswords:
    def test_ten_in_five_minutes(self, ann: User, clock: time_machine.Traveller) -> None:
        for _ in range(10):
            assert isinstance(guess(ann), CurrentPasswordIncorrect)
        refusal = guess(ann, PASSWORD)
        assert isinstance(refusal, TooManyTries)
        assert refusal.retry_after in {300, 301}
        clock.shift(299)
        assert isinstance(guess(ann, PASSWORD), TooManyTries)

        clock.shift(1)
        assert guess(ann, PASSWORD) is None

    def test_thirty_in_an_hour_however_slowly(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for _ in range(3):
            for _ in range(10):
                assert isinstance(guess(ann), CurrentPasswordIncorrect)
            assert isinstance(guess(ann), TooManyTries)
            clock.shift(300)

        refusal = guess(ann, PASSWORD)
        assert isinstance(refusal, TooManyTries)
        assert refusal.rule == "password_fails_signed_in_hour"
        clock.shift(HOUR - 3 * 300)
        assert guess(ann, PASSWORD) is None

    def test_right_ones_cost_nothing(self, ann: User, clock: time_machine.Traveller) -> None:
        for _ in range(120):
            assert guess(ann, PASSWORD) is None

    def test_of_twenty_at_once_ten_are_judged(self, app: Flask, ann: User) -> None:
        end_reading()
        outcomes = run_together(app, 20, lambda _: guess(load_user(ann.id)))

        assert count_of(CurrentPasswordIncorrect, outcomes) == 10
        assert count_of(TooManyTries, outcomes) == 10

"""Signing in: the password, the pending sign-in, the second step, and who may skip it."""

from collections.abc import Callable

import pytest
import time_machine
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import func, select, update

from extensions import db, end_reading, settings, writing
from models import Activity, LoginSession, PendingSignIn, User
from services import accounts, browsers, codes, credentials, hashing, login_sessions, sign_in
from services.audit import NOBODY
from services.challenges import Purpose, Reference
from services.errors import (
    AccountDisabled,
    CredentialsIncorrect,
    EmailUnconfirmed,
    PendingSignInOver,
)
from services.errors_codes import ChallengeClosed, ChallengeConsumed, NothingSent, WayUnavailable
from services.sign_in import Browser, SecondStepDue, SignedIn
from tests.challenges import check, code_of, wrong_code
from tests.people import CLIENT, NUMBER, PASSWORD, load_user, make_person, make_registration
from tests.threads import count_of, run_together

DAY = 86400
BROWSER = Browser(CLIENT)

pytestmark = pytest.mark.usefixtures("context")


def enter_password(
    email: str = "ann@example.org",
    password: str = PASSWORD,
    browser: Browser = BROWSER,
    remember_me: bool = False,
) -> SignedIn | SecondStepDue:
    return sign_in.with_password(email, password, remember_me, browser)


def step_due(**kwargs: bool) -> SecondStepDue:
    """The password is right, and the second step is due."""
    outcome = enter_password(**kwargs)  # type: ignore[arg-type]
    assert isinstance(outcome, SecondStepDue)
    return outcome


def send(user: User, way: str = "") -> Reference:
    way = way or f"phone:{user.phones[0].id}"
    return codes.send(user, Purpose.SIGN_IN, None, way, CLIENT)


def complete(
    due: SecondStepDue, reference: Reference, *, remember_browser: bool = False
) -> SignedIn:
    pending = sign_in.find_pending(due.token)
    return sign_in.with_code(pending, reference, code_of(reference), remember_browser, CLIENT)


def session_of(outcome: object) -> LoginSession:
    assert isinstance(outcome, SignedIn), outcome
    found = login_sessions.find(outcome.login)
    assert found is not None
    return found


def count_sessions() -> int:
    end_reading()
    return db.session.scalar(select(func.count()).select_from(LoginSession)) or 0


class TestThePassword:
    def test_it_is_enough_without_two_factor(self, new_user: Callable[..., User]) -> None:
        ann = new_user()
        found = session_of(enter_password())

        assert (found.user_id, found.amr, found.epoch) == (ann.id, "pwd", ann.epoch)
        assert found.second_factor_proved_at is not None
        assert load_user(ann.id).last_sign_in_at is not None

    @pytest.mark.parametrize("email", ["nobody@example.org", "nonsense", "", "a" * 400])
    def test_an_unknown_address_is_refused_like_a_wrong_password(
        self, new_user: Callable[..., User], email: str
    ) -> None:
        new_user()
        with pytest.raises(CredentialsIncorrect) as unknown:
            enter_password(email)
        with pytest.raises(CredentialsIncorrect) as wrong:
            enter_password(password="wrong")

        assert str(unknown.value) == str(wrong.value)
        assert (unknown.value.field, unknown.value.status) == (None, wrong.value.status)

    @pytest.mark.parametrize("email", ["ANN@Example.org", " ann@example.org "])
    def test_the_address_may_be_written_in_any_way(
        self, new_user: Callable[..., User], email: str
    ) -> None:
        new_user()
        session_of(enter_password(email))

    def test_the_same_words_are_the_same_password_on_every_keyboard(
        self, new_user: Callable[..., User]
    ) -> None:
        new_user(password="tr\u00e8s longue vie \u00e0 tous")
        session_of(enter_password(password="tre\u0300s longue vie a\u0300 tous"))

    @pytest.mark.parametrize("password", ["", " " + PASSWORD, PASSWORD + "\n", PASSWORD.upper()])
    def test_nothing_else_is_forgiven(self, new_user: Callable[..., User], password: str) -> None:
        new_user()
        with pytest.raises(CredentialsIncorrect):
            enter_password(password=password)

    def test_an_account_without_one_cannot_sign_in(self) -> None:
        accounts.create("ann@example.org", "", False, None)
        for password in ("", "nobody's password", PASSWORD):
            with pytest.raises(CredentialsIncorrect):
                enter_password(password=password)

    def test_an_unconfirmed_address_is_told_to_its_owner_only(self) -> None:
        make_registration()
        with pytest.raises(EmailUnconfirmed):
            enter_password()
        with pytest.raises(CredentialsIncorrect):
            enter_password(password="wrong")
        assert count_sessions() == 0

    def test_a_disabled_account_is_told_to_its_owner_only(
        self, new_user: Callable[..., User]
    ) -> None:
        accounts.disable(new_user())
        for _ in range(8):
            with pytest.raises(AccountDisabled):
                enter_password()
        with pytest.raises(CredentialsIncorrect):
            enter_password(password="wrong")
        assert count_sessions() == 0

    def test_a_hash_of_earlier_days_is_renewed(self, new_user: Callable[..., User]) -> None:
        ann = new_user()
        earlier = PasswordHasher(time_cost=3, memory_cost=32, parallelism=1).hash(PASSWORD)
        with writing() as session:
            session.execute(update(User).values(password_hash=earlier))
        session_of(enter_password())

        stored = load_user(ann.id).password_hash
        assert stored is not None
        assert f"m={settings().argon2_memory_kib},t={settings().argon2_passes},p=1" in stored
        assert hashing.verify_password(stored, PASSWORD)

    def test_remember_me_is_kept(self, new_user: Callable[..., User]) -> None:
        new_user()
        outcome = enter_password(remember_me=True)
        assert isinstance(outcome, SignedIn)
        assert outcome.remember_me
        assert session_of(outcome).remember_me

    def test_an_administrator_is_not_remembered(self, new_user: Callable[..., User]) -> None:
        new_user(admin=True)
        outcome = enter_password(remember_me=True)
        assert isinstance(outcome, SignedIn)
        assert not outcome.remember_me
        assert not session_of(outcome).remember_me

    def test_no_event_holds_a_password(self, new_user: Callable[..., User]) -> None:
        new_user()
        with pytest.raises(CredentialsIncorrect):
            enter_password(password="a wrong secret")
        session_of(enter_password())

        rows = db.session.scalars(select(Activity)).all()
        kept = " ".join(f"{row.event} {row.details} {row.user_agent}" for row in rows)
        assert "secret" not in kept
        assert PASSWORD not in kept


class TestThePendingSignIn:
    @pytest.fixture
    def ann(self, new_user: Callable[..., User]) -> User:
        return new_user(number=NUMBER, two_factor=True)

    def test_it_is_no_login(self, ann: User) -> None:
        due = step_due()

        assert count_sessions() == 0
        assert login_sessions.find(due.token) is None
        assert load_user(ann.id).last_sign_in_at is None

    def test_it_lives_twenty_minutes(self, ann: User, clock: time_machine.Traveller) -> None:
        due = step_due()
        clock.shift(1199)
        assert sign_in.find_pending(due.token).user_id == ann.id

        clock.shift(1)
        with pytest.raises(PendingSignInOver):
            sign_in.find_pending(due.token)

    def test_it_may_end_while_the_code_is_typed(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        due = step_due()
        pending = sign_in.find_pending(due.token)
        clock.shift(1199)
        reference = send(ann)
        clock.shift(1)

        with pytest.raises(PendingSignInOver):
            sign_in.with_code(pending, reference, code_of(reference), False, CLIENT)
        assert count_sessions() == 0

    @pytest.mark.parametrize("change", ["credential", "epoch", "disabled", "two factor reset"])
    def test_every_change_ends_it(self, ann: User, change: str) -> None:
        due = step_due()
        if change == "disabled":
            accounts.disable(ann)
        elif change == "two factor reset":
            accounts.reset_two_factor(ann)
        else:
            with writing() as session:
                if change == "credential":
                    credentials.changed(session, ann)
                else:
                    session.execute(update(User).values(epoch=User.epoch + 1))

        with pytest.raises(PendingSignInOver):
            sign_in.find_pending(due.token)

    @pytest.mark.parametrize("token", ["", "x", "\x00", "ä"])
    def test_none_can_be_made_up(self, ann: User, token: str) -> None:
        step_due()
        with pytest.raises(PendingSignInOver):
            sign_in.find_pending(token)

    def test_its_token_stands_nowhere(self, ann: User) -> None:
        due = step_due()
        row = db.session.scalars(select(PendingSignIn)).one()
        assert due.token not in {row.token_digest, str(row.id)}

    @pytest.mark.settings(GATEPOST_REQUIRE_TWO_FACTOR="yes")
    def test_a_portal_may_require_it_of_everyone(self, new_user: Callable[..., User]) -> None:
        new_user()
        step_due()


class TestTheSecondStep:
    @pytest.fixture
    def ann(self, new_user: Callable[..., User]) -> User:
        return new_user(number=NUMBER, two_factor=True)

    @pytest.mark.parametrize(("way", "amr"), [("", "pwd sms mfa"), ("email", "pwd otp mfa")])
    def test_the_right_code_signs_in(self, ann: User, way: str, amr: str) -> None:
        found = session_of(complete(step_due(), send(ann, way)))

        assert (found.user_id, found.amr) == (ann.id, amr)
        assert found.second_factor_proved_at is not None

    def test_a_wrong_code_does_not(self, ann: User) -> None:
        pending = sign_in.find_pending(step_due().token)
        reference = send(ann)
        with pytest.raises(Exception, match="not right"):
            sign_in.with_code(pending, reference, wrong_code(reference), False, CLIENT)
        with pytest.raises(NothingSent):
            sign_in.with_code(pending, None, "123456", False, CLIENT)

        assert count_sessions() == 0

    def test_another_person_s_code_does_not(self, ann: User, new_user: Callable[..., User]) -> None:
        bob = new_user("bob@example.org", number="+12015550188", two_factor=True)
        reference = send(bob)
        with pytest.raises(ChallengeClosed):
            complete(step_due(), reference)

    def test_the_second_click_finds_it_done(self, ann: User) -> None:
        due, reference = step_due(), send(ann)
        pending = sign_in.find_pending(due.token)
        code = code_of(reference)
        sign_in.with_code(pending, reference, code, False, CLIENT)

        with pytest.raises(ChallengeConsumed):
            sign_in.with_code(pending, reference, code, False, CLIENT)
        with pytest.raises(ChallengeConsumed):
            sign_in.find_pending(due.token)
        assert count_sessions() == 1

    def test_remember_me_waits_for_it(self, ann: User) -> None:
        outcome = complete(step_due(remember_me=True), send(ann))

        assert outcome.remember_me
        assert session_of(outcome).remember_me

    def test_the_browser_is_known_only_after_it(self, ann: User) -> None:
        outcome = complete(step_due(), send(ann))

        assert browsers.known_lane(load_user(ann.id), outcome.known)
        assert outcome.remembered == ""

    def test_of_twenty_at_once_one_signs_in(self, app: Flask, ann: User) -> None:
        due, reference = step_due(), send(ann)
        end_reading()
        outcomes = run_together(app, 20, lambda _: complete(due, reference))

        assert count_of(SignedIn, outcomes) == 1, outcomes
        assert count_sessions() == 1


class TestAStolenMailbox:
    """After a reset by mail, email is no second step until another way was used."""

    def bar(self, user: User) -> None:
        with writing() as session:
            session.execute(update(User).values(email_way_barred_at=user.created_at))

    def test_email_is_offered_again_after_a_text(self, new_user: Callable[..., User]) -> None:
        ann = new_user(number=NUMBER, two_factor=True)
        self.bar(ann)
        with pytest.raises(WayUnavailable):
            send(load_user(ann.id), "email")
        complete(step_due(), send(load_user(ann.id)))

        send(load_user(ann.id), "email")

    def test_who_has_no_other_way_is_not_locked_out(self, new_user: Callable[..., User]) -> None:
        ann = new_user(two_factor=True)
        self.bar(ann)
        complete(step_due(), send(load_user(ann.id), "email"))

        assert load_user(ann.id).email_way_barred_at is not None


class TestRememberedBrowsers:
    @pytest.fixture
    def ann(self, new_user: Callable[..., User]) -> User:
        return new_user(number=NUMBER, two_factor=True)

    def remember(self, user: User) -> Browser:
        outcome = complete(step_due(), send(user), remember_browser=True)
        assert outcome.remembered
        return Browser(CLIENT, remembered=outcome.remembered)

    def test_it_skips_the_second_step_for_14_days(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        browser = self.remember(ann)
        clock.shift(14 * DAY - 1)
        found = session_of(enter_password(browser=browser))
        assert found.amr == "pwd"
        assert found.second_factor_proved_at is None, "it stood in for the password only"

        clock.shift(1)
        assert isinstance(enter_password(browser=browser), SecondStepDue)

    def test_using_it_does_not_lengthen_its_life(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        browser = self.remember(ann)
        for _ in range(13):
            clock.shift(DAY)
            session_of(enter_password(browser=browser))
        clock.shift(DAY)

        assert isinstance(enter_password(browser=browser), SecondStepDue)

    def test_it_does_not_skip_the_password(self, ann: User) -> None:
        browser = self.remember(ann)
        with pytest.raises(CredentialsIncorrect):
            enter_password(password="wrong", browser=browser)

    def test_it_is_its_own_person_s_only(self, ann: User, new_user: Callable[..., User]) -> None:
        browser = self.remember(ann)
        new_user("bob@example.org", two_factor=True)

        assert isinstance(enter_password("bob@example.org", browser=browser), SecondStepDue)

    def test_a_change_of_a_credential_ends_it(self, ann: User) -> None:
        browser = self.remember(ann)
        with writing() as session:
            credentials.changed(session, ann)

        assert isinstance(enter_password(browser=browser), SecondStepDue)

    def test_forgetting_ends_it(self, ann: User) -> None:
        browser, other = self.remember(ann), self.remember(ann)
        _newest, oldest = browsers.list_remembered(ann)
        browsers.forget(ann, oldest.id, NOBODY)
        assert isinstance(enter_password(browser=browser), SecondStepDue)
        session_of(enter_password(browser=other))

        browsers.forget_all(ann, NOBODY)
        assert isinstance(enter_password(browser=other), SecondStepDue)

    def test_an_administrator_s_is_not_remembered(self, new_user: Callable[..., User]) -> None:
        admin = new_user(number=NUMBER, two_factor=True, admin=True)
        assert complete(step_due(), send(admin), remember_browser=True).remembered == ""

    def test_who_becomes_an_administrator_must_take_the_second_step(self, ann: User) -> None:
        browser = self.remember(ann)
        with writing() as session:
            session.execute(update(User).values(is_admin=True))

        assert isinstance(enter_password(browser=browser), SecondStepDue)


def test_many_sign_ins_at_once_all_succeed(app: Flask) -> None:
    people = [make_person(f"person{index}@example.org") for index in range(10)]
    end_reading()
    outcomes = run_together(app, 10, lambda index: enter_password(people[index].email))

    assert count_of(SignedIn, outcomes) == 10, outcomes


def test_a_code_to_confirm_identity_signs_nobody_in(new_user: Callable[..., User]) -> None:
    ann = new_user(number=NUMBER, two_factor=True)
    reference = codes.send(ann, Purpose.CONFIRM_IDENTITY, None, "email", CLIENT)
    with pytest.raises(ChallengeClosed):
        complete(step_due(), reference)

    check(ann, reference, code_of(reference), Purpose.CONFIRM_IDENTITY)

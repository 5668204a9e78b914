"""Changing a password, and resetting it by a link that works once, for thirty minutes."""

import re
import unicodedata
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from extensions import db, end_reading, settings
from models import Message, User
from services import (
    accounts,
    browsers,
    hashing,
    login_sessions,
    passwords,
    registration,
    sign_in,
    ways,
)
from services.audit import Client
from services.errors import (
    CredentialsIncorrect,
    CurrentPasswordIncorrect,
    LinkInvalid,
    PasswordUnsuitable,
    TooManyTries,
)
from services.sign_in import Browser, SecondStepDue, SignedIn
from tests.messages import messages_to
from tests.outbox import Outbox
from tests.people import (
    CLIENT,
    NUMBER,
    PASSWORD,
    load_user,
    make_registration,
    open_session,
)
from tests.threads import count_of, run_together

NEW = "seven wooden giraffes dancing"
HOUR = 3600
DAY = 86400
BROWSER = Browser(CLIENT)

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user()


def token_in(link: str) -> str:
    return link.rsplit("/", 1)[-1]


def ask(outbox: Outbox, email: str = "ann@example.org") -> str:
    """Ask for a reset mail; returns the token of its link."""
    passwords.request_reset(email, CLIENT)
    return token_in(outbox.link("ann@example.org"))


def queued_resets() -> int:
    end_reading()
    query = select(func.count()).where(Message.kind == "reset_password")
    return db.session.scalar(query) or 0


def reset(token: str, password: str = NEW) -> None:
    passwords.reset(token, password, CLIENT)


def sign_in_with(password: str, email: str = "ann@example.org") -> object:
    return sign_in.with_password(email, password, False, BROWSER)


class TestChanging:
    def test_the_new_one_counts_and_the_old_one_no_longer_does(self, ann: User) -> None:
        passwords.change(open_session(ann), PASSWORD, NEW, CLIENT)

        assert isinstance(sign_in_with(NEW), SignedIn)
        with pytest.raises(CredentialsIncorrect):
            sign_in_with(PASSWORD)

    def test_all_else_ends_and_the_person_is_told(self, ann: User) -> None:
        acting, elsewhere = open_session(ann), open_session(ann)
        token = passwords.change(acting, PASSWORD, NEW, CLIENT)

        (live,) = login_sessions.list_live(load_user(ann.id))
        assert live == login_sessions.find(token)
        assert live.id != elsewhere.id
        assert len(messages_to(ann.email, "password_changed")) == 1

    def test_the_old_one_must_be_right(self, ann: User) -> None:
        with pytest.raises(CurrentPasswordIncorrect) as caught:
            passwords.change(open_session(ann), "wrong", NEW, CLIENT)

        assert caught.value.field == "current_password"
        assert isinstance(sign_in_with(PASSWORD), SignedIn)

    @pytest.mark.parametrize("password", ["short", "ann@example.org", "aaaaaaaaaaaaaaaaaaaa"])
    def test_the_new_one_must_be_suitable(self, ann: User, password: str) -> None:
        with pytest.raises(PasswordUnsuitable):
            passwords.change(open_session(ann), PASSWORD, password, CLIENT)

    @pytest.mark.parametrize("form", ["NFC", "NFD"])
    def test_the_new_one_must_be_another(self, new_user: Callable[..., User], form: str) -> None:
        old = "très longue vie à tous"
        ann = new_user(password=old)
        with pytest.raises(PasswordUnsuitable) as caught:
            passwords.change(open_session(ann), old, unicodedata.normalize(form, old), CLIENT)

        assert "already" in str(caught.value)
        with pytest.raises(CurrentPasswordIncorrect):
            passwords.change(open_session(ann), "wrong words", "wrong words of mine", CLIENT)

    def test_browsers_known_by_the_old_one_are_strangers_again(self, ann: User) -> None:
        cookie = browsers.make_known(ann)
        assert browsers.known_lane(load_user(ann.id), cookie)
        passwords.change(open_session(ann), PASSWORD, NEW, CLIENT)

        assert not browsers.known_lane(load_user(ann.id), cookie)

    def test_a_reset_link_ends_with_it(self, ann: User, outbox: Outbox) -> None:
        token = ask(outbox)
        passwords.change(open_session(load_user(ann.id)), PASSWORD, NEW, CLIENT)

        with pytest.raises(LinkInvalid):
            reset(token, "another one that nobody guesses")


class TestAskingForALink:
    @pytest.mark.parametrize("email", ["ann@example.org", "nobody@example.org"])
    def test_the_same_is_done_for_everyone(
        self, ann: User, email: str, clock: time_machine.Traveller
    ) -> None:
        for _ in range(3):
            passwords.request_reset(email, CLIENT)
        with pytest.raises(TooManyTries):
            passwords.request_reset(email, CLIENT)

        assert queued_resets() == 3

    def test_three_in_an_hour_and_five_in_a_day(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        def ask(email: str = "ann@example.org") -> None:
            passwords.request_reset(email, CLIENT)

        for email in ("ann@example.org", "ANN@example.org", " ann@EXAMPLE.org"):
            ask(email)
        with pytest.raises(TooManyTries) as caught:
            ask("Ann@example.org")
        assert caught.value.retry_after in {HOUR, HOUR + 1}
        clock.shift(HOUR - 1)
        with pytest.raises(TooManyTries):
            ask()
        clock.shift(1)
        ask()
        ask()
        with pytest.raises(TooManyTries) as caught:
            ask()
        assert caught.value.rule == "resets_day"
        clock.shift(DAY - HOUR - 1)
        with pytest.raises(TooManyTries):
            ask()

        clock.shift(1)
        ask()

    def test_strangers_cannot_use_up_the_owner_s_links(
        self, ann: User, outbox: Outbox, clock: time_machine.Traveller
    ) -> None:
        """Whoever asks from wherever: the newest mail's link is live, or another mail comes."""
        for minute in range(0, 24 * 60, 10):
            passwords.request_reset(ann.email, Client(f"203.0.113.{minute % 251}"))
            link = token_in(outbox.link(ann.email))
            assert passwords.find_reset_link(link)
            clock.shift(600)

        mails = outbox.messages("mail", ann.email)
        assert 48 <= len(mails) <= 48 + 5, "one each half hour, and those of every day"
        reset(ask(outbox))

    @pytest.mark.settings(GATEPOST_LINK_MAILS_PER_ADDRESS_PER_HOUR="4")
    def test_one_sender_asks_for_so_many_whoever_they_are_for(
        self, clock: time_machine.Traveller
    ) -> None:
        stranger = Client("2001:db8:1:2::1")
        for index in range(2):
            passwords.request_reset(f"person{index}@example.org", stranger)
            registration.request_confirmation(f"person{index}@example.org", stranger)
        neighbour = Client("2001:db8:1:2::2")
        for ask in (passwords.request_reset, registration.request_confirmation):
            with pytest.raises(TooManyTries) as caught:
                ask("ann@example.org", neighbour)
            assert caught.value.rule == "link_mails"
            ask("ann@example.org", CLIENT)

        clock.shift(HOUR)
        passwords.request_reset("ann@example.org", stranger)

    def test_the_mail_goes_to_the_stored_address_only(self, ann: User, outbox: Outbox) -> None:
        passwords.request_reset("ANN@EXAMPLE.ORG", CLIENT)
        passwords.request_reset("nobody@example.org", CLIENT)

        assert [mail["to"] for mail in outbox.messages("mail")] == [ann.email]

    def test_an_unconfirmed_or_disabled_account_gets_none(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        make_registration("new@example.org")
        accounts.disable(new_user("gone@example.org"))
        for email in ("new@example.org", "gone@example.org"):
            passwords.request_reset(email, CLIENT)

        mails = [mail["text"] for mail in outbox.messages("mail")]
        assert not any(re.search(r"/reset-password/\S", text) for text in mails)

    def test_outsiders_cannot_keep_the_owner_from_it(
        self, ann: User, outbox: Outbox, clock: time_machine.Traveller
    ) -> None:
        for _ in range(5):
            with pytest.raises(CredentialsIncorrect):
                sign_in_with("wrong")
        with pytest.raises(TooManyTries):
            sign_in_with(PASSWORD)

        reset(ask(outbox))


class TestTheLink:
    def test_it_works_once_and_never_signs_in(self, ann: User, outbox: Outbox) -> None:
        token = ask(outbox)
        reset(token)

        assert login_sessions.list_live(load_user(ann.id)) == []
        assert isinstance(sign_in_with(NEW), SignedIn)
        with pytest.raises(LinkInvalid):
            reset(token, PASSWORD)
        with pytest.raises(LinkInvalid):
            passwords.find_reset_link(token)

    def test_looking_at_it_does_not_use_it_up(self, ann: User, outbox: Outbox) -> None:
        token = ask(outbox)
        for _ in range(3):
            passwords.find_reset_link(token)
        reset(token)

    def test_it_lives_thirty_minutes(
        self, ann: User, outbox: Outbox, clock: time_machine.Traveller
    ) -> None:
        token = ask(outbox)
        clock.shift(1799)
        passwords.find_reset_link(token)
        clock.shift(1)
        with pytest.raises(LinkInvalid):
            passwords.find_reset_link(token)
        with pytest.raises(LinkInvalid):
            reset(token)

    @pytest.mark.settings(GATEPOST_RESET_SECONDS="60")
    def test_its_life_is_a_setting(
        self, ann: User, outbox: Outbox, clock: time_machine.Traveller
    ) -> None:
        token = ask(outbox)
        clock.shift(60)
        with pytest.raises(LinkInvalid):
            reset(token)

    def test_using_one_ends_its_siblings(self, ann: User, outbox: Outbox) -> None:
        first, second = ask(outbox), ask(outbox)
        assert first != second
        reset(second)

        with pytest.raises(LinkInvalid):
            reset(first)

    def test_an_unsuitable_password_leaves_it_good(self, ann: User, outbox: Outbox) -> None:
        token = ask(outbox)
        with pytest.raises(PasswordUnsuitable):
            reset(token, "short")
        reset(token)

    def test_disabling_the_account_ends_it(self, ann: User, outbox: Outbox) -> None:
        token = ask(outbox)
        accounts.disable(load_user(ann.id))
        with pytest.raises(LinkInvalid):
            reset(token)

    @pytest.mark.parametrize("token", ["", "x", "IiI.x", "\x00", "ä"])
    def test_none_can_be_made_up(self, token: str) -> None:
        with pytest.raises(LinkInvalid):
            reset(token)

    def test_all_sessions_end_and_the_person_is_told(self, ann: User, outbox: Outbox) -> None:
        open_session(ann)
        reset(ask(outbox))

        assert login_sessions.list_live(load_user(ann.id)) == []
        assert len(messages_to(ann.email, "password_changed")) == 1

    def test_it_never_skips_the_second_step(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        ann = new_user(number=NUMBER, two_factor=True)
        reset(ask(outbox))

        assert isinstance(sign_in_with(NEW), SecondStepDue)
        user = load_user(ann.id)
        assert user.two_factor_enabled
        assert [way.channel for way in ways.usable(db.session(), user)] == ["sms"]

    def test_a_link_that_an_administrator_made_bars_no_email(self) -> None:
        link = accounts.create("ann@example.org", "", False, None)
        reset(token_in(link))

        assert load_user(1).email_way_barred_at is None
        assert isinstance(sign_in_with(NEW), SignedIn)

    def test_that_one_lives_seven_days(self, clock: time_machine.Traveller) -> None:
        tokens = [
            token_in(accounts.create(f"{name}@example.org", "", False, None))
            for name in ("ann", "bob")
        ]
        clock.shift(7 * DAY - 1)
        reset(tokens[0])

        clock.shift(1)
        with pytest.raises(LinkInvalid):
            reset(tokens[1])

    def test_of_twenty_at_once_one_chooses_the_password(
        self, app: Flask, ann: User, outbox: Outbox
    ) -> None:
        token = ask(outbox)
        end_reading()
        outcomes = run_together(app, 20, lambda index: reset(token, f"{NEW} number {index}"))

        assert count_of(type(None), outcomes) == 1, outcomes
        assert count_of(LinkInvalid, outcomes) == 19
        winner = outcomes.index(None)
        load_user(ann.id)
        assert isinstance(sign_in_with(f"{NEW} number {winner}"), SignedIn)


def test_a_password_is_kept_as_argon2id_with_the_parameters_of_the_settings(ann: User) -> None:
    passwords.change(open_session(ann), PASSWORD, NEW, CLIENT)

    stored = load_user(ann.id).password_hash
    assert stored is not None
    memory, passes = settings().argon2_memory_kib, settings().argon2_passes
    assert stored.startswith(f"$argon2id$v=19$m={memory},t={passes},p=1$")
    assert not hashing.verify_password(stored, PASSWORD)

"""Making an account: the same for known and unknown addresses, and nothing before its proof."""

import re
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from extensions import db, end_reading, writing
from models import Message, User
from services import accounts, credentials, links, login_sessions, registration, sign_in
from services.audit import Client
from services.emails import canonicalize
from services.errors import (
    CredentialsIncorrect,
    EmailInvalid,
    EmailUnconfirmed,
    LinkInvalid,
    PasswordUnsuitable,
    RegistrationClosed,
    SetupTokenIncorrect,
    TooManyTries,
)
from services.sign_in import Browser, SignedIn
from tests.messages import messages_to
from tests.outbox import Outbox
from tests.people import CLIENT, PASSWORD, load_user, open_session
from tests.threads import count_of, run_together

OTHER = "seven wooden giraffes dancing"
HOUR = 3600
DAY = 86400

pytestmark = pytest.mark.usefixtures("context")


def register(
    email: str = "ann@example.org",
    password: str = PASSWORD,
    name: str = "Ann",
    invitation: str = "",
    client: Client = CLIENT,
) -> None:
    registration.register(email, password, name, invitation, client)


def confirm(token: str) -> str:
    return registration.confirm_email(token, None, CLIENT)


def sign_in_with(password: str, email: str = "ann@example.org") -> object:
    return sign_in.with_password(email, password, False, Browser(CLIENT))


def link_tokens(outbox: Outbox, email: str = "ann@example.org") -> list[str]:
    """The tokens of every confirmation link that was mailed, the oldest first."""
    mails = [mail["text"] for mail in outbox.messages("mail", email)]
    return [token for text in mails for token in re.findall(r"/confirm-email/(\S+)", text)]


def find(email: str = "ann@example.org") -> User | None:
    end_reading()
    return db.session.scalar(
        select(User)
        .where(User.email_canonical == canonicalize(email))
        .execution_options(populate_existing=True)
    )


def queued(kind: str) -> int:
    end_reading()
    return db.session.scalar(select(func.count()).where(Message.kind == kind)) or 0


class TestRegistering:
    def test_the_link_in_the_mail_confirms_the_address(self, outbox: Outbox) -> None:
        register()
        with pytest.raises(EmailUnconfirmed):
            sign_in_with(PASSWORD)
        (token,) = link_tokens(outbox)
        assert confirm(token) == ""

        user = find()
        assert user is not None
        assert (user.name, user.is_admin, user.two_factor_enabled) == ("Ann", False, False)
        assert login_sessions.list_live(user) == [], "confirming never signs in"
        assert isinstance(sign_in_with(PASSWORD), SignedIn)

    def test_a_known_address_gets_a_mail_and_keeps_its_password(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        new_user()
        register("ANN@example.org", OTHER, "Mallory")

        (mail,) = outbox.messages("mail", "ann@example.org")
        assert "/confirm-email/" not in mail["text"]
        assert "/reset-password" in mail["text"]
        user = find()
        assert user is not None
        assert user.name == ""
        with pytest.raises(CredentialsIncorrect):
            sign_in_with(OTHER)

    def test_the_mail_goes_to_the_stored_address_only(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        new_user("stra\u00dfe@example.org")
        register("STRASSE@example.org", OTHER)

        assert [mail["to"] for mail in outbox.messages("mail")] == ["stra\u00dfe@example.org"]

    def test_again_with_an_unproved_address_kills_the_earlier_password_and_links(
        self, outbox: Outbox
    ) -> None:
        register(password=OTHER, name="Mallory")
        (first,) = link_tokens(outbox)
        register()
        with pytest.raises(LinkInvalid):
            confirm(first)
        confirm(link_tokens(outbox)[-1])

        user = find()
        assert user is not None
        assert user.name == "Ann"
        assert isinstance(sign_in_with(PASSWORD), SignedIn)
        with pytest.raises(CredentialsIncorrect):
            sign_in_with(OTHER)

    def test_a_disabled_account_is_not_started_over(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        accounts.disable(new_user(confirmed=False))
        register(password=OTHER)

        with pytest.raises(CredentialsIncorrect):
            sign_in_with(OTHER)
        assert link_tokens(outbox) == []

    @pytest.mark.parametrize(
        ("email", "password", "refusal"),
        [
            ("nonsense", PASSWORD, EmailInvalid),
            ("ann@example.org", "short", PasswordUnsuitable),
            ("ann@example.org", "ann@example.org", PasswordUnsuitable),
        ],
    )
    def test_what_is_unsuitable_makes_nothing(
        self, email: str, password: str, refusal: type[Exception]
    ) -> None:
        with pytest.raises(refusal):
            register(email, password)
        assert find() is None
        assert queued("confirm_email") == 0

    def test_thirty_an_hour_from_one_address(self, clock: time_machine.Traveller) -> None:
        sender = Client("2001:db8:1:2::1")
        for index in range(30):
            register(f"person{index}@example.org", client=sender)
        register("elsewhere@example.org", client=Client("2001:db8:1:3::1"))
        with pytest.raises(TooManyTries) as caught:
            register(client=Client("2001:db8:1:2::2"))
        assert caught.value.retry_after in {HOUR, HOUR + 1}
        clock.shift(HOUR - 1)
        with pytest.raises(TooManyTries):
            register(client=sender)
        assert find() is None

        clock.shift(1)
        register(client=sender)

    def test_of_twenty_at_once_one_account_comes(self, app: Flask) -> None:
        end_reading()
        outcomes = run_together(
            app, 20, lambda index: register("ANN@example.org" if index % 2 else "ann@example.org")
        )

        assert count_of(type(None), outcomes) == 20, outcomes
        assert db.session.scalar(select(func.count()).select_from(User)) == 1


class TestTheConfirmationLink:
    @pytest.fixture
    def token(self, outbox: Outbox, clock: time_machine.Traveller) -> str:
        register()
        return link_tokens(outbox)[0]

    def test_it_lives_24_hours(self, token: str, clock: time_machine.Traveller) -> None:
        clock.shift(DAY)
        with pytest.raises(LinkInvalid):
            confirm(token)

    def test_to_their_last_second(self, token: str, clock: time_machine.Traveller) -> None:
        clock.shift(DAY - 1)
        confirm(token)

    def test_it_works_once(self, token: str) -> None:
        confirm(token)
        with pytest.raises(LinkInvalid):
            confirm(token)

    def test_of_twenty_at_once_one_works(self, app: Flask, token: str) -> None:
        end_reading()
        outcomes = run_together(app, 20, lambda _: confirm(token))

        assert count_of(str, outcomes) == 1, outcomes
        assert count_of(LinkInvalid, outcomes) == 19

    def test_another_can_be_asked_for_three_times_an_hour(
        self, token: str, clock: time_machine.Traveller, outbox: Outbox
    ) -> None:
        for email in ("ann@example.org", "ANN@example.org", "Ann@EXAMPLE.org"):
            registration.request_confirmation(email)
        with pytest.raises(TooManyTries) as caught:
            registration.request_confirmation("aNN@example.org")
        assert caught.value.retry_after in {HOUR, HOUR + 1}
        assert len(link_tokens(outbox)) == 4
        clock.shift(HOUR - 1)
        with pytest.raises(TooManyTries):
            registration.request_confirmation("ann@example.org")

        clock.shift(1)
        registration.request_confirmation("ann@example.org")

    def test_using_one_ends_its_siblings(self, token: str, outbox: Outbox) -> None:
        registration.request_confirmation("ann@example.org")
        confirm(link_tokens(outbox)[1])

        with pytest.raises(LinkInvalid):
            confirm(token)

    def test_nobody_else_gets_one(self, new_user: Callable[..., User], outbox: Outbox) -> None:
        new_user("done@example.org")
        for email in ("done@example.org", "nobody@example.org"):
            registration.request_confirmation(email)

        assert queued("confirm_email") == 2, "the same is done for all"
        assert outbox.messages("mail") == []


class TestInvitations:
    def invite(self, email: str = "ann@example.org") -> str:
        return accounts.invite(email).partition("invitation=")[2]

    @pytest.mark.settings(GATEPOST_REGISTRATION="invite")
    def test_the_invited_address_is_confirmed_at_once(self) -> None:
        invitation = self.invite()
        assert registration.find_invitation(invitation).email == "ann@example.org"
        with pytest.raises(RegistrationClosed):
            register()
        register(invitation=invitation)

        assert isinstance(sign_in_with(PASSWORD), SignedIn)
        with pytest.raises(LinkInvalid):
            register(invitation=invitation)

    @pytest.mark.settings(GATEPOST_REGISTRATION="invite")
    def test_it_is_for_its_own_address_whatever_the_form_says(self) -> None:
        register("mallory@example.org", invitation=self.invite())

        assert find("mallory@example.org") is None
        assert find() is not None

    @pytest.mark.settings(GATEPOST_REGISTRATION="invite")
    def test_it_lives_seven_days(self, clock: time_machine.Traveller) -> None:
        first, second = self.invite(), self.invite("bob@example.org")
        clock.shift(7 * DAY - 1)
        register(invitation=first)

        clock.shift(1)
        with pytest.raises(LinkInvalid):
            register("bob@example.org", invitation=second)

    @pytest.mark.settings(GATEPOST_REGISTRATION="invite")
    def test_of_twenty_at_once_one_is_used(self, app: Flask) -> None:
        invitation = self.invite()
        end_reading()
        outcomes = run_together(app, 20, lambda _: register(invitation=invitation))

        assert count_of(type(None), outcomes) == 1, outcomes
        assert count_of(LinkInvalid, outcomes) == 19

    @pytest.mark.settings(GATEPOST_REGISTRATION="closed")
    def test_a_closed_portal_takes_none(self) -> None:
        invitation = self.invite()
        for given in ("", invitation):
            with pytest.raises(RegistrationClosed):
                register(invitation=given)

    @pytest.mark.settings(GATEPOST_REGISTRATION="invite")
    @pytest.mark.parametrize("invitation", ["x", "IiI.x", "\x00", "ä"])
    def test_none_can_be_made_up(self, invitation: str) -> None:
        with pytest.raises(LinkInvalid):
            register(invitation=invitation)


class TestChangingTheAddress:
    NEW = "ann@example.net"

    def ask(self, user: User, outbox: Outbox, email: str = NEW) -> str:
        registration.request_email_change(user, email, CLIENT)
        return link_tokens(outbox, email)[-1]

    def test_the_old_one_counts_until_the_new_one_is_proved(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        ann = new_user()
        token = self.ask(ann, outbox)
        assert load_user(ann.id).email == "ann@example.org"
        acting, elsewhere = open_session(ann), open_session(ann)
        renewed = registration.confirm_email(token, acting, CLIENT)

        user = load_user(ann.id)
        assert (user.email, user.email_canonical) == (self.NEW, self.NEW)
        (live,) = login_sessions.list_live(user)
        assert live == login_sessions.find(renewed)
        assert live.id != elsewhere.id
        for to in ("ann@example.org", self.NEW):
            assert len(messages_to(to, "email_changed")) == 1

    def test_the_old_address_hears_of_the_wish(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        registration.request_email_change(new_user(), self.NEW, CLIENT)
        (notice,) = messages_to("ann@example.org", "email_change_asked")

        assert notice["new_masked"] == "a••@example.net"

    def test_nobody_learns_that_an_address_is_another_s(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        ann = new_user()
        new_user("bob@example.org")
        registration.request_email_change(ann, "BOB@example.org", CLIENT)

        assert outbox.messages("mail", "bob@example.org") == []
        assert len(outbox.messages("mail", "ann@example.org")) == 1

    def test_an_address_that_was_taken_meanwhile_stays_the_other_s(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        ann = new_user()
        token = self.ask(ann, outbox)
        new_user(self.NEW)
        with pytest.raises(LinkInvalid):
            confirm(token)

        assert load_user(ann.id).email == "ann@example.org"

    def test_a_change_of_a_credential_ends_the_link(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        ann = new_user()
        token = self.ask(ann, outbox)
        with writing() as session:
            credentials.changed(session, ann)

        with pytest.raises(LinkInvalid):
            confirm(token)

    def test_another_person_s_session_is_not_renewed_by_it(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        token = self.ask(new_user(), outbox)
        bobs = open_session(new_user("bob@example.org"))

        assert registration.confirm_email(token, bobs, CLIENT) == ""
        assert load_user(bobs.user_id).email == "bob@example.org"

    def test_three_an_hour(
        self, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        ann = new_user()
        for index in range(3):
            registration.request_email_change(ann, f"new{index}@example.org", CLIENT)
        with pytest.raises(TooManyTries):
            registration.request_email_change(ann, self.NEW, CLIENT)


class TestTheFirstAccount:
    def set_up(self, token: str | None = None, email: str = "ann@example.org") -> None:
        token = registration.setup_token() if token is None else token
        registration.set_up(token, email, PASSWORD, "Ann", CLIENT)

    def test_it_is_a_confirmed_administrator_s(self) -> None:
        assert registration.is_empty()
        self.set_up()

        user = find()
        assert user is not None
        assert user.is_admin
        assert not registration.is_empty()
        assert isinstance(sign_in_with(PASSWORD), SignedIn)

    def test_it_is_made_once(self) -> None:
        self.set_up()
        with pytest.raises(LinkInvalid):
            self.set_up(email="mallory@example.org")

    def test_not_where_there_is_an_account(self, new_user: Callable[..., User]) -> None:
        new_user("bob@example.org")
        with pytest.raises(LinkInvalid):
            self.set_up()

    @pytest.mark.parametrize("token", ["", "x", "0" * 32, "ä"])
    def test_not_without_the_token(self, token: str) -> None:
        with pytest.raises(SetupTokenIncorrect):
            self.set_up(token)
        assert registration.is_empty()

    def test_of_twenty_at_once_one_is_made(self, app: Flask) -> None:
        end_reading()
        outcomes = run_together(
            app, 20, lambda index: self.set_up(email=f"person{index}@example.org")
        )

        assert count_of(type(None), outcomes) == 1, outcomes
        assert count_of(LinkInvalid, outcomes) == 19
        assert db.session.scalar(select(func.count()).select_from(User)) == 1


def test_a_link_s_token_stands_nowhere(outbox: Outbox) -> None:
    register()
    (token,) = link_tokens(outbox)
    link = links.find(db.session(), token, links.Purpose.CONFIRM_EMAIL)

    assert token not in {str(value) for value in vars(link).values()}

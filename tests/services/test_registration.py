"""Making an account: the same for known and unknown addresses, and nothing before its proof."""

import re
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from extensions import db, end_reading
from models import Message, Registration, User
from services import (
    accounts,
    links,
    login_sessions,
    passwords,
    registration,
    sign_in,
)
from services.audit import Client
from services.emails import canonicalize
from services.errors import (
    CredentialsIncorrect,
    EmailInvalid,
    EmailUnconfirmed,
    LinkInvalid,
    PasswordUnsuitable,
    RegistrationClosed,
    TooManyTries,
)
from services.registration import Confirmed
from services.sign_in import Browser, SignedIn
from tests.outbox import Outbox
from tests.people import CLIENT, PASSWORD
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
    held: str = "",
) -> str:
    """Register; returns what the registering browser holds from then on."""
    return registration.register(email, password, name, invitation, held, client)


def confirm(token: str, held: str = "") -> Confirmed:
    return registration.confirm_email(token, held, None, CLIENT)


def ask_again(email: str = "ann@example.org") -> None:
    registration.request_confirmation(email, CLIENT)


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


def sender(number: int) -> Client:
    return Client(f"192.0.2.{number}")


def queued(kind: str) -> int:
    end_reading()
    return db.session.scalar(select(func.count()).where(Message.kind == kind)) or 0


class TestRegistering:
    def test_the_link_in_the_mail_confirms_the_address(self, outbox: Outbox) -> None:
        register()
        with pytest.raises(EmailUnconfirmed):
            sign_in_with(PASSWORD)
        assert find() is None
        (token,) = link_tokens(outbox)
        assert confirm(token) == Confirmed()

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
        with pytest.raises(EmailUnconfirmed):
            sign_in_with(OTHER)

    def test_the_mail_goes_to_the_stored_address_only(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        new_user("stra\u00dfe@example.org")
        register("STRASSE@example.org", OTHER)

        assert [mail["to"] for mail in outbox.messages("mail")] == ["stra\u00dfe@example.org"]

    @pytest.mark.parametrize(
        "words",
        [
            pytest.param(words, marks=pytest.mark.settings(GATEPOST_CONFIRMATION_SECONDS=seconds))
            for seconds, words in [
                ("1800", "30 minutes"),
                ("5400", "90 minutes"),
                ("9000", "2 hours"),
                ("86400", "24 hours"),
            ]
        ],
    )
    def test_the_mail_says_for_how_long_its_link_works(self, outbox: Outbox, words: str) -> None:
        register()
        (mail,) = outbox.messages("mail", "ann@example.org")
        assert f"The link works once, for {words}." in mail["text"]

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

    @pytest.mark.settings(GATEPOST_REGISTRATIONS_PER_ADDRESS_PER_HOUR="1")
    def test_whom_the_limit_refuses_costs_no_estimate(self) -> None:
        register()

        with pytest.raises(TooManyTries):  # and not what would be said of this password
            register("bob@example.org", "ann@example.org")

    @pytest.mark.settings(GATEPOST_REGISTRATIONS_PER_ADDRESS_PER_HOUR="1")
    @pytest.mark.parametrize(
        ("email", "password"), [("nonsense", PASSWORD), ("ann@example.org", "ann@example.org")]
    )
    def test_what_is_unsuitable_is_told_ten_times_as_often(
        self, clock: time_machine.Traveller, email: str, password: str
    ) -> None:
        for _ in range(10):
            with pytest.raises((EmailInvalid, PasswordUnsuitable)):
                register(email, password)
        for typed in ((email, password), ("ann@example.org", PASSWORD)):
            with pytest.raises(TooManyTries):
                register(*typed)
        register(client=Client("198.51.100.7"))

        clock.shift(HOUR)
        register()

    def test_of_twenty_at_once_one_account_comes(self, app: Flask) -> None:
        end_reading()
        outcomes = run_together(
            app, 20, lambda index: register("ANN@example.org" if index % 2 else "ann@example.org")
        )

        assert count_of(str, outcomes) == 20, outcomes
        assert db.session.scalar(select(func.count()).select_from(Registration)) == 1


class TestAnAddressThatSeveralRegister:
    """Nobody but the mailbox's owner says whose password counts."""

    @pytest.mark.parametrize("stranger_comes", ["first", "last"])
    def test_who_confirms_elsewhere_chooses_a_password(
        self, outbox: Outbox, stranger_comes: str
    ) -> None:
        for who in sorted(("Ann", "Mallory"), reverse=stranger_comes == "first"):
            register(password=OTHER if who == "Mallory" else PASSWORD, name=who)
        confirmed = confirm(link_tokens(outbox)[-1])

        user = find()
        assert user is not None
        assert (user.name, user.password_hash) == ("", None)
        for password in (PASSWORD, OTHER):
            with pytest.raises(CredentialsIncorrect):
                sign_in_with(password)
        passwords.reset(confirmed.choose_password.rpartition("/")[2], "my very own words", CLIENT)
        assert isinstance(sign_in_with("my very own words"), SignedIn)

    def test_who_confirms_in_the_browser_that_registered_last_keeps_theirs(
        self, outbox: Outbox
    ) -> None:
        register(password=OTHER, name="Mallory")
        mine = register()
        assert confirm(link_tokens(outbox)[-1], mine) == Confirmed()

        user = find()
        assert user is not None
        assert user.name == "Ann"
        assert isinstance(sign_in_with(PASSWORD), SignedIn)

    def test_a_browser_whose_registration_was_replaced_holds_nothing(self, outbox: Outbox) -> None:
        mine = register()
        register(password=OTHER)
        assert confirm(link_tokens(outbox)[-1], mine).choose_password

        with pytest.raises(CredentialsIncorrect):
            sign_in_with(OTHER)

    def test_one_browser_may_start_over(self, outbox: Outbox) -> None:
        first = register(password=OTHER, name="An")
        register(held=first)
        assert confirm(link_tokens(outbox)[-1]) == Confirmed()

        with pytest.raises(CredentialsIncorrect):
            sign_in_with(OTHER)
        assert isinstance(sign_in_with(PASSWORD), SignedIn)

    def test_starting_over_does_not_make_a_contested_one_trusted(self, outbox: Outbox) -> None:
        register()
        mallorys = register(password=OTHER)
        register(password=OTHER, held=mallorys)

        assert confirm(link_tokens(outbox)[-1]).choose_password

    def test_a_newer_mail_ends_the_links_of_older_ones(self, outbox: Outbox) -> None:
        register(password=OTHER)
        (first,) = link_tokens(outbox)
        register()
        with pytest.raises(LinkInvalid):
            confirm(first)

    def test_without_a_newer_mail_the_last_link_stays_good(self, outbox: Outbox) -> None:
        for _ in range(5):
            register(password=OTHER)
        mailed = link_tokens(outbox)
        assert len(mailed) == 3
        assert confirm(mailed[-1]).choose_password

    def test_a_link_proves_the_address_that_it_was_mailed_to(self, outbox: Outbox) -> None:
        """Whoever reads strasse@ must not get straße@, which folds to the same."""
        for _ in range(3):
            register("strasse@example.org")
        link = link_tokens(outbox, "strasse@example.org")[-1]
        register("stra\u00dfe@example.org")
        confirm(link)

        assert list(db.session.scalars(select(User.email))) == ["strasse@example.org"]

    def test_long_after_the_first_one_a_registration_is_uncontested(
        self, outbox: Outbox, clock: time_machine.Traveller
    ) -> None:
        register(password=OTHER)
        clock.shift(7 * DAY)
        register()

        assert confirm(link_tokens(outbox)[-1]) == Confirmed()


class TestWhoRegistersAKnownAddress:
    """Registering, then trying the password, tells nothing."""

    @pytest.mark.parametrize("email", ["ann@example.org", "nobody@example.org"])
    def test_the_password_answers_alike(self, new_user: Callable[..., User], email: str) -> None:
        new_user()
        register(email, OTHER)
        for _ in range(4):
            with pytest.raises(EmailUnconfirmed):
                sign_in_with(OTHER, email)
        with pytest.raises(CredentialsIncorrect):
            sign_in_with("not the right password", email)
        with pytest.raises(TooManyTries):
            sign_in_with(OTHER, email)

    def test_it_opens_nothing_and_the_owner_signs_in_as_before(
        self, new_user: Callable[..., User], outbox: Outbox
    ) -> None:
        new_user()
        register(password=OTHER)
        ask_again()

        assert link_tokens(outbox) == []
        assert len(outbox.messages("mail", "ann@example.org")) == 2, "and is told each time"
        assert isinstance(sign_in_with(PASSWORD), SignedIn)

    def test_guesses_at_the_account_are_counted_all_the_same(
        self, new_user: Callable[..., User]
    ) -> None:
        new_user()
        register(password=OTHER)
        for guess in ("first guess", "second guess"):
            with pytest.raises(EmailUnconfirmed):
                sign_in_with(OTHER)
            with pytest.raises(CredentialsIncorrect):
                sign_in_with(guess)
        with pytest.raises(EmailUnconfirmed):
            sign_in_with(OTHER)
        for password in (OTHER, PASSWORD):
            with pytest.raises(TooManyTries):
                sign_in_with(password)

    def test_after_seven_days_it_is_forgotten(self, clock: time_machine.Traveller) -> None:
        register()
        clock.shift(7 * DAY - 1)
        with pytest.raises(EmailUnconfirmed):
            sign_in_with(PASSWORD)
        clock.shift(1)
        with pytest.raises(CredentialsIncorrect):
            sign_in_with(PASSWORD)


class TestMailsThatRegisteringCauses:
    @pytest.mark.parametrize("known", [True, False])
    def test_three_an_hour_to_one_mailbox_and_nobody_sees_it(
        self, new_user: Callable[..., User], outbox: Outbox, clock: time_machine.Traveller,
        known: bool,
    ) -> None:  # fmt: skip
        if known:
            new_user()
        for index in range(5):
            register("ANN@example.org" if index else "ann@example.org", client=sender(index))
        assert len(outbox.messages("mail")) == 3
        clock.shift(HOUR)
        register()
        assert len(outbox.messages("mail")) == 4

    def test_asking_for_links_beforehand_keeps_none_back(
        self, outbox: Outbox, clock: time_machine.Traveller
    ) -> None:
        for _ in range(3):
            ask_again()
        outbox.deliver()
        register()

        assert len(link_tokens(outbox)) == 1


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

        assert count_of(Confirmed, outcomes) == 1, outcomes
        assert count_of(LinkInvalid, outcomes) == 19

    def test_another_can_be_asked_for_three_times_an_hour(
        self, token: str, clock: time_machine.Traveller, outbox: Outbox
    ) -> None:
        for email in ("ann@example.org", "ANN@example.org", "Ann@EXAMPLE.org"):
            ask_again(email)
        with pytest.raises(TooManyTries) as caught:
            ask_again("aNN@example.org")
        assert caught.value.retry_after in {HOUR, HOUR + 1}
        assert len(link_tokens(outbox)) == 4
        clock.shift(HOUR - 1)
        with pytest.raises(TooManyTries):
            ask_again()

        clock.shift(1)
        ask_again()

    def test_using_one_ends_its_siblings(self, token: str, outbox: Outbox) -> None:
        ask_again()
        confirm(link_tokens(outbox)[1])

        with pytest.raises(LinkInvalid):
            confirm(token)

    def test_nobody_else_gets_one(self, new_user: Callable[..., User], outbox: Outbox) -> None:
        new_user("done@example.org")
        for email in ("done@example.org", "nobody@example.org"):
            ask_again(email)

        assert queued("confirm_email") + queued("already_registered") == 2, "the same for all"
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

        assert count_of(str, outcomes) == 1, outcomes
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


def test_a_link_s_token_stands_nowhere(outbox: Outbox) -> None:
    register()
    (token,) = link_tokens(outbox)
    link = links.find(db.session(), token, links.Purpose.CONFIRM_EMAIL)

    assert token not in {str(value) for value in vars(link).values()}

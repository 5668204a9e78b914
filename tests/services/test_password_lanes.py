"""Wrong passwords: the lanes of unknown browsers, of known ones and of network addresses."""

import threading
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask

from extensions import settings
from models import User
from services import browsers, hashing, sign_in
from services.audit import Client
from services.errors import CredentialsIncorrect, ServiceBusy, TooManyTries
from services.sign_in import Browser, SignedIn
from tests.people import CLIENT, PASSWORD, load_user, make_person
from tests.threads import count_of, run_together

STRANGER = Browser(Client("198.51.100.9", "curl/8"))
HOUR = 3600
DAY = 86400

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user()


def guess(
    browser: Browser = STRANGER, email: str = "ann@example.org", password: str = "wrong"
) -> object:
    """Try a password; returns what came of it."""
    try:
        return sign_in.with_password(email, password, False, browser)
    except (CredentialsIncorrect, TooManyTries) as refusal:
        return refusal


def judged(times: int, browser: Browser = STRANGER, email: str = "ann@example.org") -> None:
    """So many wrong passwords, each of them looked at."""
    for number in range(times):
        assert isinstance(guess(browser, email), CredentialsIncorrect), number


def wait_of(outcome: object) -> int:
    assert isinstance(outcome, TooManyTries), outcome
    return outcome.retry_after or 0


def from_address(number: int) -> Browser:
    return Browser(Client(f"198.51.100.{number}"))


class TestUnknownBrowsers:
    def test_after_five_wrong_ones_even_the_right_one_must_wait_30_seconds(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        judged(5)
        assert wait_of(guess(password=PASSWORD)) in {30, 31}
        clock.shift(29)
        assert wait_of(guess(password=PASSWORD)) in {1, 2}

        clock.shift(1)
        assert isinstance(guess(password=PASSWORD), SignedIn)

    def test_the_wait_doubles_up_to_an_hour(self, ann: User, clock: time_machine.Traveller) -> None:
        judged(4)
        waits = []
        for number in range(10):
            judged(1, from_address(number))
            waits.append(wait_of(guess()) - 1)
            clock.shift(waits[-1])

        assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]

    def test_four_in_five_minutes_never_wait(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for number in range(6):
            judged(4, from_address(number))
            clock.shift(300)

    def test_asking_while_a_wait_lasts_does_not_lengthen_it(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        judged(5)
        for _ in range(30):
            wait_of(guess())

        clock.shift(30)
        judged(1)

    def test_the_account_is_counted_however_its_address_is_written(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for email in ("ann@example.org", "ANN@example.org", " ann@EXAMPLE.org ", "Ann@Example.Org"):
            judged(1, email=email)
        judged(1)

        wait_of(guess(email="aNN@example.org"))

    def test_many_addresses_share_the_lane_of_one_account(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for number in range(5):
            judged(1, from_address(number))

        wait_of(guess(from_address(99)))

    def test_one_account_s_lane_is_not_another_s(
        self, ann: User, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        new_user("bob@example.org")
        judged(5)

        assert isinstance(guess(email="bob@example.org", password=PASSWORD), SignedIn)

    @pytest.mark.parametrize("email", ["nobody@example.org", "not an address", ""])
    def test_an_unknown_address_waits_just_as_long(
        self, email: str, clock: time_machine.Traveller
    ) -> None:
        judged(5, email=email)
        assert wait_of(guess(email=email)) in {30, 31}

    def test_right_passwords_cost_nothing(self, ann: User, clock: time_machine.Traveller) -> None:
        judged(4)
        for _ in range(30):
            assert isinstance(guess(password=PASSWORD), SignedIn)

        judged(1)
        wait_of(guess())

    @pytest.mark.settings(
        GATEPOST_PASSWORD_FAILS_PER_5_MINUTES="2",
        GATEPOST_PASSWORD_WAIT_SECONDS="7",
        GATEPOST_PASSWORD_WAIT_MOST_SECONDS="10",
    )
    def test_its_numbers_are_settings(self, ann: User, clock: time_machine.Traveller) -> None:
        judged(2)
        assert wait_of(guess()) in {7, 8}
        clock.shift(7)
        judged(1)
        assert wait_of(guess()) in {10, 11}


class TestSlowGuesses:
    """Four wrong ones in five minutes begin no wait; the hour and the day count them all."""

    def four_in_five_minutes(
        self, clock: time_machine.Traveller, times: int, email: str = "ann@example.org"
    ) -> None:
        for number in range(times):
            judged(4, from_address(number), email)
            clock.shift(300)

    @pytest.mark.parametrize("email", ["ann@example.org", "nobody@example.org", "no address"])
    def test_thirty_in_an_hour_whether_there_is_such_an_account_or_not(
        self, ann: User, email: str, clock: time_machine.Traveller
    ) -> None:
        self.four_in_five_minutes(clock, 7, email)
        judged(2, from_address(8), email)
        refusal = guess(from_address(9), email, PASSWORD)
        assert wait_of(refusal) in {1500, 1501}
        assert isinstance(refusal, TooManyTries)
        assert refusal.rule == "password_fails_hour"

        clock.shift(1500)
        judged(4, from_address(9), email)

    def test_a_hundred_in_a_day(self, ann: User, clock: time_machine.Traveller) -> None:
        for _ in range(5):
            self.four_in_five_minutes(clock, 5)
            clock.shift(HOUR - 5 * 300)
        assert wait_of(guess(password=PASSWORD)) in {DAY - 5 * HOUR, DAY - 5 * HOUR + 1}

        clock.shift(DAY - 5 * HOUR)
        assert isinstance(guess(password=PASSWORD), SignedIn)

    def test_they_keep_neither_known_browsers_nor_other_accounts_waiting(
        self, ann: User, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        new_user("bob@example.org")
        self.four_in_five_minutes(clock, 7)
        judged(2)
        wait_of(guess(password=PASSWORD))

        known = Browser(STRANGER.client, known=browsers.make_known(ann))
        assert isinstance(guess(known, password=PASSWORD), SignedIn)
        assert isinstance(guess(email="bob@example.org", password=PASSWORD), SignedIn)

    def test_right_passwords_do_not_count(self, ann: User, clock: time_machine.Traveller) -> None:
        for _ in range(120):
            assert isinstance(guess(password=PASSWORD), SignedIn)
        self.four_in_five_minutes(clock, 7)
        judged(2)

    @pytest.mark.settings(GATEPOST_PASSWORD_FAILS_PER_HOUR="2", GATEPOST_PASSWORD_FAILS_PER_DAY="3")
    def test_its_numbers_are_settings(self, ann: User, clock: time_machine.Traveller) -> None:
        judged(2)
        assert wait_of(guess()) in {HOUR, HOUR + 1}
        clock.shift(HOUR)
        judged(1)
        assert wait_of(guess()) in {DAY - HOUR, DAY - HOUR + 1}


class TestKnownBrowsers:
    def test_outsiders_cannot_lock_the_owner_out(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        own = Browser(CLIENT, known=browsers.make_known(ann))
        judged(5)
        wait_of(guess(password=PASSWORD))

        assert isinstance(guess(own, password=PASSWORD), SignedIn)

    def test_it_has_ten_tries_in_five_minutes(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        own = Browser(CLIENT, known=browsers.make_known(ann))
        judged(10, own)
        assert wait_of(guess(own, password=PASSWORD)) in {300, 301}
        clock.shift(299)
        wait_of(guess(own, password=PASSWORD))

        clock.shift(1)
        assert isinstance(guess(own, password=PASSWORD), SignedIn)

    def test_each_has_a_lane_of_its_own(self, ann: User, clock: time_machine.Traveller) -> None:
        first, second = (Browser(CLIENT, known=browsers.make_known(ann)) for _ in range(2))
        judged(10, first)
        wait_of(guess(first))

        assert isinstance(guess(second, password=PASSWORD), SignedIn)
        assert isinstance(guess(password=PASSWORD), SignedIn)

    def test_who_copied_its_cookie_cannot_guess_all_day(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        copied = Browser(CLIENT, known=browsers.make_known(ann))
        for _ in range(3):
            judged(10, copied)
            clock.shift(301)
        wait_of(guess(copied))

    def test_right_passwords_cost_nothing(self, ann: User, clock: time_machine.Traveller) -> None:
        own = Browser(CLIENT, known=browsers.make_known(ann))
        for _ in range(15):
            assert isinstance(guess(own, password=PASSWORD), SignedIn)

    def test_it_is_known_to_its_own_person_only(
        self, ann: User, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        bob = new_user("bob@example.org")
        foreign = Browser(CLIENT, known=browsers.make_known(bob))
        judged(5, foreign)

        wait_of(guess(foreign, password=PASSWORD))

    @pytest.mark.parametrize("cookie", ["", "x", "W10.x.y", "\x00", "ä", "a" * 5000])
    def test_a_made_up_cookie_is_not_known(
        self, ann: User, cookie: str, clock: time_machine.Traveller
    ) -> None:
        made_up = Browser(CLIENT, known=cookie)
        judged(5, made_up)

        wait_of(guess(made_up))

    def test_it_is_known_for_a_year(self, ann: User, clock: time_machine.Traveller) -> None:
        own = Browser(CLIENT, known=browsers.make_known(ann))
        clock.shift(365 * DAY)
        judged(6, own)

        clock.shift(1)
        judged(5, own)
        wait_of(guess(own))

    def test_its_cookie_names_nobody(self, ann: User) -> None:
        first, second = browsers.make_known(ann), browsers.make_known(ann)
        assert first != second
        assert "ann" not in first


class TestAddresses:
    def fill(self, browser: Browser, times: int = 20) -> None:
        """So many failures from one address, none of them at an account that must wait."""
        for number in range(times):
            judged(1, browser, f"person{number}@example.org")

    def test_twenty_failures_close_an_address_for_five_minutes(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        self.fill(STRANGER)
        assert wait_of(guess(password=PASSWORD)) in {300, 301}
        clock.shift(299)
        wait_of(guess(password=PASSWORD))

        clock.shift(1)
        assert isinstance(guess(password=PASSWORD), SignedIn)

    def test_nineteen_do_not(self, ann: User, clock: time_machine.Traveller) -> None:
        self.fill(STRANGER, 19)
        assert isinstance(guess(password=PASSWORD), SignedIn)

    def test_other_addresses_and_known_browsers_go_on(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        self.fill(STRANGER)
        known = Browser(STRANGER.client, known=browsers.make_known(ann))

        assert isinstance(guess(from_address(10), password=PASSWORD), SignedIn)
        assert isinstance(guess(known, password=PASSWORD), SignedIn)

    def test_a_refusal_there_does_not_count_against_the_account(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        self.fill(STRANGER)
        for _ in range(10):
            wait_of(guess())

        assert isinstance(guess(from_address(10), password=PASSWORD), SignedIn)

    def test_a_whole_office_signs_in_from_one_address(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for _ in range(200):
            assert isinstance(guess(password=PASSWORD), SignedIn)

    def test_mistakes_in_known_browsers_are_not_the_office_s(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for _ in range(3):
            judged(10, Browser(STRANGER.client, known=browsers.make_known(ann)))

        assert isinstance(guess(password=PASSWORD), SignedIn)

    def test_a_64_of_ipv6_is_one_address(self, ann: User, clock: time_machine.Traveller) -> None:
        for number in range(20):
            sender = Browser(Client(f"2001:db8:1:2::{number + 1:x}"))
            judged(1, sender, f"person{number}@example.org")

        wait_of(guess(Browser(Client("2001:db8:1:2:ffff::1")), password=PASSWORD))
        elsewhere = Browser(Client("2001:db8:1:3::1"))
        assert isinstance(guess(elsewhere, password=PASSWORD), SignedIn)


@pytest.mark.settings(GATEPOST_HASH_WAIT_SECONDS="1", GATEPOST_HASH_THREADS="3")
def test_a_try_that_found_no_place_to_hash_is_given_back(ann: User) -> None:
    judged(4)
    done = threading.Event()
    pool = hashing._pool(settings().hash_threads)
    blocked = [pool.submit(done.wait, 30) for _ in range(3)]
    try:
        with pytest.raises(ServiceBusy):
            sign_in.with_password("ann@example.org", "wrong", False, STRANGER)
    finally:
        done.set()
    assert all(future.result() for future in blocked)

    judged(1)
    wait_of(guess())


class TestAtTheSameTime:
    """The try is reserved before hashing: parallel guesses cannot outrun the count."""

    def test_of_twenty_guesses_from_unknown_browsers_five_are_judged(self, app: Flask) -> None:
        make_person()
        outcomes = run_together(app, 20, lambda number: guess(from_address(number)))

        assert count_of(CredentialsIncorrect, outcomes) == 5
        assert count_of(TooManyTries, outcomes) == 15

    def test_of_twenty_guesses_from_one_known_browser_ten_are_judged(self, app: Flask) -> None:
        own = Browser(CLIENT, known=browsers.make_known(load_user(make_person().id)))
        outcomes = run_together(app, 20, lambda _: guess(own))

        assert count_of(CredentialsIncorrect, outcomes) == 10
        assert count_of(TooManyTries, outcomes) == 10

    def test_nobody_of_twenty_with_the_right_password_is_kept_out(self, app: Flask) -> None:
        """Each in a known browser, as a whole team is at nine o'clock."""
        ann = load_user(make_person().id)
        own = [Browser(CLIENT, known=browsers.make_known(ann)) for _ in range(20)]
        outcomes = run_together(app, 20, lambda n: guess(own[n], password=PASSWORD))

        assert count_of(SignedIn, outcomes) == 20

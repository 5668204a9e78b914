"""Sending codes: how often, to whom, and that asking again repeats the same code."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from extensions import db, end_reading, writing
from models import Activity, Message, Phone, User
from services import challenges, codes
from services.audit import Event
from services.challenges import Purpose, Reference
from services.errors import TooManyTries
from services.errors_codes import (
    NothingSent,
    TooManyMessages,
    TooSoonToResend,
    WayClosed,
    WayUnavailable,
)
from services.notices import notify
from tests.challenges import check, code_of, fail, issue, row
from tests.messages import messages_to
from tests.people import CLIENT, NUMBER, load_user, make_person
from tests.threads import count_of, run_together

HOUR = 3600
DAY = 86400
NO_GAP = {"GATEPOST_SEND_GAP_SECONDS": "0"}

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user(number=NUMBER, two_factor=True)


def phone_way(user: User) -> str:
    return f"phone:{user.phones[0].id}"


def send(user: User, reference: Reference | None = None, way: str = "") -> Reference:
    """Ask for a code to sign in with, by text message unless said otherwise."""
    return codes.send(user, Purpose.SIGN_IN, reference, way or phone_way(user), CLIENT)


def send_again(user: User, reference: Reference | None) -> Reference:
    return codes.send_again(user, Purpose.SIGN_IN, reference, CLIENT)


def refusal_of(do: Callable[..., object], *args: object) -> TooManyTries:
    with pytest.raises(TooManyTries) as caught:
        do(*args)
    return caught.value


def refusals_written() -> list[tuple[int | None, str]]:
    """Whose sends were refused, and by which limit, as the activity has it."""
    end_reading()
    events = db.session.scalars(
        select(Activity).where(Activity.event == Event.LIMIT_REACHED.value).order_by(Activity.id)
    )
    return [(event.user_id, event.details["rule"]) for event in events]


def confirm(user: User, reference: Reference) -> None:
    """Enter the right code, as signing in does."""
    challenge = check(user, reference, code_of(reference))
    with writing() as session:
        challenges.use_up(session, user, challenge)
        destination = codes.last_destination(session, user, challenge)
        codes.give_back_sends(session, user, challenge, destination)


def texts(to: str = NUMBER) -> int:
    return len(messages_to(to, "sign_in_code"))


class TestTheWaitBetween:
    def test_it_is_30_seconds_and_doubles_to_240(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        reference = send(ann)
        waits = []
        for _ in range(5):
            refusal = refusal_of(send_again, ann, reference)
            assert isinstance(refusal, TooSoonToResend)
            waits.append((refusal.retry_after or 0) - 1)
            clock.shift(waits[-1] - 1)
            refusal_of(send_again, ann, reference)
            clock.shift(1)
            if len(waits) < 5:
                reference = send_again(ann, reference)

        assert waits == [30, 60, 120, 240, 240]

    def test_it_goes_on_doubling_for_an_hour_after_the_last_wait(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        def wait_after(seconds: int) -> int:
            clock.shift(seconds)
            reference = send(ann)
            return (refusal_of(send_again, ann, reference).retry_after or 0) - 1

        assert [wait_after(0), wait_after(30 + HOUR - 1), wait_after(60 + HOUR)] == [30, 60, 30]

    def test_it_is_cleared_when_the_code_is_entered(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        confirm(ann, send(ann))

        reference = send(ann)
        assert texts() == 2
        assert (refusal_of(send_again, ann, reference).retry_after or 0) - 1 == 30

    def test_switching_to_email_waits_for_nothing(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        reference = send(ann)
        assert send(ann, reference, "email") == reference
        assert texts(ann.email) == 1

    def test_a_double_click_sends_one_and_is_no_error(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        reference = send(ann)
        assert send(ann, reference) == reference
        assert texts() == 1

    def test_another_browser_cannot_pass_it(self, ann: User, clock: time_machine.Traveller) -> None:
        send(ann)
        assert isinstance(refusal_of(send, ann), TooSoonToResend)
        assert texts() == 1

    def test_another_person_s_destination_does_not_wait(
        self, ann: User, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        send(ann)
        send(new_user("bob@example.org", number="+12015550188"))

    @pytest.mark.settings(**NO_GAP)
    def test_a_setting_of_none_means_no_wait(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        reference = send(ann)
        for _ in range(4):
            send_again(ann, reference)
        assert texts() == 5


@pytest.mark.settings(**NO_GAP)
class TestSendsOfOnePerson:
    def fill(self, user: User, times: int) -> Reference:
        reference = send(user)
        for _ in range(times - 1):
            reference = send_again(user, reference)
        return reference

    def test_five_in_an_hour(self, ann: User, clock: time_machine.Traveller) -> None:
        reference = self.fill(ann, 5)
        refusal = refusal_of(send_again, ann, reference)
        assert isinstance(refusal, TooManyMessages)
        assert refusal.rule == "sends_hour"
        assert refusal.retry_after in {HOUR, HOUR + 1}
        refusal_of(send, ann, reference, "email")
        clock.shift(HOUR - 1)
        refusal_of(send, ann)

        clock.shift(1)
        send(ann)

    def test_ten_in_a_day(self, ann: User, clock: time_machine.Traveller) -> None:
        self.fill(ann, 5)
        clock.shift(HOUR)
        self.fill(ann, 5)
        clock.shift(HOUR)
        assert refusal_of(send, ann).rule == "sends_day"
        clock.shift(DAY - 2 * HOUR - 1)
        refusal_of(send, ann)

        clock.shift(1)
        send(ann)

    def test_a_code_that_is_entered_gives_all_its_sends_back(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for _ in range(6):
            confirm(ann, self.fill(ann, 5))

    def test_entered_or_not_thirty_in_a_day(self, ann: User, clock: time_machine.Traveller) -> None:
        for _ in range(30):
            confirm(ann, send(ann))
        refusal = refusal_of(send, ann)
        assert refusal.rule == "sends_day_in_all"
        assert refusal.retry_after in {DAY, DAY + 1}
        clock.shift(DAY - 1)
        refusal_of(send, ann)

        clock.shift(1)
        send(ann)

    def test_notices_do_not_count(self, ann: User, clock: time_machine.Traveller) -> None:
        with writing() as session:
            for _ in range(40):
                notify(session, ann, "password_changed")

        self.fill(ann, 5)

    def test_a_wrong_code_gives_nothing_back(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        fail(ann, self.fill(ann, 5))
        refusal_of(send, ann)

    def test_what_is_refused_is_written_down_and_sends_nothing(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        self.fill(ann, 5)
        refusal_of(send, ann)

        event = db.session.scalars(
            select(Activity).where(Activity.event == Event.LIMIT_REACHED.value)
        ).one()
        assert (event.user_id, event.details) == (ann.id, {"rule": "sends_hour"})
        assert texts() == 5

    def test_it_is_written_down_once_an_hour_for_each_person_and_limit(
        self, ann: User, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        bob = new_user("bob@example.org", number="+12025550111", two_factor=True)
        for person in (ann, bob):
            self.fill(person, 5)
            for _ in range(4):
                refusal_of(send, person)
        assert refusals_written() == [(ann.id, "sends_hour"), (bob.id, "sends_hour")]

        clock.shift(HOUR)
        self.fill(ann, 5)
        for _ in range(2):
            refusal_of(send, ann)
        assert refusals_written()[2:] == [(ann.id, "sends_day")]


def test_a_send_refused_for_the_person_starts_no_wait_for_the_destination(
    ann: User, clock: time_machine.Traveller
) -> None:
    reference = send(ann, way="email")
    for wait in (30, 60, 120, 240):
        clock.shift(wait)
        reference = send_again(ann, reference)
    for _ in range(3):
        assert refusal_of(send, ann).rule == "sends_hour"

    clock.shift(HOUR)
    send(ann)


class TestAskingAgain:
    def test_it_repeats_the_code_and_changes_neither_tries_nor_end(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        reference = send(ann)
        fail(ann, reference)
        before = row(reference)
        clock.shift(90)
        assert send_again(ann, reference) == reference

        first, second = messages_to(NUMBER, "sign_in_code")
        assert first["code"] == second["code"] == code_of(reference)
        assert (first["minutes"], second["minutes"]) == (10, 8)
        after = row(reference)
        assert (after.tries, after.expires_at, after.sends) == (1, before.expires_at, 2)
        ends = set(db.session.scalars(select(Message.expires_at)))
        assert ends == {after.expires_at}, "a late text of a dead code is never sent"

    def test_another_way_carries_the_same_code(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        reference = send(ann)
        send(ann, reference, "email")

        (text,), (mail,) = (messages_to(to, "sign_in_code") for to in (NUMBER, ann.email))
        assert text["code"] == mail["code"]
        assert row(reference).phone_id is None

    def test_after_its_end_there_is_a_new_one(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        old = send(ann)
        clock.shift(600)
        new = send_again(ann, old)

        assert new.challenge_id != old.challenge_id
        assert row(new).phone_id == ann.phones[0].id
        confirm(ann, new)

    def test_after_five_tries_there_is_a_new_one(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        old = send(ann)
        for _ in range(5):
            fail(ann, old)
        clock.shift(300)
        new = send_again(ann, old)

        assert new.challenge_id != old.challenge_id
        confirm(ann, new)

    @pytest.mark.parametrize("how", ["never", "foreign"])
    def test_without_an_earlier_one_there_is_nothing_to_repeat(
        self, ann: User, new_user: Callable[..., User], how: str
    ) -> None:
        foreign = issue(new_user("bob@example.org"))
        with pytest.raises(NothingSent):
            send_again(ann, foreign if how == "foreign" else None)


class TestWays:
    def test_a_code_goes_only_where_the_person_proved_to_be(
        self, ann: User, new_user: Callable[..., User]
    ) -> None:
        bob = new_user("bob@example.org", number="+12015550188")
        for way in (phone_way(bob), "phone:999", "phone:", "sms", "", "email "):
            with pytest.raises(WayUnavailable):
                codes.send(ann, Purpose.SIGN_IN, None, way, CLIENT)

    def test_a_disabled_number_gets_none(self, ann: User) -> None:
        reference = send(ann, way="email")
        with writing() as session:
            session.execute(update(Phone).values(disabled_at=ann.created_at))
        for held in (None, reference):
            with pytest.raises(WayUnavailable):
                send(ann, held)

    def test_again_to_a_disabled_one_says_that_it_is_closed(self, ann: User) -> None:
        reference = send(ann)
        with writing() as session:
            session.execute(update(Phone).values(disabled_at=ann.created_at))
        with pytest.raises(WayClosed, match="no longer go there"):
            send_again(ann, reference)

    @pytest.mark.settings(GATEPOST_SMS_GATEWAY="none")
    def test_a_portal_without_texts_sends_mails_only(self, ann: User) -> None:
        with pytest.raises(WayUnavailable):
            send(ann)
        send(ann, way="email")


class TestProgress:
    def test_the_page_is_told_where_the_code_is(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        assert codes.show_progress(ann, Purpose.SIGN_IN, None) is None
        reference = send(ann)
        clock.shift(10)
        progress = codes.show_progress(ann, Purpose.SIGN_IN, reference)

        assert progress is not None
        assert (progress.channel, str(progress.sent_to)) == ("sms", "the number ending 23")
        assert progress.seconds_left == 590
        assert progress.resend_in in {20, 21}
        assert progress.delivery is not None

    def test_a_dead_code_has_no_time_left(self, ann: User, clock: time_machine.Traveller) -> None:
        reference = send(ann, way="email")
        for _ in range(5):
            fail(ann, reference)
        progress = codes.show_progress(ann, Purpose.SIGN_IN, reference)

        assert progress is not None
        assert (progress.channel, progress.sent_to) == ("mail", "a••@example.org")
        assert progress.seconds_left == 0


class TestAtTheSameTime:
    def sent(self) -> int:
        end_reading()
        return db.session.scalar(select(func.count()).select_from(Message)) or 0

    def test_twenty_clicks_of_one_browser_send_one(self, app: Flask, ann: User) -> None:
        reference = issue(ann, phone_id=ann.phones[0].id)
        outcomes = run_together(app, 20, lambda _: send(load_user(ann.id), reference))

        assert count_of(Reference, outcomes) == 20, outcomes
        assert self.sent() == 1

    def test_twenty_browsers_of_one_person_send_one(self, app: Flask, ann: User) -> None:
        outcomes = run_together(app, 20, lambda _: send(load_user(ann.id)))

        assert count_of(Reference, outcomes) == 1
        assert count_of(TooSoonToResend, outcomes) == 19
        assert self.sent() == 1

    @pytest.mark.settings(
        **NO_GAP, GATEPOST_SENDS_PER_HOUR="100", GATEPOST_SENDS_PER_DAY="100",
        GATEPOST_CODE_TRIES_PER_5_MINUTES="100", GATEPOST_PROVEN_NUMBER_PER_DAY="100",
    )  # fmt: skip
    def test_who_sends_and_who_enters_do_not_lock_each_other_out(self, app: Flask) -> None:
        """Two people with the same number, in ten browsers each: all of them meet in the limits."""
        ids = [make_person(f"p{index}@example.org", number=NUMBER).id for index in range(2)]

        def send_and_enter(browser: int) -> None:
            user = load_user(ids[browser % 2])
            confirm(user, send(user))

        outcomes = run_together(app, 20, send_and_enter)
        assert count_of(type(None), outcomes) == 20, outcomes

    @pytest.mark.settings(**NO_GAP)
    def test_twenty_without_a_wait_send_five(self, app: Flask) -> None:
        ann = load_user(make_person(number=NUMBER).id)
        outcomes = run_together(app, 20, lambda _: send(load_user(ann.id)))

        assert count_of(Reference, outcomes) == 5
        assert count_of(TooManyMessages, outcomes) == 15
        assert self.sent() == 5

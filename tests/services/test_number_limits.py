"""Texts to unproven numbers: every limit at its edge, what gives places back, and the breaker."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from extensions import db, end_reading, writing
from models import Limit, Message, NumberTrial, Phone, User
from services import challenges, codes, phones
from services.audit import Client
from services.challenges import Purpose, Reference
from services.clock import now
from services.errors import TooManyTries
from services.errors_codes import TextsPaused, TooManyMessages, TooManyTexts
from tests.challenges import check, code_of
from tests.messages import messages_to
from tests.people import load_user, make_person, open_session
from tests.threads import count_of, run_together

OPERATOR = "operator@example.org"
HOUR = 3600
DAY = 86400
AREAS = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219)
"""Area codes whose 555-01xx numbers belong to nobody; each is a prefix of its own."""
AUSTRALIAN = "+61491570156"
WIDE = {
    "NEW_NUMBERS_PER_HOUR": "10000",
    "NEW_NUMBERS_PER_ADDRESS_PER_HOUR": "10000",
    "NEW_NUMBER_PREFIX_PER_10_MINUTES": "10000",
    "NEW_NUMBER_PREFIX_PER_DAY": "10000",
    "NEW_NUMBER_COUNTRY_PER_DAY": "10000",
    "NEW_NUMBER_PORTAL_PER_HOUR": "10000",
    "NEW_NUMBER_PORTAL_PER_DAY": "10000",
    "BREAKER_TEXTS": "10000",
    "SENDS_PER_HOUR": "10000",
    "SENDS_PER_DAY": "10000",
    "SENDS_PER_DAY_IN_ALL": "10000",
    "PROVEN_NUMBER_PER_DAY": "10000",
    "NUMBER_PER_DAY_IN_ALL": "10000",
    "SEND_GAP_SECONDS": "0",
}


def wide_but(*kept: str, **changes: str) -> pytest.MarkDecorator:
    """Every limit wide, but for those that a test is about."""
    wide = {name: value for name, value in WIDE.items() if name not in kept} | changes
    return pytest.mark.settings(**{f"GATEPOST_{name}": value for name, value in wide.items()})


pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user()


def number(index: int) -> str:
    """The so-manieth number: first one of every area, then the next."""
    return f"+1{AREAS[index % len(AREAS)]}555{100 + index // len(AREAS):04}"


def neighbour(index: int) -> str:
    """Numbers of one prefix."""
    return f"+1201555{100 + index:04}"


def at(index: int) -> Client:
    """A client at an address of its own."""
    return Client(f"198.51.{100 + index // 250}.{1 + index % 250}")


def send(user: User, to: str, client: Client | None = None) -> Reference:
    return phones.start_adding(user, to, None, client or at(0))


def confirm(user: User, reference: Reference, client: Client | None = None) -> None:
    acting = open_session(load_user(user.id))
    phones.confirm(
        acting.user, Purpose.ADD_PHONE, reference, code_of(reference), acting, client or at(0)
    )


def refusal_of(do: Callable[..., object], *args: object) -> TooManyTries:
    with pytest.raises(TooManyTries) as caught:
        do(*args)
    return caught.value


def closed_for(clock: time_machine.Traveller, seconds: int, *args: object) -> TooManyTries:
    """Sending is refused until the last second, and then works again."""
    refusal = refusal_of(send, *args)
    assert refusal.retry_after in {seconds, seconds + 1}
    clock.shift(seconds - 1)
    refusal_of(send, *args)
    clock.shift(1)
    send(*args)  # type: ignore[arg-type]
    return refusal


class TestNumbersOfOnePerson:
    def test_three_different_ones_in_an_hour(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for index in range(3):
            send(ann, number(index), at(index))

        refusal = closed_for(clock, HOUR, ann, number(3), at(3))
        assert isinstance(refusal, TooManyMessages)
        assert refusal.rule == "new_numbers_person"

    def test_the_same_number_again_is_no_other(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for index in range(2):
            send(ann, number(index), at(index))
        clock.shift(30)
        send(ann, number(1), at(1))
        send(ann, number(2), at(2))

        refusal_of(send, ann, number(3), at(3))

    def test_proving_them_gives_their_places_back(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for index in range(5):
            confirm(ann, send(ann, neighbour(index)))

    def test_a_refused_number_gets_no_text(self, ann: User, clock: time_machine.Traveller) -> None:
        for index in range(3):
            send(ann, number(index))
        refusal_of(send, ann, number(3))

        assert messages_to(number(3), "phone_code") == []
        assert db.session.scalar(select(func.count()).select_from(NumberTrial)) == 3


class TestNumbersFromOneAddress:
    @pytest.mark.parametrize(
        ("sender", "same", "other"),
        [
            ("198.51.100.7", "198.51.100.7", "198.51.100.8"),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
        ],
    )
    def test_twenty_in_an_hour_whoever_asks(
        self, new_user: Callable[..., User], clock: time_machine.Traveller,
        sender: str, same: str, other: str,
    ) -> None:  # fmt: skip
        people = [new_user(f"person{index}@example.org") for index in range(22)]
        for index in range(20):
            send(people[index], number(index), Client(sender))
        send(people[20], number(20), Client(other))

        refusal = closed_for(clock, HOUR, people[21], number(21), Client(same))
        assert refusal.rule == "new_numbers_address"

    def test_an_office_adds_its_numbers_one_person_after_the_other(
        self, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        for index in range(30):
            user = new_user(f"person{index}@example.org")
            confirm(user, send(user, neighbour(index)))

    def test_or_twenty_of_them_at_once(
        self, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        people = [new_user(f"person{index}@example.org") for index in range(40)]
        for team in (people[:20], people[20:]):
            sent = [(user, send(user, number(user.id))) for user in team]
            for user, reference in sent:
                confirm(user, reference)


class TestPrefixes:
    @wide_but("NEW_NUMBER_PREFIX_PER_10_MINUTES", "NEW_NUMBER_PREFIX_PER_DAY")
    def test_three_texts_in_ten_minutes(self, ann: User, clock: time_machine.Traveller) -> None:
        for index in range(3):
            send(ann, neighbour(index))
        send(ann, number(1))

        refusal = closed_for(clock, 600, ann, neighbour(3))
        assert isinstance(refusal, TooManyMessages)
        assert refusal.rule == "prefix_10_minutes"

    @wide_but("NEW_NUMBER_PREFIX_PER_10_MINUTES")
    def test_texts_to_the_same_number_count_too(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for _ in range(3):
            send(ann, neighbour(0))
        refusal_of(send, ann, neighbour(0))

    @wide_but("NEW_NUMBER_PREFIX_PER_DAY")
    def test_ten_in_a_day(self, ann: User, clock: time_machine.Traveller) -> None:
        for index in range(10):
            send(ann, neighbour(index))

        assert closed_for(clock, DAY, ann, neighbour(10)).rule == "prefix_day"

    @wide_but("NEW_NUMBER_PREFIX_PER_10_MINUTES", "NEW_NUMBER_PREFIX_PER_DAY")
    def test_proving_a_number_gives_back_each_of_its_texts(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        reference = send(ann, neighbour(0))
        for _ in range(2):
            reference = phones.resend(ann, Purpose.ADD_PHONE, reference, at(0))
        refusal_of(send, ann, neighbour(1))
        confirm(ann, reference)

        for index in range(1, 4):
            send(load_user(ann.id), neighbour(index))
        refusal_of(send, load_user(ann.id), neighbour(4))


class TestCountries:
    @wide_but("NEW_NUMBER_COUNTRY_PER_DAY")
    def test_fifty_texts_in_a_day(self, ann: User, clock: time_machine.Traveller) -> None:
        for index in range(50):
            send(ann, number(index))
        send(ann, AUSTRALIAN)

        refusal = closed_for(clock, DAY, ann, number(50))
        assert isinstance(refusal, TextsPaused)
        assert refusal.rule == "country_day"

    @wide_but(NEW_NUMBER_COUNTRY_PER_DAY="1", ALERT_EMAIL=OPERATOR)
    def test_the_operator_is_alerted_once_and_other_ways_stay_open(
        self, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        ann = new_user(number=number(9))
        send(ann, number(0))
        for index in range(1, 4):
            refusal_of(send, ann, number(index))

        assert len(messages_to(OPERATOR, "alert")) == 1
        for way in ("email", f"phone:{ann.phones[0].id}"):
            codes.send(ann, Purpose.SIGN_IN, None, way, at(0))

    @wide_but(NEW_NUMBER_COUNTRY_PER_DAY="1")
    def test_proving_a_number_gives_its_place_back(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for index in range(4):
            confirm(ann, send(load_user(ann.id), number(index)))
        send(load_user(ann.id), number(5))
        refusal_of(send, load_user(ann.id), number(6))


class TestWholePortal:
    @wide_but("NEW_NUMBER_PORTAL_PER_HOUR")
    def test_sixty_texts_in_an_hour(self, ann: User, clock: time_machine.Traveller) -> None:
        for index in range(59):
            send(ann, number(index))
        send(ann, AUSTRALIAN)

        refusal = closed_for(clock, HOUR, ann, number(59))
        assert isinstance(refusal, TextsPaused)
        assert refusal.rule == "new_texts_hour"

    @wide_but("NEW_NUMBER_PORTAL_PER_DAY")
    def test_three_hundred_in_a_day(self, ann: User, clock: time_machine.Traveller) -> None:
        send(ann, number(0))
        with writing() as session:
            of_the_day = Limit.key.startswith("new_texts_day/")
            session.execute(update(Limit).where(of_the_day).values(count=299))
        send(ann, number(1))

        assert closed_for(clock, DAY, ann, number(2)).rule == "new_texts_day"

    @wide_but(NEW_NUMBER_PORTAL_PER_HOUR="1", NEW_NUMBER_PORTAL_PER_DAY="1")
    def test_proving_a_number_gives_its_places_back(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for index in range(4):
            confirm(ann, send(load_user(ann.id), number(index)))


class TestProvenNumbers:
    @pytest.fixture
    def holders(self, new_user: Callable[..., User]) -> list[User]:
        """Eleven people with a number each."""
        people = [new_user("ann@example.org", number=number(0))]
        return people + [
            new_user(f"person{index}@example.org", number=number(index)) for index in range(1, 11)
        ]

    def way(self, user: User) -> str:
        return f"phone:{user.phones[0].id}"

    def text(self, user: User) -> Reference:
        return codes.send(user, Purpose.SIGN_IN, None, self.way(user), at(0))

    def enter(self, user: User, reference: Reference) -> None:
        challenge = check(user, reference, code_of(reference))
        with writing() as session:
            challenges.use_up(session, user, challenge)
            destination = codes.last_destination(session, user, challenge)
            codes.give_back_sends(session, user, challenge, destination)

    @wide_but(ALERT_EMAIL=OPERATOR)
    def test_five_each_on_average_in_a_day(
        self, holders: list[User], clock: time_machine.Traveller
    ) -> None:
        ann = holders[0]
        for _ in range(5 * len(holders)):
            self.text(ann)
        for _ in range(2):
            refusal = refusal_of(self.text, ann)
        assert isinstance(refusal, TextsPaused)
        assert refusal.retry_after in {DAY, DAY + 1}
        assert len(messages_to(OPERATOR, "alert")) == 1
        codes.send(ann, Purpose.SIGN_IN, None, "email", at(0))
        send(ann, number(20))
        clock.shift(DAY - 1)
        refusal_of(self.text, ann)

        clock.shift(1)
        self.text(ann)

    @wide_but()
    def test_a_small_portal_has_fifty(self, ann: User, clock: time_machine.Traveller) -> None:
        holder = load_user(make_person("bob@example.org", number=number(0)).id)
        for _ in range(50):
            self.text(holder)
        refusal_of(self.text, holder)

    @wide_but()
    def test_a_code_that_is_entered_gives_its_text_back(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        holder = load_user(make_person("bob@example.org", number=number(0)).id)
        for _ in range(60):
            self.enter(holder, self.text(holder))
        for _ in range(50):
            self.text(holder)
        refusal_of(self.text, holder)

    @wide_but()
    def test_a_code_gives_back_its_texts_and_not_its_mails(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        holder = load_user(make_person("bob@example.org", number=number(0)).id)
        for _ in range(48):
            self.text(holder)
        clock.shift(1)
        reference = codes.send(holder, Purpose.SIGN_IN, None, "email", at(0))
        for _ in range(2):
            codes.send(holder, Purpose.SIGN_IN, reference, self.way(holder), at(0))
        self.enter(holder, reference)

        for _ in range(2):
            self.text(holder)
        refusal_of(self.text, holder)

    @wide_but()
    def test_the_same_number_on_many_accounts_is_one(
        self, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        people = [new_user(f"p{index}@example.org", number=number(0)) for index in range(11)]
        for index in range(50):
            self.text(people[index % 11])
        for person in people:
            refusal_of(self.text, person)

    @wide_but("PROVEN_NUMBER_PER_DAY")
    def test_ten_texts_to_one_number_in_a_day_whoever_asks(
        self, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        people = [new_user(f"p{index}@example.org", number=number(0)) for index in range(3)]
        for index in range(9):
            self.text(people[index % 3])
        self.enter(people[0], self.text(people[0]))
        self.text(people[1])

        refusal = refusal_of(self.text, people[2])
        assert isinstance(refusal, TooManyTexts)
        assert refusal.rule == "sends_to_number_day"
        assert refusal.retry_after in {DAY, DAY + 1}
        codes.send(people[2], Purpose.SIGN_IN, None, "email", at(0))
        self.text(new_user("other@example.org", number=number(1)))

    @wide_but("NUMBER_PER_DAY_IN_ALL")
    def test_thirty_texts_to_one_number_in_a_day_entered_or_not(
        self, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        people = [new_user(f"p{index}@example.org", number=number(0)) for index in range(3)]
        for index in range(30):
            self.enter(people[index % 3], self.text(people[index % 3]))

        assert refusal_of(self.text, people[0]).rule == "sends_to_number_day_in_all"

    @wide_but("NUMBER_PER_DAY_IN_ALL")
    def test_one_number_is_proved_thirty_times_in_a_day_at_most(
        self, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        people = [new_user(f"p{index}@example.org") for index in range(32)]
        holder = people.pop()
        confirm(holder, send(holder, number(0)))
        for person in people[:29]:
            confirm(person, send(person, number(0)))

        refusal = refusal_of(send, people[29], number(0))
        assert isinstance(refusal, TooManyMessages)
        assert refusal.rule == "proofs_day_in_all"
        self.text(load_user(holder.id))  # nobody's proofs keep a holder from signing in

    def test_at_nine_o_clock_two_hundred_people_of_one_office_are_texted(
        self, context: Flask, clock: time_machine.Traveller
    ) -> None:
        with writing() as session:
            people = [
                User(
                    email=f"p{index}@example.org", email_canonical=f"p{index}@example.org",
                    created_at=now(), epoch=1,
                    phones=[Phone(number=number(index), is_primary=True, created_at=now())],
                )
                for index in range(200)
            ]  # fmt: skip
            session.add_all(people)

        for person in people:
            self.text(person)


class TestBreaker:
    def trials(self, count: int, entered: int, start: int = 0) -> None:
        """Texts to numbers of one prefix, each to another person; some of the codes entered."""
        for index in range(start, start + count):
            user = load_user(make_person(f"person{index}@example.org").id)
            reference = send(user, neighbour(index))
            if index - start < entered:
                confirm(user, reference)

    @wide_but("BREAKER_TEXTS", ALERT_EMAIL=OPERATOR)
    def test_fewer_than_30_percent_entered_pause_it_for_an_hour(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        self.trials(20, entered=5)
        clock.shift(601)
        send(ann, neighbour(90))  # the one that finds out

        refusal = refusal_of(send, ann, neighbour(91))
        assert isinstance(refusal, TextsPaused)
        assert refusal.rule == "breaker"
        (alert,) = messages_to(OPERATOR, "alert")
        assert "codes are not entered" in alert["what"]
        closed_for(clock, HOUR, ann, neighbour(91))

    @wide_but("BREAKER_TEXTS")
    def test_30_percent_are_enough(self, ann: User, clock: time_machine.Traveller) -> None:
        self.trials(20, entered=6)
        clock.shift(601)
        send(ann, neighbour(90))
        send(ann, neighbour(91))

    @wide_but("BREAKER_TEXTS")
    def test_nineteen_texts_say_nothing(self, ann: User, clock: time_machine.Traveller) -> None:
        self.trials(19, entered=0)
        clock.shift(601)
        send(ann, neighbour(90))
        send(ann, neighbour(91))

    @wide_but("BREAKER_TEXTS")
    def test_a_code_that_may_still_be_entered_says_nothing(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        self.trials(20, entered=0)
        clock.shift(600)
        for index in (90, 91):
            send(ann, neighbour(index))
        clock.shift(1)
        send(ann, neighbour(92))

        refusal_of(send, ann, neighbour(93))

    @wide_but("BREAKER_TEXTS")
    def test_only_the_last_twenty_count(self, ann: User, clock: time_machine.Traveller) -> None:
        self.trials(20, entered=0)
        clock.shift(1)
        self.trials(14, entered=0, start=20)
        self.trials(6, entered=6, start=40)
        clock.shift(601)
        send(ann, neighbour(90))
        send(ann, neighbour(91))

    @wide_but("BREAKER_TEXTS")
    def test_a_paused_prefix_pauses_no_country_that_is_well(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        self.trials(20, entered=0)
        clock.shift(1)
        for index in range(20):
            user = load_user(make_person(f"honest{index}@example.org").id)
            confirm(user, send(user, f"+1202555{100 + index:04}"))
        clock.shift(601)
        send(ann, neighbour(90))

        refusal_of(send, ann, neighbour(91))
        send(ann, "+12025550190")

    @wide_but("BREAKER_TEXTS")
    def test_a_paused_country_pauses_all_its_prefixes(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for index in range(20):
            send(ann, number(index))
        clock.shift(601)
        send(ann, number(20))

        refusal_of(send, ann, number(21))
        send(ann, AUSTRALIAN)


class TestAtTheSameTime:
    def sent(self) -> int:
        end_reading()
        return db.session.scalar(select(func.count()).select_from(Message)) or 0

    def test_twenty_numbers_of_one_person_get_three_texts(self, app: Flask, ann: User) -> None:
        outcomes = run_together(
            app, 20, lambda index: send(load_user(ann.id), number(index), at(index))
        )

        assert count_of(Reference, outcomes) == 3, outcomes
        assert count_of(TooManyMessages, outcomes) == 17
        assert self.sent() == 3

    def test_twenty_people_at_one_prefix_get_three_texts(self, app: Flask) -> None:
        people = [make_person(f"person{index}@example.org").id for index in range(20)]
        end_reading()
        outcomes = run_together(
            app, 20, lambda index: send(load_user(people[index]), neighbour(index), at(index))
        )

        assert count_of(Reference, outcomes) == 3, outcomes
        assert count_of(TooManyMessages, outcomes) == 17
        assert self.sent() == 3

    @wide_but(NEW_NUMBER_PORTAL_PER_HOUR="7")
    def test_a_portal_wide_limit_holds_for_all(self, app: Flask) -> None:
        people = [make_person(f"person{index}@example.org").id for index in range(20)]
        end_reading()
        outcomes = run_together(
            app, 20, lambda index: send(load_user(people[index]), number(index), at(index))
        )

        assert count_of(Reference, outcomes) == 7, outcomes
        assert count_of(TextsPaused, outcomes) == 13
        assert self.sent() == 7

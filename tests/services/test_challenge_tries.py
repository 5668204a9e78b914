"""How often a code may be tried: by challenge, by person, in a row, and all at once."""

import dataclasses
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from app import create_app
from extensions import db
from models import Activity, Phone, User
from services.audit import Event
from services.challenges import Purpose, Reference
from services.errors import TooManyTries
from services.errors_codes import ChallengeConsumed, CodeIncorrect, CodeTriesUsed
from tests.challenges import (
    NO_PERSON_LIMIT,
    check,
    code_of,
    enter,
    fail,
    issue,
    row,
    wrong_code,
)
from tests.messages import messages_to
from tests.people import NUMBER, load_user, make_person
from tests.threads import count_of, run_together


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user(number=NUMBER, two_factor=True)


class TestTries:
    def test_five_wrong_codes_and_the_right_one_no_longer_works(self, ann: User) -> None:
        reference = issue(ann)
        told = [getattr(fail(ann, reference), "tries_left", 0) for _ in range(4)]
        assert told == [4, 3, 2, 1]

        assert isinstance(fail(ann, reference), CodeTriesUsed)
        with pytest.raises(CodeTriesUsed):
            check(ann, reference, code_of(reference))

    def test_no_try_is_promised_that_the_person_does_not_have(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        first = issue(ann)
        assert [str(fail(ann, first))[-13:] for _ in range(3)][-1] == "2 tries left."
        second = issue(ann)
        assert str(fail(ann, second)) == "The code is not right. 1 try left."
        last = fail(ann, second)
        assert isinstance(last, CodeIncorrect)
        assert last.tries_left == 0
        clock.shift(60)
        assert str(fail(ann, second)) == "Too many tries. Wait 5 minutes, then try again."

        clock.shift(240)
        assert str(fail(ann, second)) == "The code is not right. 2 tries left."

    def test_a_new_code_is_promised_for_when_it_can_be_entered(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        reference = issue(ann)
        for _ in range(5):
            last = fail(ann, reference)
        assert "Wait 6 minutes, then send a new code." in str(last)
        clock.shift(120)
        assert "Wait 4 minutes, then send a new code." in str(fail(ann, reference))
        clock.shift(180)
        assert str(fail(ann, reference)).endswith("with this code. Send a new code.")

    def test_the_fifth_try_may_be_the_right_one(self, ann: User) -> None:
        reference = issue(ann)
        for _ in range(4):
            fail(ann, reference)

        enter(ann, reference, code_of(reference))

    @pytest.mark.parametrize(
        ("most", "seconds", "others"),
        [
            (5, 300, ("HOUR", "DAY")),
            (20, 3600, ("5_MINUTES", "DAY")),
            (50, 86400, ("5_MINUTES", "HOUR")),
        ],
    )
    def test_a_person_has_so_many_tries_over_all_codes(
        self, most: int, seconds: int, others: tuple[str, ...], environ: dict[str, str],
        request: pytest.FixtureRequest, clock: time_machine.Traveller,
    ) -> None:  # fmt: skip
        for other in others:
            environ[f"GATEPOST_CODE_TRIES_PER_{other}"] = "100000"
        ann = request.getfixturevalue("new_user")()
        for used in range(most):
            if used % 4 == 0:
                reference = issue(ann)
            assert isinstance(fail(ann, reference), CodeIncorrect), used
        reference = issue(ann)
        refusal = fail(ann, reference)
        assert isinstance(refusal, TooManyTries)
        assert refusal.retry_after in {seconds, seconds + 1}
        assert row(reference).tries == 0, "a try that was not judged costs none"

        clock.shift(seconds)
        reference = issue(ann)
        enter(ann, reference, code_of(reference))

    def test_a_right_code_gives_its_try_back(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        for _ in range(30):
            reference = issue(ann)
            enter(ann, reference, code_of(reference))

    def test_a_refused_person_learns_nothing_from_the_right_code(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        first = issue(ann)
        for _ in range(5):
            fail(ann, first)
        second = issue(ann)

        with pytest.raises(TooManyTries):
            check(ann, second, code_of(second))


@pytest.mark.settings(**NO_PERSON_LIMIT, GATEPOST_CODE_TRIES="100000")
class TestAHundredInARow:
    def fail_often(self, user: User, reference: Reference, times: int) -> None:
        for _ in range(times):
            fail(user, reference)

    def test_the_hundredth_disables_the_phone_and_the_person_is_told(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        phone = ann.phones[0]
        reference = issue(ann, phone_id=phone.id)
        self.fail_often(ann, reference, 99)
        assert db.session.scalar(select(Phone.disabled_at)) is None

        fail(ann, reference)
        assert db.session.scalar(select(Phone.disabled_at)) is not None
        (notice,) = messages_to(ann.email, "way_disabled")
        assert notice["ending"] == NUMBER[-2:]
        assert load_user(ann.id).email_way_disabled_at is None

    def test_the_hundredth_disables_email(self, ann: User, clock: time_machine.Traveller) -> None:
        reference = issue(ann)
        self.fail_often(ann, reference, 99)
        assert load_user(ann.id).email_way_disabled_at is None

        fail(ann, reference)
        assert load_user(ann.id).email_way_disabled_at is not None
        (notice,) = messages_to(ann.email, "way_disabled")
        assert notice["ending"] == "email"
        assert db.session.scalar(select(Phone.disabled_at)) is None

    def test_the_person_is_told_once(self, ann: User, clock: time_machine.Traveller) -> None:
        self.fail_often(ann, issue(ann), 105)

        assert len(messages_to(ann.email, "way_disabled")) == 1

    def test_a_right_code_in_between_begins_again(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        phone = ann.phones[0]
        reference = issue(ann, phone_id=phone.id)
        self.fail_often(ann, reference, 99)
        enter(ann, reference, code_of(reference))

        self.fail_often(ann, issue(ann, phone_id=phone.id), 99)
        assert db.session.scalar(select(Phone.disabled_at)) is None

    @pytest.mark.parametrize("purpose", [Purpose.ADD_PHONE, Purpose.CHANGE_PHONE])
    def test_wrong_codes_of_a_number_being_proved_disable_nothing(
        self, ann: User, purpose: Purpose, clock: time_machine.Traveller
    ) -> None:
        phone_id = ann.phones[0].id if purpose is Purpose.CHANGE_PHONE else None
        reference = issue(ann, purpose, destination="+12015550188", phone_id=phone_id)
        for _ in range(101):
            with pytest.raises(CodeIncorrect):
                check(ann, reference, wrong_code(reference), purpose)

        assert db.session.scalar(select(Phone.disabled_at)) is None
        assert load_user(ann.id).email_way_disabled_at is None


@pytest.mark.settings(**NO_PERSON_LIMIT)
class TestAtTheSameTime:
    def test_of_twenty_guesses_at_once_five_are_judged(self, app: Flask) -> None:
        with app.app_context():
            ann = load_user(make_person().id)
            reference = issue(ann)
            wrong = wrong_code(reference)

        outcomes = run_together(app, 20, lambda _: check(load_user(ann.id), reference, wrong))

        with app.app_context():
            judged = select(func.count()).where(Activity.event == Event.CODE_INCORRECT.value)
            assert db.session.scalar(judged) == 5
            assert row(reference).tries == 5
        assert count_of(CodeIncorrect, outcomes) + count_of(CodeTriesUsed, outcomes) == 20

    def test_of_twenty_right_codes_at_once_one_wins(self, app: Flask) -> None:
        with app.app_context():
            ann = load_user(make_person().id)
            reference = issue(ann)
            code = code_of(reference)

        outcomes = run_together(app, 20, lambda _: enter(load_user(ann.id), reference, code))

        assert count_of(type(None), outcomes) == 1
        assert count_of(ChallengeConsumed, outcomes) + count_of(CodeTriesUsed, outcomes) == 19

    def test_a_person_s_tries_are_counted_over_all_their_codes(
        self, app: Flask, settings_of_test: dict[str, str]
    ) -> None:
        with app.app_context():
            ann = load_user(make_person().id)
            references = [issue(ann) for _ in range(20)]
            wrong = [wrong_code(reference) for reference in references]
        tight = create_app(
            dataclasses.replace(app.extensions["gatepost"], code_tries_per_5_minutes=5)
        )

        outcomes = run_together(
            tight, 20, lambda n: check(load_user(ann.id), references[n], wrong[n])
        )

        assert count_of(CodeIncorrect, outcomes) == 5
        assert count_of(TooManyTries, outcomes) == 15
        with tight.app_context():
            db.engine.dispose()

"""Windows and waits: counted exactly, whoever asks at the same time."""

from collections.abc import Iterable

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from app import create_app
from config import Config
from extensions import db, writing
from models import Limit
from services import limits
from services.errors import TooManyTries
from services.limits import Place, Wait, Window
from tests.threads import count_of, run_together

FIVE = Window("five", 5, 300)
TWO_A_DAY = Window("two_a_day", 2, 86400)
DOUBLING = Wait("doubling", free=3, first=30, longest=240, memory=300, grudge=3600)
AT_ONCE = Wait("at_once", free=1, first=30, longest=240, memory=300, grudge=3600)


def take(*places: Place) -> None:
    with writing() as session:
        limits.take(session, places)


def take_often(times: int, *places: Place) -> None:
    for _ in range(times):
        take(*places)


def begin_wait(rule: Wait, subject: str = "ann") -> None:
    with writing() as session:
        limits.begin_wait(session, rule, subject)


def refusal_of(do: object, *args: object) -> TooManyTries:
    with pytest.raises(TooManyTries) as caught:
        do(*args)  # type: ignore[operator]
    return caught.value


@pytest.mark.usefixtures("context")
class TestWindow:
    def test_it_allows_as_many_uses_as_it_says(self, clock: time_machine.Traveller) -> None:
        take_often(5, (FIVE, "ann"))

        assert refusal_of(take, (FIVE, "ann")).rule == "five"

    def test_each_subject_has_its_own(self, clock: time_machine.Traveller) -> None:
        take_often(5, (FIVE, "ann"))

        take_often(5, (FIVE, "bob"))

    def test_it_opens_again_so_many_seconds_after_the_first_use(
        self, clock: time_machine.Traveller
    ) -> None:
        take((FIVE, "ann"))
        clock.shift(299)
        take_often(4, (FIVE, "ann"))
        assert refusal_of(take, (FIVE, "ann")).retry_after in {1, 2}

        clock.shift(1)
        take_often(5, (FIVE, "ann"))
        assert refusal_of(take, (FIVE, "ann")).retry_after in {300, 301}

    def test_the_wait_it_names_is_enough(self, clock: time_machine.Traveller) -> None:
        take_often(5, (FIVE, "ann"))
        clock.shift(123.4)

        clock.shift(refusal_of(take, (FIVE, "ann")).retry_after or 0)
        take((FIVE, "ann"))

    def test_several_places_are_taken_all_or_none(self, clock: time_machine.Traveller) -> None:
        take_often(2, (TWO_A_DAY, "ann"))
        for _ in range(10):
            refusal_of(take, (FIVE, "ann"), (TWO_A_DAY, "ann"))

        take_often(5, (FIVE, "ann"))

    def test_of_several_full_places_the_longest_wait_is_named(
        self, clock: time_machine.Traveller
    ) -> None:
        take_often(2, (TWO_A_DAY, "ann"))
        take_often(5, (FIVE, "ann"))

        refusal = refusal_of(take, (FIVE, "ann"), (TWO_A_DAY, "ann"))
        assert refusal.rule == "two_a_day"
        assert refusal.retry_after in {86400, 86401}

    def test_of_equal_waits_the_first_named_is_told(self, clock: time_machine.Traveller) -> None:
        full = Window("a_full_one", 1, 300), Window("z_full_one", 1, 300)
        take(*((rule, "ann") for rule in full))

        for first, second in (full, full[::-1]):
            assert refusal_of(take, (first, "ann"), (second, "ann")).rule == first.name

    def test_no_place_at_all_is_no_limit(self) -> None:
        take()
        with writing() as session:
            limits.give_back(session, [])

    def test_a_use_that_is_given_back_is_free_again(self, clock: time_machine.Traveller) -> None:
        take_often(5, (FIVE, "ann"))
        with writing() as session:
            limits.give_back(session, [(FIVE, "ann")])

        take((FIVE, "ann"))
        refusal_of(take, (FIVE, "ann"))

    def test_no_more_can_be_given_back_than_was_taken(self, clock: time_machine.Traveller) -> None:
        take((FIVE, "ann"))
        with writing() as session:
            limits.give_back(session, [(FIVE, "ann")], 99)
            limits.give_back(session, [(FIVE, "nobody")], 99)

        take_often(5, (FIVE, "ann"))
        refusal_of(take, (FIVE, "ann"))

    def test_a_lower_limit_counts_at_once(self, clock: time_machine.Traveller) -> None:
        take_often(3, (FIVE, "ann"))

        refusal_of(take, (Window("five", 3, 300), "ann"))

    def test_counting_never_refuses_and_checking_never_counts(
        self, clock: time_machine.Traveller
    ) -> None:
        def check() -> None:
            with writing() as session:
                limits.check(session, [(FIVE, "ann")])

        for uses in range(1, 8):
            with writing() as session:
                assert limits.count(session, FIVE, "ann") == uses
            if uses < 5:
                check()
            else:
                refusal_of(check)
        clock.shift(300)
        check()

    def test_several_places_are_noted_and_checked_at_once(
        self, clock: time_machine.Traveller
    ) -> None:
        places = [(FIVE, "ann"), (TWO_A_DAY, "ann"), (TWO_A_DAY, "bob")]
        for _ in range(2):
            with writing() as session:
                limits.check(session, places)
                limits.note(session, places)
        with writing() as session:
            limits.check(session, [(FIVE, "ann"), (TWO_A_DAY, "nobody")])

        with pytest.raises(TooManyTries) as caught, writing() as session:
            limits.check(session, places)
        assert caught.value.rule == "two_a_day"
        assert caught.value.retry_after in {86400, 86401}

    def test_room_is_that_of_the_fullest_place(self, clock: time_machine.Traveller) -> None:
        def room(*places: Place) -> tuple[int, int]:
            with writing() as session:
                return limits.room(session, places)

        assert room((FIVE, "ann"), (TWO_A_DAY, "ann")) == (2, 0)
        take_often(4, (FIVE, "ann"))
        assert room((FIVE, "ann"), (TWO_A_DAY, "ann")) == (1, 0)
        clock.shift(100)
        take((FIVE, "ann"))
        left, wait = room((FIVE, "ann"), (TWO_A_DAY, "ann"))
        assert left == 0
        assert wait in {200, 201}
        clock.shift(200)
        assert room((FIVE, "ann")) == (5, 0)

    def test_a_paused_window_is_closed_for_its_whole_length(
        self, clock: time_machine.Traveller
    ) -> None:
        def check() -> None:
            with writing() as session:
                limits.check(session, [(FIVE, "ann")])

        take((FIVE, "ann"))
        clock.shift(200)
        with writing() as session:
            limits.pause(session, FIVE, "ann")
        clock.shift(299)
        refusal_of(check)
        clock.shift(1)
        check()

    def test_the_table_holds_no_number_and_no_address(self) -> None:
        take((FIVE, "+12015550123"), (FIVE, "ann@example.org"))

        keys = " ".join(db.session.scalars(select(Limit.key)))
        assert "2015550123" not in keys
        assert "ann" not in keys

    def test_sweeping_takes_only_what_is_over(self, clock: time_machine.Traveller) -> None:
        take((FIVE, "ann"), (TWO_A_DAY, "ann"))
        clock.shift(301)
        with writing() as session:
            assert limits.sweep(session, 500) == 1

        assert db.session.scalar(select(func.count()).select_from(Limit)) == 1


@pytest.mark.usefixtures("context")
class TestWait:
    @staticmethod
    def waits(rule: Wait, times: int, clock: time_machine.Traveller) -> Iterable[int]:
        """How long each use must wait for the next; moves the clock by it."""
        for _ in range(times):
            begin_wait(rule)
            with writing() as session:
                seconds = limits.waiting_seconds(session, rule, "ann")
            yield max(0, seconds - 1)
            clock.shift(max(0, seconds - 1))

    def test_it_doubles_up_to_the_longest(self, clock: time_machine.Traveller) -> None:
        assert list(self.waits(DOUBLING, 8, clock)) == [0, 0, 30, 60, 120, 240, 240, 240]

    def test_a_longest_that_is_no_power_of_two_is_kept_to(
        self, clock: time_machine.Traveller
    ) -> None:
        rule = Wait("odd", free=1, first=30, longest=100, memory=300, grudge=3600)

        assert list(self.waits(rule, 5, clock)) == [30, 60, 100, 100, 100]

    def test_very_many_uses_still_wait_the_longest(self, clock: time_machine.Traveller) -> None:
        assert list(self.waits(AT_ONCE, 100, clock))[-1] == 240

    def test_nothing_passes_until_the_last_second(self, clock: time_machine.Traveller) -> None:
        begin_wait(AT_ONCE)
        clock.shift(29)
        assert refusal_of(begin_wait, AT_ONCE).retry_after in {1, 2}

        clock.shift(1)
        begin_wait(AT_ONCE)

    def test_a_refused_use_does_not_lengthen_the_wait(self, clock: time_machine.Traveller) -> None:
        begin_wait(AT_ONCE)
        for _ in range(20):
            refusal_of(begin_wait, AT_ONCE)

        clock.shift(30)
        begin_wait(AT_ONCE)

    def test_a_first_wait_of_none_means_no_wait_ever(self, clock: time_machine.Traveller) -> None:
        never = Wait("never", free=1, first=0, longest=240, memory=300, grudge=3600)

        assert list(self.waits(never, 10, clock)) == [0] * 10

    def test_free_uses_are_forgotten_after_their_memory(
        self, clock: time_machine.Traveller
    ) -> None:
        begin_wait(DOUBLING)
        begin_wait(DOUBLING)
        clock.shift(300)

        assert list(self.waits(DOUBLING, 3, clock)) == [0, 0, 30]

    def test_waits_are_remembered_for_their_grudge(self, clock: time_machine.Traveller) -> None:
        list(self.waits(DOUBLING, 3, clock))
        clock.shift(3599)
        assert list(self.waits(DOUBLING, 1, clock)) == [60]

        clock.shift(3601)
        assert list(self.waits(DOUBLING, 3, clock)) == [0, 0, 30]

    def test_clearing_forgets_all(self, clock: time_machine.Traveller) -> None:
        list(self.waits(DOUBLING, 5, clock))
        with writing() as session:
            limits.clear(session, DOUBLING, "ann")

        assert list(self.waits(DOUBLING, 3, clock)) == [0, 0, 30]

    def test_undoing_takes_one_use_and_its_pause_back(self, clock: time_machine.Traveller) -> None:
        list(self.waits(DOUBLING, 3, clock))
        begin_wait(DOUBLING)
        with writing() as session:
            limits.undo_wait(session, DOUBLING, "ann")

        assert list(self.waits(DOUBLING, 1, clock)) == [60]


class TestAtTheSameTime:
    """One statement each, so that no two can take the same place."""

    def test_twenty_at_once_get_five_places(self, app: Flask) -> None:
        outcomes = run_together(
            app, 20, lambda _: take((FIVE, "ann"), (TWO_A_DAY, "x"), (FIVE, "y"))
        )

        assert count_of(type(None), outcomes) == 2
        outcomes = run_together(app, 20, lambda _: take((FIVE, "ann")))
        assert count_of(type(None), outcomes) == 3
        assert count_of(TooManyTries, outcomes) == 17

    def test_places_in_any_order_do_not_lock_each_other_out(self, app: Flask) -> None:
        many = Window("many", 1000, 300)
        orders = ([(many, "a"), (many, "b")], [(many, "b"), (many, "a")])

        def take_two_give_one_back(number: int) -> None:
            take(*orders[number % 2])
            with writing() as session:
                limits.give_back(session, orders[number % 2])
            take(*orders[number // 2 % 2])

        outcomes = run_together(app, 20, take_two_give_one_back)

        assert count_of(type(None), outcomes) == 20
        with app.app_context():
            assert set(db.session.scalars(select(Limit.count))) == {20}

    def test_one_of_twenty_begins_the_wait(self, app: Flask) -> None:
        outcomes = run_together(app, 20, lambda _: begin_wait(AT_ONCE))

        assert count_of(type(None), outcomes) == 1
        assert count_of(TooManyTries, outcomes) == 19

    def test_counts_hold_in_another_process_and_after_a_restart(
        self, app: Flask, config: Config
    ) -> None:
        with app.app_context():
            take_often(5, (FIVE, "ann"))
        other = create_app(config)

        with other.app_context():
            refusal_of(take, (FIVE, "ann"))
            db.session.remove()
            db.engine.dispose()

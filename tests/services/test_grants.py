"""Grants: who may enter, until when, and that the end is an end."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from extensions import db, end_reading
from models import Activity, User
from models_apps import App, AppGrant
from services import days, grants, groups, own_apps
from services.audit import OPERATOR
from services.errors import EmailInvalid
from services.errors_apps import (
    AppUnknown,
    DayUnsuitable,
    GrantGone,
    GroupUnknown,
    HolderMissing,
    PersonUnknown,
)
from services.grants import Given
from tests.apps import DOMAINS, make_app, make_group, version
from tests.people import make_person
from tests.threads import count_of, run_together

pytestmark = [pytest.mark.usefixtures("context"), pytest.mark.settings(**DOMAINS)]

ANN = "ann@example.org"


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user()


@pytest.fixture
def wiki() -> App:
    return make_app("Wiki")


def own(user: User) -> list[str]:
    end_reading()
    return [app.name for app in own_apps.list_own(user).rows]


def requestable(user: User) -> list[str]:
    end_reading()
    return [app.name for app in own_apps.list_requestable(user).rows]


class TestWhoMayEnter:
    def test_a_person_that_was_let_in(self, ann: User, wiki: App) -> None:
        before = version()
        assert (own(ann), own_apps.may_enter(ann, wiki.id)) == ([], False)
        grants.give(wiki.id, " Ann@EXAMPLE.org ", None, OPERATOR)
        given = version()
        assert (own(ann), given == before) == (["Wiki"], False)

        grant = grants.list_of_person(ann)[0]
        assert grants.take(wiki.id, grant.id, OPERATOR) == ANN
        assert (own(ann), version() in {before, given}) == ([], False)

    def test_the_members_of_a_group_as_long_as_they_are(self, ann: User, wiki: App) -> None:
        staff = make_group("staff")
        grants.give(wiki.id, "staff", None, OPERATOR)
        assert own(ann) == []
        groups.add(staff.id, ANN, OPERATOR)
        assert own(ann) == ["Wiki"]
        groups.remove(staff.id, ann.id, OPERATOR)
        assert own(ann) == []

    def test_everyone_where_the_app_says_so(self, ann: User, wiki: App) -> None:
        make_app("Lunch", for_everyone=True)
        make_app("Vault", requestable=False)
        assert (own(ann), requestable(ann)) == (["Lunch"], ["Wiki"])

    def test_until_the_moment_that_the_grant_ends(self, ann: User, wiki: App) -> None:
        end = days.end_of_day(f"{datetime.now(UTC).year + 1}-01-01")
        assert end is not None
        grants.give(wiki.id, ANN, end, OPERATOR)
        with time_machine.travel(end - timedelta(seconds=1), tick=False):
            assert own(ann) == ["Wiki"]
        with time_machine.travel(end, tick=False):
            assert (own(ann), grants.find_end(ann, wiki.id)) == ([], end)
            assert grants.has_ended(grants.list_page(wiki.id).rows[0])


class TestGiving:
    def test_again_it_gets_the_new_end_and_the_old_one_is_told(self, ann: User, wiki: App) -> None:
        soon = days.end_of_day(str((datetime.now(UTC) + timedelta(days=3)).date()))
        assert grants.give(wiki.id, ANN, None, OPERATOR) == Given(ANN, None, False, None)
        assert grants.give(wiki.id, ANN, soon, OPERATOR) == Given(ANN, soon, True, None)
        assert grants.give(wiki.id, ANN, None, OPERATOR) == Given(ANN, None, True, soon)
        assert db.session.scalar(select(func.count()).select_from(AppGrant)) == 1

    @pytest.mark.parametrize(
        ("holder", "refusal"),
        [
            ("", HolderMissing), (" ", HolderMissing), ("nobody@example.org", PersonUnknown),
            ("board", GroupUnknown), ("a@", EmailInvalid), ("Staff", GroupUnknown),
        ],
    )  # fmt: skip
    def test_to_nobody_is_refused_at_its_field(
        self, wiki: App, holder: str, refusal: type[Exception]
    ) -> None:
        make_group("staff")
        before = version()
        with pytest.raises(refusal) as refused:
            grants.give(wiki.id, holder, None, OPERATOR)
        assert refused.value.field == "holder"  # type: ignore[attr-defined]
        assert version() == before

    def test_of_an_app_that_is_not_there(self, ann: User, wiki: App) -> None:
        with pytest.raises(AppUnknown):
            grants.give(wiki.id + 1, ANN, None, OPERATOR)

    def test_only_what_is_there_can_be_taken(self, ann: User, wiki: App) -> None:
        chat = make_app("Chat")
        grants.give(wiki.id, ANN, None, OPERATOR)
        grant = grants.list_page(wiki.id).rows[0]
        with pytest.raises(GrantGone):
            grants.take(chat.id, grant.id, OPERATOR)
        grants.take(wiki.id, grant.id, OPERATOR)
        with pytest.raises(GrantGone):
            grants.take(wiki.id, grant.id, OPERATOR)

    def test_the_person_reads_of_it(self, ann: User, wiki: App) -> None:
        grants.give(wiki.id, ANN, None, OPERATOR)
        newest = select(Activity.event, Activity.user_id).order_by(Activity.id.desc())
        assert db.session.execute(newest).first() == ("access_given", ann.id)

    def test_lists_go_on_where_a_page_ends(self, wiki: App) -> None:
        for number in range(3):
            grants.give(wiki.id, make_person(f"p{number}@example.org").email, None, OPERATOR)
        first = grants.list_page(wiki.id, size=2)
        second = grants.list_page(wiki.id, int(first.next_after), size=2)
        assert (len(first.rows), len(second.rows), second.next_after) == (2, 1, "")

    def test_of_many_who_let_the_same_person_in_all_do_and_one_row_tells(
        self, app: Flask, ann: User, wiki: App
    ) -> None:
        outcomes = run_together(app, 4, lambda _: grants.give(wiki.id, ANN, None, OPERATOR))
        assert count_of(Given, outcomes) == 4
        end_reading()
        assert len(grants.list_page(wiki.id).rows) == 1


class TestDays:
    NOW = datetime(2026, 11, 24, 23, 59, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("typed", "end"),
        [
            ("", None),
            ("2026-11-24", datetime(2026, 11, 25, tzinfo=UTC)),
            (" 2026-11-27 ", datetime(2026, 11, 28, tzinfo=UTC)),
            ("2028-02-29", datetime(2028, 3, 1, tzinfo=UTC)),
        ],
    )
    def test_a_day_ends_at_midnight(self, typed: str, end: datetime | None) -> None:
        with time_machine.travel(self.NOW, tick=False):
            assert days.end_of_day(typed) == end
        assert str(days.last_day(end) or "") == typed.strip()

    @pytest.mark.parametrize(
        "typed",
        [
            "2026-11-23", "2027-02-29", "9999-12-31", "2037-01-01", "20261127", "2026-W48-5",
            "27.11.2026", "tomorrow", "2026-11-27T00:00", "٢٠٢٦-١١-٢٧", "-2026-11-27", "0000-01-01",
        ],
    )  # fmt: skip
    def test_what_is_none_or_over_or_far_away_is_refused(self, typed: str) -> None:
        with time_machine.travel(self.NOW, tick=False), pytest.raises(DayUnsuitable):
            days.end_of_day(typed)

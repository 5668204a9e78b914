"""Who administers the portal: made, unmade, and never none."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from extensions import db, end_reading
from models import Activity, LoginSession, User
from services import accounts, administrators
from services.errors_accounts import LastAdministrator
from tests.messages import messages_to
from tests.people import CLIENT, PASSWORD, load_user, open_session
from tests.threads import count_of, run_together

pytestmark = pytest.mark.usefixtures("context")


def close(user: User) -> None:
    accounts.close(user, PASSWORD, CLIENT)


ENDS = [administrators.demote, accounts.delete_account, accounts.disable, close]
"""Everything after which a person is no administrator who can sign in."""


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user(admin=True)


@pytest.fixture
def bob(new_user: Callable[..., User]) -> User:
    return new_user("bob@example.org")


def events() -> list[str]:
    end_reading()
    return list(db.session.scalars(select(Activity.event).order_by(Activity.id)))


def count_administrators() -> int:
    """Those who can sign in."""
    end_reading()
    usable = User.is_admin & User.disabled_at.is_(None)
    return db.session.scalar(select(func.count()).where(usable)) or 0


class TestPromoting:
    def test_it_is_told_written_down_and_ends_every_session(self, bob: User) -> None:
        open_session(bob)
        epoch = bob.epoch
        assert administrators.promote(bob)

        user = load_user(bob.id)
        assert (user.is_admin, user.epoch) == (True, epoch + 1)
        assert db.session.scalar(select(func.count()).select_from(LoginSession)) == 0
        assert len(messages_to(bob.email, "administrator_made")) == 1
        assert events()[-1] == "administrator_made"

    def test_an_administrator_stays_as_they_are(self, ann: User) -> None:
        assert not administrators.promote(ann)

        assert load_user(ann.id).epoch == ann.epoch
        assert events() == []


class TestDemoting:
    def test_it_is_told_written_down_and_ends_every_session(self, ann: User, bob: User) -> None:
        administrators.promote(bob)
        open_session(ann)
        assert administrators.demote(load_user(ann.id))

        assert not load_user(ann.id).is_admin
        assert db.session.scalar(select(func.count()).select_from(LoginSession)) == 0
        assert len(messages_to(ann.email, "administrator_ended")) == 1
        assert events()[-1] == "administrator_ended"

    def test_an_ordinary_person_stays_as_they_are(self, ann: User, bob: User) -> None:
        assert not administrators.demote(bob)
        assert events() == []

    @pytest.mark.parametrize("act", ENDS)
    def test_the_last_one_stays(self, ann: User, bob: User, act: Callable[[User], object]) -> None:
        with pytest.raises(LastAdministrator):
            act(ann)

        assert count_administrators() == 1
        assert events() == []

    def test_one_who_is_disabled_already_is_not_the_last(self, ann: User, bob: User) -> None:
        administrators.promote(bob)
        accounts.disable(load_user(bob.id))

        assert not accounts.disable(load_user(bob.id))
        assert accounts.enable(load_user(bob.id))
        assert accounts.disable(load_user(ann.id))

    def test_a_disabled_one_does_not_count(self, ann: User, bob: User) -> None:
        administrators.promote(bob)
        accounts.disable(load_user(bob.id))
        with pytest.raises(LastAdministrator):
            administrators.demote(load_user(ann.id))

        assert administrators.demote(load_user(bob.id))

    @pytest.mark.parametrize("act", ENDS)
    def test_of_two_at_the_same_moment_one_stays(
        self, app: Flask, ann: User, bob: User, act: Callable[[User], object]
    ) -> None:
        administrators.promote(bob)
        end_reading()
        both = (ann.id, bob.id)
        outcomes = run_together(app, 2, lambda number: act(load_user(both[number])))

        assert count_of(LastAdministrator, outcomes) == 1, outcomes
        assert count_administrators() == 1


class TestDeleting:
    def test_the_account_is_gone_and_the_person_is_told(self, bob: User) -> None:
        open_session(bob)
        accounts.delete_account(bob)

        assert db.session.scalar(select(func.count()).select_from(User)) == 0
        assert len(messages_to("bob@example.org", "account_closed")) == 1
        kept = db.session.execute(select(Activity.event, Activity.user_id, Activity.address))
        assert [tuple(row) for row in kept] == [
            ("signed_in", None, ""),
            ("account_deleted", None, ""),
        ]

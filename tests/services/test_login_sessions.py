"""Login sessions: how long they live, what ends them, and what renews them."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from extensions import db, end_reading, writing
from models import LoginSession, User
from services import accounts, credentials, login_sessions
from services.audit import Client
from services.errors import LoginSessionOver, NotFound
from tests.messages import messages_to
from tests.people import CLIENT, load_user, open_session
from tests.threads import count_of, run_together

MINUTE = 60
HOUR = 3600
DAY = 86400

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user()


@pytest.fixture
def admin(new_user: Callable[..., User]) -> User:
    return new_user("operator@example.org", admin=True)


def sign_in(user: User, *, remember_me: bool = False, client: Client = CLIENT) -> str:
    """Returns what the browser's cookie holds."""
    with writing() as session:
        return login_sessions.start(
            session, user, client, "pwd", remember_me=remember_me, full_proof=True
        )


def use(token: str) -> bool:
    """One request: is the session live? Where it is, it was seen."""
    found = login_sessions.find(token)
    if found:
        login_sessions.note_seen(found)
    return found is not None


def use_until_it_ends(token: str, clock: time_machine.Traveller, step: int) -> int:
    """A request every ``step`` seconds; returns the seconds after which the session was dead."""
    seconds = 0
    while use(token):
        clock.shift(step)
        seconds += step
        assert seconds < 60 * DAY
    return seconds


class TestHowMany:
    @pytest.mark.settings(GATEPOST_SESSIONS_PER_PERSON="3")
    def test_beyond_so_many_those_unseen_for_longest_end(
        self, ann: User, new_user: Callable[..., User], clock: time_machine.Traveller
    ) -> None:
        other, first = sign_in(new_user("bob@example.org")), sign_in(ann)
        tokens = []
        for _ in range(40):
            clock.shift(MINUTE)
            assert use(first)
            tokens.append(sign_in(ann))
        live = [token for token in tokens if use(token)]

        assert 1 + len(live) == 3
        assert live == tokens[-len(live) :], "the latest ones"
        assert use(first), "which was in use all the time"
        assert use(other), "another person's"

    def test_others_signing_in_between_change_nothing(
        self, ann: User, new_user: Callable[..., User]
    ) -> None:
        bob = new_user("bob@example.org")
        for _ in range(60):
            sign_in(ann)
            sign_in(bob)

        assert [len(login_sessions.list_live(person)) for person in (ann, bob)] == [50, 50]

    def test_fifty_are_kept(self, ann: User, clock: time_machine.Traveller) -> None:
        tokens = [sign_in(ann) for _ in range(50)]
        assert all(use(token) for token in tokens)
        for _ in range(50):
            sign_in(ann, remember_me=True)

        assert len(login_sessions.list_live(ann)) == 50


class TestItsLife:
    def test_it_ends_an_hour_after_the_last_request(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        token = sign_in(ann)
        clock.shift(HOUR - 1)
        assert use(token)
        clock.shift(HOUR - 1)
        assert use(token)

        clock.shift(HOUR)
        assert not use(token)

    def test_it_ends_after_twelve_hours_however_busy(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        assert use_until_it_ends(sign_in(ann), clock, 30 * MINUTE) == 12 * HOUR

    def test_it_lives_to_the_last_second_of_them(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        token = sign_in(ann)
        for _ in range(23):
            clock.shift(30 * MINUTE)
            use(token)
        clock.shift(30 * MINUTE - 1)
        assert use(token)

        clock.shift(1)
        assert not use(token)

    def test_remember_me_is_fourteen_days_without_idle_time(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        token = sign_in(ann, remember_me=True)
        clock.shift(14 * DAY - 1)
        assert use(token)

        clock.shift(1)
        assert not use(token)

    def test_an_administrator_s_ends_after_half_an_hour_of_rest(
        self, admin: User, clock: time_machine.Traveller
    ) -> None:
        token = sign_in(admin)
        clock.shift(30 * MINUTE - 1)
        assert use(token)

        clock.shift(30 * MINUTE)
        assert not use(token)

    @pytest.mark.parametrize("remember_me", [False, True])
    def test_an_administrator_s_ends_after_twelve_hours_remembered_or_not(
        self, admin: User, remember_me: bool, clock: time_machine.Traveller
    ) -> None:
        token = sign_in(admin, remember_me=remember_me)
        assert use_until_it_ends(token, clock, 15 * MINUTE) == 12 * HOUR

    @pytest.mark.settings(
        GATEPOST_SESSION_IDLE_SECONDS="120",
        GATEPOST_SESSION_SECONDS="600",
        GATEPOST_REMEMBER_ME_DAYS="2",
        GATEPOST_ADMIN_SESSION_IDLE_SECONDS="60",
        GATEPOST_ADMIN_SESSION_SECONDS="300",
    )
    def test_its_numbers_are_settings(
        self, ann: User, admin: User, clock: time_machine.Traveller
    ) -> None:
        assert use_until_it_ends(sign_in(ann), clock, 60) == 600
        assert use_until_it_ends(sign_in(ann), clock, 120) == 120
        assert use_until_it_ends(sign_in(ann, remember_me=True), clock, HOUR) == 2 * DAY
        assert use_until_it_ends(sign_in(admin), clock, 30) == 300, "in use"
        assert use_until_it_ends(sign_in(admin), clock, 60) == 60

    def test_being_seen_is_written_once_a_minute(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        token = sign_in(ann)
        first = db.session.scalars(select(LoginSession.last_seen_at)).one()
        clock.shift(59)
        use(token)
        assert db.session.scalars(select(LoginSession.last_seen_at)).one() == first

        clock.shift(1)
        use(token)
        end_reading()
        seen = db.session.scalars(select(LoginSession.last_seen_at)).one()
        assert (seen - first).total_seconds() == 60


class TestItsToken:
    def test_it_stands_nowhere(self, ann: User) -> None:
        token = sign_in(ann)
        row = db.session.scalars(select(LoginSession)).one()

        assert len(token) >= 22, "128 bits"
        assert token not in {str(value) for value in vars(row).values()}

    @pytest.mark.parametrize("token", ["", "x", "\x00", "ä", "a" * 5000])
    def test_none_can_be_made_up(self, ann: User, token: str) -> None:
        sign_in(ann)
        assert login_sessions.find(token) is None

    def test_a_digest_from_the_database_is_no_token(self, ann: User) -> None:
        sign_in(ann)
        digest = db.session.scalars(select(LoginSession.token_digest)).one()
        assert login_sessions.find(digest) is None

    def test_renewing_it_kills_the_old_one(self, ann: User) -> None:
        old = sign_in(ann)
        found = login_sessions.find(old)
        assert found is not None
        with writing() as session:
            new = login_sessions.renew(session, found)

        assert not use(old)
        assert use(new)

    def test_of_twenty_renewals_at_once_one_wins(self, app: Flask, ann: User) -> None:
        token = sign_in(ann)
        end_reading()

        def renew(_number: int) -> str:
            found = login_sessions.find(token)
            if found is None:
                raise LoginSessionOver
            with writing() as session:
                return login_sessions.renew(session, found)

        outcomes = run_together(app, 20, renew)
        assert count_of(str, outcomes) == 1, outcomes
        assert count_of(LoginSessionOver, outcomes) == 19

    def test_what_the_browser_says_of_itself_is_cut(self, ann: User) -> None:
        sign_in(ann, client=Client("1" * 90, "<b>" * 500))
        row = db.session.scalars(select(LoginSession)).one()
        assert (len(row.address), len(row.user_agent)) == (45, 200)


class TestWhatEndsIt:
    def test_signing_out(self, ann: User) -> None:
        here, there = open_session(ann), sign_in(ann)
        login_sessions.sign_out(here, CLIENT)

        assert db.session.scalar(select(func.count()).select_from(LoginSession)) == 1
        assert use(there)

    def test_disabling_the_account_at_its_next_request(self, ann: User) -> None:
        token = sign_in(ann)
        accounts.disable(ann)
        assert not use(token)

        accounts.enable(load_user(ann.id))
        assert not use(token), "an account that comes back brings no session back"

    def test_a_disabled_account_even_where_its_row_is_left(self, ann: User) -> None:
        token = sign_in(ann)
        with writing() as session:
            session.execute(update(User).values(disabled_at=ann.created_at))
        assert not use(token)

    def test_a_newer_epoch_even_where_its_row_is_left(self, ann: User) -> None:
        token = sign_in(ann)
        with writing() as session:
            session.execute(update(User).values(epoch=User.epoch + 1))
        assert not use(token)

    def test_any_change_of_a_credential_but_for_the_one_that_made_it(self, ann: User) -> None:
        acting, elsewhere = open_session(ann), sign_in(ann)
        with writing() as session:
            renewed = credentials.changed(session, ann, acting)

        assert use(renewed)
        assert not use(elsewhere)
        assert login_sessions.list_live(load_user(ann.id)) == [login_sessions.find(renewed)]

    def test_sign_out_everywhere_else_and_the_person_is_told(self, ann: User) -> None:
        acting, elsewhere = open_session(ann), sign_in(ann)
        renewed = credentials.sign_out_elsewhere(acting, CLIENT)

        assert use(renewed)
        assert not use(elsewhere)
        assert len(messages_to(ann.email, "sessions_ended")) == 1

    def test_ending_one_from_the_list(self, ann: User) -> None:
        one, other = open_session(ann), sign_in(ann)
        login_sessions.end(ann, one.id, CLIENT)

        assert use(other)
        with pytest.raises(NotFound):
            login_sessions.end(ann, one.id, CLIENT)

    def test_nobody_ends_another_s(self, ann: User, new_user: Callable[..., User]) -> None:
        bobs = sign_in(new_user("bob@example.org"))
        row = login_sessions.find(bobs)
        assert row is not None
        with pytest.raises(NotFound):
            login_sessions.end(ann, row.id, CLIENT)

        assert use(bobs)


def test_the_list_shows_live_ones_only_the_last_used_first(
    ann: User, new_user: Callable[..., User], clock: time_machine.Traveller
) -> None:
    sign_in(new_user("bob@example.org"))
    sign_in(ann)
    kept = sign_in(ann, remember_me=True)
    clock.shift(HOUR)
    newest = sign_in(ann)
    assert [row.id for row in login_sessions.list_live(ann)] == [
        row.id for row in (login_sessions.find(newest), login_sessions.find(kept)) if row
    ]

    clock.shift(61)
    use(kept)
    assert login_sessions.list_live(ann)[0] == login_sessions.find(kept)

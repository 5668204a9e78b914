"""What operators do with accounts, and what closing one leaves."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from extensions import db, end_reading, writing
from models import Activity, EmailLink, LoginSession, Message, Phone, RememberedBrowser, User
from models_apps import AccessRequest, AppGrant, GateState, GroupMember
from services import access_requests, accounts, browsers, codes, groups, login_sessions, sign_in
from services.audit import OPERATOR
from services.challenges import Purpose
from services.clock import now
from services.errors import (
    CurrentPasswordIncorrect,
    EmailInvalid,
    EmailTaken,
    NotFound,
    PasswordUnsuitable,
)
from services.sign_in import Browser, SignedIn
from tests.apps import DOMAINS, let_in, make_app, make_group
from tests.challenges import code_of
from tests.messages import messages_to, queue
from tests.people import CLIENT, NUMBER, PASSWORD, Person, load_user, open_session

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user(number=NUMBER, two_factor=True)


@pytest.fixture
def bob(new_user: Callable[..., User]) -> User:
    return new_user("bob@example.org")


def remember_browser(user: User) -> None:
    with writing() as session:
        browsers.remember(session, user, CLIENT)


def count(table: type) -> int:
    end_reading()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def events() -> list[str]:
    end_reading()
    return list(db.session.scalars(select(Activity.event).order_by(Activity.id)))


class TestCreating:
    def test_with_a_password_it_is_ready(self) -> None:
        assert accounts.create("Ann@EXAMPLE.org", " Ann ", False, PASSWORD) == ""

        user = accounts.find("ann@example.org")
        assert (user.email, user.name, user.is_admin) == ("Ann@example.org", "Ann", False)
        outcome = sign_in.with_password("ann@example.org", PASSWORD, False, Browser(CLIENT))
        assert isinstance(outcome, SignedIn)
        assert events()[0] == "account_created"

    def test_without_one_a_link_is_made(self) -> None:
        link = accounts.create("ann@example.org", "", True, None)

        assert link.startswith("http://127.0.0.1:8000/reset-password/")
        user = accounts.find("ann@example.org")
        assert (user.password_hash, user.is_admin) == (None, True)

    @pytest.mark.parametrize("email", ["ann@example.org", "ANN@example.org"])
    def test_an_address_has_one_account(self, ann: User, email: str) -> None:
        with pytest.raises(EmailTaken):
            accounts.create(email, "", False, PASSWORD)

    @pytest.mark.parametrize(
        ("email", "password", "refusal"),
        [("x", None, EmailInvalid), ("a@example.org", "short", PasswordUnsuitable)],
    )
    def test_the_usual_rules_hold(
        self, email: str, password: str | None, refusal: type[Exception]
    ) -> None:
        with pytest.raises(refusal):
            accounts.create(email, "", False, password)
        assert count(User) == 0


class TestInviting:
    def test_who_has_an_account_needs_no_invitation(self, ann: User) -> None:
        with pytest.raises(EmailTaken):
            accounts.invite(" ANN@example.org")
        assert (count(Message), count(EmailLink)) == (0, 0)


class TestFinding:
    def test_by_any_way_to_write_the_address(self, ann: User) -> None:
        assert accounts.find(" ANN@Example.org ").id == ann.id

    def test_an_unknown_one_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            accounts.find("nobody@example.org")


class TestDisabling:
    def test_all_ends_at_once_and_the_person_is_told(self, ann: User) -> None:
        open_session(ann)
        remember_browser(ann)
        accounts.disable(ann)

        assert (count(LoginSession), count(RememberedBrowser)) == (0, 0)
        assert load_user(ann.id).disabled_at is not None
        assert len(messages_to(ann.email, "account_disabled")) == 1

    def test_enabling_lets_the_person_in_and_nothing_else_back(self, ann: User) -> None:
        epoch = ann.epoch
        accounts.disable(ann)
        accounts.enable(load_user(ann.id))

        user = load_user(ann.id)
        assert (user.disabled_at, user.epoch) == (None, epoch + 1)
        assert len(messages_to(ann.email, "account_enabled")) == 1
        assert events() == ["account_disabled", "account_enabled"]

    def test_what_is_so_already_is_said_to_nobody(self, ann: User) -> None:
        assert not accounts.enable(ann)
        assert accounts.disable(ann)
        epoch = load_user(ann.id).epoch
        assert not accounts.disable(ann)

        assert load_user(ann.id).epoch == epoch
        assert events() == ["account_disabled"]
        assert len(messages_to(ann.email, "account_disabled")) == 1


class TestResettingTwoFactor:
    def test_numbers_and_hindrances_are_gone_and_the_person_is_told(self, ann: User) -> None:
        with writing() as session:
            session.execute(
                update(User).values(
                    email_way_barred_at=ann.created_at, email_way_disabled_at=ann.created_at,
                    email_code_failures=100,
                )
            )  # fmt: skip
        open_session(ann)
        remember_browser(ann)
        accounts.reset_two_factor(ann)

        user = load_user(ann.id)
        assert not user.two_factor_enabled
        assert (user.email_way_barred_at, user.email_way_disabled_at) == (None, None)
        assert user.email_code_failures == 0
        assert [count(t) for t in (Phone, LoginSession, RememberedBrowser)] == [0, 0, 0]
        assert len(messages_to(ann.email, "two_factor_reset")) == 1
        assert not accounts.reset_two_factor(load_user(ann.id)), "again does nothing"
        assert len(messages_to(ann.email, "two_factor_reset")) == 1


class TestClosing:
    def test_nothing_that_names_the_person_stays(self, ann: User) -> None:
        open_session(ann)
        remember_browser(ann)
        codes.send(ann, Purpose.SIGN_IN, None, "email", CLIENT)
        accounts.close(ann, PASSWORD, CLIENT)

        for table in (User, Phone, LoginSession, RememberedBrowser):
            assert count(table) == 0, table
        kept = select(Activity.user_id, Activity.address, Activity.user_agent)
        assert {tuple(row) for row in db.session.execute(kept)} == {(None, "", "")}
        assert events()[-1] == "account_closed"
        waiting = select(Message.user_id, Message.destination_masked)
        assert {tuple(row) for row in db.session.execute(waiting)} == {(None, "")}
        assert len(messages_to("ann@example.org", "account_closed")) == 1

    def test_messages_that_are_done_with_go_and_those_on_their_way_still_go_out(
        self, ann: User, bob: User
    ) -> None:
        queue(user_id=bob.id)
        queue(user_id=ann.id)
        with writing() as session:
            session.execute(update(Message).values(state="sent", payload=None))
        accounts.reset_two_factor(ann)
        accounts.close(ann, PASSWORD, CLIENT)

        kept = db.session.scalars(select(Message.kind).order_by(Message.id))
        assert list(kept) == ["sign_in_code", "two_factor_reset", "account_closed"]

    def test_an_invitation_to_the_address_goes_too(self, new_user: Callable[..., User]) -> None:
        accounts.invite("ann@example.org")
        accounts.invite("bob@example.org")
        accounts.close(new_user(), PASSWORD, CLIENT)

        assert list(db.session.scalars(select(EmailLink.email))) == ["bob@example.org"]

    def test_what_is_kept_of_others_stays(self, ann: User, bob: User) -> None:
        open_session(bob)
        accounts.close(ann, PASSWORD, CLIENT)

        kept = db.session.scalars(select(Activity.address).where(Activity.user_id == bob.id))
        assert list(kept) == [CLIENT.address]

    def test_not_with_a_wrong_password(self, ann: User) -> None:
        with pytest.raises(CurrentPasswordIncorrect):
            accounts.close(ann, "wrong", CLIENT)
        assert count(User) == 1

    def test_the_address_is_free_again(self, ann: User) -> None:
        accounts.close(ann, PASSWORD, CLIENT)
        db.session.remove()  # as after a request

        accounts.create("ann@example.org", "", False, PASSWORD)


class TestDescribing:
    def test_why_can_t_ann_get_in(self, ann: User) -> None:
        with writing() as session:
            session.execute(update(Phone).values(disabled_at=ann.created_at))
            session.execute(update(User).values(email_way_disabled_at=ann.created_at))
        open_session(ann)
        told = accounts.describe(load_user(ann.id))

        assert told["email_codes"] == "disabled after too many wrong codes"
        assert told["phones"] == [
            {"number": "the number ending 23", "primary": True, "disabled": True}
        ]
        assert (told["sessions"], told["two_factor"], told["disabled"]) == (1, True, False)
        assert isinstance(told["activity"], list)
        assert told["activity"][0]["event"] == "signed_in"

    @pytest.mark.parametrize(
        ("number", "told"), [(NUMBER, "not until another way was used"), (None, "possible")]
    )
    def test_after_a_reset_by_mail_codes_come_by_email_where_there_is_no_other_way(
        self, new_user: Callable[..., User], number: str | None, told: str
    ) -> None:
        user = new_user("eve@example.org", number=number)
        with writing() as session:
            session.execute(update(User).values(email_way_barred_at=user.created_at))

        assert accounts.describe(load_user(user.id))["email_codes"] == told

    def test_it_holds_no_whole_number_no_code_and_no_secret(self, ann: User) -> None:
        reference = codes.send(ann, Purpose.SIGN_IN, None, f"phone:{ann.phones[0].id}", CLIENT)
        text = json.dumps(accounts.describe(load_user(ann.id)))

        assert ann.password_hash is not None
        for secret in (NUMBER, NUMBER[-4:], code_of(reference), ann.password_hash):
            assert secret not in text
        assert "sign_in_code" in text

    def test_the_latest_come_first_and_are_few(self, ann: User) -> None:
        for _ in range(25):
            open_session(ann)
        told = accounts.describe(load_user(ann.id))
        assert isinstance(told["activity"], list)
        assert len(told["activity"]) == 20


def test_one_person_s_account_tells_nothing_of_another_s(
    ann: User, new_user: Callable[..., User]
) -> None:
    bob = new_user("bob@example.org", number="+12015550188")
    open_session(bob)
    told = accounts.describe(ann)

    assert (told["sessions"], told["activity"]) == (0, [])
    assert login_sessions.list_live(ann) == []


@pytest.mark.settings(**DOMAINS)
class TestAppsOfAPerson:
    def test_what_they_may_enter_and_wait_for_is_told(self, ann: User) -> None:
        wiki, chat, mail = make_app("Wiki"), make_app("Chat"), make_app("Mail")
        staff = make_group("staff", [Person(ann.id, ann.email)])
        groups.set_manager(staff.id, ann.id, True, OPERATOR)
        let_in(wiki, "staff")
        let_in(chat, ann.email, now() + timedelta(days=1))
        access_requests.ask(ann, mail.id, "For letters.", CLIENT)

        told = json.loads(json.dumps(accounts.describe(load_user(ann.id))))
        assert told["groups"] == [{"group": "staff", "manager": "manager"}]
        assert told["apps"] == [{"app": "Chat"}, {"app": "Wiki"}]
        assert told["let_in"] == [{"app": "Chat", "until": str((now() + timedelta(days=1)).date())}]
        (asked,) = told["asked_for"]
        assert (asked["app"], asked["reason"], asked["answer"]) == (
            "Mail",
            "For letters.",
            "waiting",
        )

    def test_a_closed_account_leaves_none_of_it_and_the_gate_hears_of_it(self, ann: User) -> None:
        wiki = make_app("Wiki")
        let_in(wiki, ann.email)
        make_group("staff", [Person(ann.id, ann.email)])
        access_requests.ask(ann, make_app("Chat").id, "", CLIENT)
        end_reading()
        before = db.session.scalar(select(GateState.version)) or 0
        accounts.close(load_user(ann.id), PASSWORD, CLIENT)

        assert [count(table) for table in (AppGrant, GroupMember, AccessRequest)] == [0, 0, 0]
        assert db.session.scalar(select(GateState.version)) != before

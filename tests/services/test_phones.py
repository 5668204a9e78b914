"""A person's numbers: proved before they count, changed without a gap, never the way out lost."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select, update

from extensions import db, end_reading, writing
from models import LoginSession, Message, Phone, User
from services import codes, login_sessions, phones, two_factor
from services.challenges import Purpose, Reference
from services.errors import LastWay, NotFound, NoUsableWay, TwoFactorRequired
from services.errors_codes import (
    ChallengeClosed,
    ChallengeConsumed,
    CodeExpired,
    CodeIncorrect,
    CodeTriesUsed,
    NothingSent,
    TooSoonToResend,
)
from services.errors_numbers import (
    CountryNotAllowed,
    NumberAlreadyYours,
    NumberInvalid,
    NumberUnsuitable,
    TextsOff,
    TooManyNumbers,
)
from tests.challenges import code_of, row
from tests.messages import messages_to
from tests.people import CLIENT, NUMBER, load_user, open_session
from tests.threads import count_of, run_together

OTHER = "+12015550188"
THIRD = "+12025550177"
FREE = {
    "GATEPOST_NEW_NUMBER_PREFIX_PER_10_MINUTES": "1000",
    "GATEPOST_NEW_NUMBER_PREFIX_PER_DAY": "1000",
    "GATEPOST_NEW_NUMBERS_PER_HOUR": "1000",
    "GATEPOST_NEW_NUMBERS_PER_ADDRESS_PER_HOUR": "1000",
    "GATEPOST_SENDS_PER_HOUR": "1000",
    "GATEPOST_SENDS_PER_DAY": "1000",
}

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user()


@pytest.fixture
def bob(new_user: Callable[..., User]) -> User:
    return new_user("bob@example.org", number=NUMBER, two_factor=True)


def start(user: User, number: str = NUMBER, replaces: Reference | None = None) -> Reference:
    return phones.start_adding(user, number, replaces, CLIENT)


def start_change(user: User, number: str = OTHER) -> Reference:
    return phones.start_changing(user, user.phones[0].id, number, None, CLIENT)


def confirm(
    user: User, reference: Reference, purpose: Purpose = Purpose.ADD_PHONE, code: str = ""
) -> LoginSession:
    """Enter the code; returns the acting session as it is afterwards."""
    acting = open_session(load_user(user.id))
    token = phones.confirm(
        acting.user, purpose, reference, code or code_of(reference), acting, CLIENT
    )
    found = login_sessions.find(token)
    assert found is not None
    return found


def add(user: User, number: str = NUMBER) -> None:
    confirm(user, start(load_user(user.id), number))


def numbers_of(user: User) -> list[tuple[str, bool]]:
    """The person's numbers, the primary one first."""
    end_reading()
    rows = select(Phone).where(Phone.user_id == user.id).execution_options(populate_existing=True)
    found = db.session.scalars(rows.order_by(Phone.is_primary.desc(), Phone.id))
    return [(phone.number, phone.is_primary) for phone in found]


def texts_of(kind: str, to: str) -> list[dict[str, object]]:
    return messages_to(to, kind)


class TestTyping:
    @pytest.mark.parametrize(
        "typed",
        ["+12015550123", "+1 (201) 555-0123", "201 555 0123", "(201) 555-0123", " 1-201-555-0123 ",
         "+1.201.555.0123", "+1201555 0123", "tel:+1-201-555-0123"],
    )  # fmt: skip
    def test_a_number_is_kept_in_one_form(self, typed: str) -> None:
        assert phones.parse_number(typed) == NUMBER

    @pytest.mark.parametrize(
        "typed",
        ["", "abc", "555", "+1 201 555", "+999 123 456 789", "911", "+1 201 555 0123 ext. 4",
         "+12015550123; +12015550188", "0" * 5000, "+1" + "2" * 39, "\x00"],
    )  # fmt: skip
    def test_what_is_no_number_is_refused(self, typed: str) -> None:
        with pytest.raises(NumberInvalid):
            phones.parse_number(typed)

    @pytest.mark.parametrize("typed", ["+1 800 555 0199", "+1 900 555 0199", "+49 30 23125 0000"])
    def test_a_number_that_gets_no_texts_is_refused_before_one_is_paid_for(
        self, typed: str
    ) -> None:
        with pytest.raises((NumberUnsuitable, NumberInvalid)):
            phones.parse_number(typed)

    @pytest.mark.settings(GATEPOST_SMS_COUNTRIES="US,DE")
    def test_only_the_operator_s_countries_get_texts(self) -> None:
        assert phones.parse_number(NUMBER) == NUMBER
        assert phones.parse_number("+49 176 04069012") == "+4917604069012"
        with pytest.raises(CountryNotAllowed):
            phones.parse_number("+61 491 570 156")

    @pytest.mark.settings(GATEPOST_SMS_COUNTRIES="DE,US")
    def test_a_number_without_its_country_is_the_operator_s(self) -> None:
        assert phones.parse_number("0176 04069012") == "+4917604069012"


class TestAdding:
    def test_it_counts_only_once_its_code_was_entered(self, ann: User) -> None:
        reference = start(ann, "(201) 555-0123")
        assert numbers_of(ann) == []
        ((code,),) = [[values["code"] for values in texts_of("phone_code", NUMBER)]]
        assert code == code_of(reference)
        confirm(ann, reference)

        assert numbers_of(ann) == [(NUMBER, True)]
        (notice,) = messages_to(ann.email, "phone_added")
        assert notice["ending"] == "23"

    def test_the_first_is_the_primary_one(self, ann: User) -> None:
        add(ann, NUMBER)
        add(ann, OTHER)

        assert numbers_of(ann) == [(NUMBER, True), (OTHER, False)]

    def test_other_sessions_end_with_it(self, ann: User) -> None:
        elsewhere = open_session(ann)
        acting = confirm(ann, start(ann))

        (live,) = login_sessions.list_live(load_user(ann.id))
        assert live.id == acting.id != elsewhere.id

    def test_the_number_comes_from_the_row_alone(self, ann: User, bob: User) -> None:
        reference = start(ann)
        with pytest.raises(ChallengeClosed):
            confirm(bob, reference)
        with pytest.raises(ChallengeClosed):
            confirm(ann, reference, Purpose.CHANGE_PHONE)

        assert numbers_of(bob) == [(NUMBER, True)]

    def test_a_code_of_one_number_proves_no_other(self, ann: User) -> None:
        first = start(ann)
        second = start(ann, OTHER, first)
        with pytest.raises(ChallengeClosed):
            confirm(ann, first)
        confirm(ann, second)

        assert numbers_of(ann) == [(OTHER, True)]

    def test_two_people_may_hold_one_number(self, ann: User, bob: User) -> None:
        add(ann, NUMBER)

        assert numbers_of(ann) == numbers_of(bob) == [(NUMBER, True)]

    def test_not_one_s_own_again(self, bob: User) -> None:
        with pytest.raises(NumberAlreadyYours):
            start(bob, "+1 201 555 0123")

    @pytest.mark.settings(**FREE)
    def test_five_are_the_most(self, ann: User) -> None:
        for index in range(4):
            add(ann, f"+1201555011{index}")
        late = start(load_user(ann.id), OTHER)
        add(ann, NUMBER)
        with pytest.raises(TooManyNumbers):
            start(load_user(ann.id), THIRD)
        with pytest.raises(ChallengeClosed):
            confirm(ann, late)
        assert len(numbers_of(ann)) == 5

    @pytest.mark.settings(GATEPOST_SMS_GATEWAY="none")
    def test_not_without_texts(self, ann: User) -> None:
        with pytest.raises(TextsOff):
            start(ann)

    def test_a_used_code_adds_nothing_more(self, ann: User) -> None:
        reference = start(ann)
        confirm(ann, reference)
        with pytest.raises(ChallengeConsumed):
            confirm(ann, reference)
        with pytest.raises(NothingSent):
            phones.resend(load_user(ann.id), Purpose.ADD_PHONE, reference, CLIENT)

    def test_of_twenty_at_once_one_adds_it(self, app: Flask, ann: User) -> None:
        reference = start(ann)
        acting = open_session(ann)
        token_of_row = acting.token_digest
        code = code_of(reference)
        end_reading()

        def enter(_number: int) -> str:
            user = load_user(ann.id)
            own = db.session.scalars(
                select(LoginSession).where(LoginSession.token_digest == token_of_row)
            ).one()
            return phones.confirm(user, Purpose.ADD_PHONE, reference, code, own, CLIENT)

        outcomes = run_together(app, 20, enter)
        assert count_of(str, outcomes) == 1, outcomes
        assert numbers_of(ann) == [(NUMBER, True)]


class TestSendingAgain:
    def test_the_same_code_after_30_seconds(self, ann: User, clock: time_machine.Traveller) -> None:
        reference = start(ann)
        with pytest.raises(TooSoonToResend):
            phones.resend(ann, Purpose.ADD_PHONE, reference, CLIENT)
        clock.shift(30)
        assert phones.resend(ann, Purpose.ADD_PHONE, reference, CLIENT) == reference

        first, second = texts_of("phone_code", NUMBER)
        assert first["code"] == second["code"]

    def test_typing_the_same_number_again_goes_on(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        reference = start(ann)
        clock.shift(30)
        assert start(ann, NUMBER, reference) == reference
        assert len(texts_of("phone_code", NUMBER)) == 2

    def test_typing_it_again_at_once_goes_on_with_the_code_that_was_sent(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        reference = start(ann)
        clock.shift(29)
        assert start(ann, NUMBER, reference) == reference
        assert len(texts_of("phone_code", NUMBER)) == 1
        with pytest.raises(TooSoonToResend):
            start(ann)  # another browser, which the code does not work in

    def test_a_code_that_is_dead_is_not_gone_on_with(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        reference = start(ann)
        for _ in range(5):
            with pytest.raises((CodeIncorrect, CodeTriesUsed)):
                confirm(ann, reference, code="wrong")
        with pytest.raises(TooSoonToResend):
            start(ann, NUMBER, reference)

    def test_strangers_who_type_a_number_keep_none_of_its_owner_s_codes_back(
        self, ann: User, bob: User, clock: time_machine.Traveller
    ) -> None:
        start(ann, NUMBER)
        own = f"phone:{bob.phones[0].id}"
        codes.send(bob, Purpose.SIGN_IN, None, own, CLIENT)
        with pytest.raises(TooSoonToResend):
            codes.send(bob, Purpose.SIGN_IN, None, own, CLIENT)

    def test_an_owner_who_signs_in_keeps_nobody_from_proving_the_number_too(
        self, ann: User, bob: User, clock: time_machine.Traveller
    ) -> None:
        codes.send(bob, Purpose.SIGN_IN, None, f"phone:{bob.phones[0].id}", CLIENT)
        reference = start(ann, NUMBER)
        confirm(ann, reference)

    def test_after_its_end_a_new_one_to_the_same_number(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        old = start(ann)
        clock.shift(600)
        with pytest.raises(CodeExpired):
            confirm(ann, old)
        new = phones.resend(load_user(ann.id), Purpose.ADD_PHONE, old, CLIENT)

        assert new != old
        assert phones.destination_of(ann, Purpose.ADD_PHONE, new) == NUMBER
        confirm(ann, new)

    def test_not_without_an_earlier_one(self, ann: User, bob: User) -> None:
        foreign = start(bob, OTHER)
        for reference in (None, foreign):
            with pytest.raises(NothingSent):
                phones.resend(ann, Purpose.ADD_PHONE, reference, CLIENT)
            assert phones.destination_of(ann, Purpose.ADD_PHONE, reference) == ""


class TestChanging:
    def test_the_old_one_counts_until_the_code_of_the_new_one(self, bob: User) -> None:
        reference = start_change(bob)
        assert numbers_of(bob) == [(NUMBER, True)]
        confirm(bob, reference, Purpose.CHANGE_PHONE)

        assert numbers_of(bob) == [(OTHER, True)]
        (notice,) = messages_to(bob.email, "phone_changed")
        assert (notice["ending"], notice["new_ending"]) == ("23", "88")
        assert len(texts_of("phone_changed", NUMBER)) == 1, "the old number is told"

    def test_a_disabled_one_begins_afresh(self, bob: User) -> None:
        with writing() as session:
            session.execute(update(Phone).values(disabled_at=bob.created_at, code_failures=100))
        confirm(bob, start_change(bob), Purpose.CHANGE_PHONE)

        (phone,) = load_user(bob.id).phones
        db.session.refresh(phone)
        assert (phone.disabled_at, phone.code_failures) == (None, 0)

    def test_nobody_changes_another_s(self, ann: User, bob: User) -> None:
        with pytest.raises(NotFound):
            phones.start_changing(ann, bob.phones[0].id, OTHER, None, CLIENT)

    def test_not_into_one_s_own(self, bob: User) -> None:
        for number in (NUMBER, "(201) 555-0123"):
            with pytest.raises(NumberAlreadyYours):
                start_change(bob, number)

    def test_one_that_was_removed_meanwhile_is_not_brought_back(self, ann: User) -> None:
        add(ann, NUMBER)
        user = load_user(ann.id)
        phone_id = phones.list_shown(user)[0].id
        reference = phones.start_changing(user, phone_id, OTHER, None, CLIENT)
        with writing() as session:
            session.execute(delete(Phone))
        with pytest.raises(NotFound):
            confirm(ann, reference, Purpose.CHANGE_PHONE)

        assert numbers_of(ann) == []
        assert row(reference).consumed_at is None


class TestRemoving:
    def remove(self, user: User, phone_id: int) -> None:
        phones.remove(user, phone_id, open_session(load_user(user.id)), CLIENT)

    def test_the_last_may_go_where_email_is_a_way(self, bob: User) -> None:
        self.remove(bob, bob.phones[0].id)

        assert numbers_of(bob) == []
        assert load_user(bob.id).two_factor_enabled
        assert len(messages_to(bob.email, "phone_removed")) == 1
        assert len(texts_of("phone_changed", NUMBER)) == 1

    def test_not_where_it_is_the_last_way(self, bob: User) -> None:
        with writing() as session:
            session.execute(update(User).values(email_way_disabled_at=bob.created_at))
        with pytest.raises(LastWay, match="or turn two-factor sign-in off"):
            self.remove(load_user(bob.id), bob.phones[0].id)

        assert numbers_of(bob) == [(NUMBER, True)]
        assert db.session.scalars(select(Message)).all() == []

    @pytest.mark.settings(GATEPOST_REQUIRE_TWO_FACTOR="yes")
    def test_where_everyone_needs_it_turning_it_off_is_no_advice(self, bob: User) -> None:
        with writing() as session:
            session.execute(update(User).values(email_way_disabled_at=bob.created_at))
        with pytest.raises(LastWay, match=r"Add another number first\.$"):
            self.remove(load_user(bob.id), bob.phones[0].id)

    def test_another_becomes_the_primary_one(self, ann: User) -> None:
        add(ann, NUMBER)
        add(ann, OTHER)
        first, _second = phones.list_shown(ann)
        self.remove(load_user(ann.id), first.id)

        assert numbers_of(ann) == [(OTHER, True)]

    def test_nobody_removes_another_s(self, ann: User, bob: User) -> None:
        with pytest.raises(NotFound):
            self.remove(ann, bob.phones[0].id)
        assert numbers_of(bob) == [(NUMBER, True)]

    @pytest.mark.settings(**FREE)
    def test_of_two_last_ways_removed_at_once_one_stays(self, app: Flask, ann: User) -> None:
        for number in (NUMBER, OTHER):
            add(ann, number)
        with writing() as session:
            session.execute(
                update(User).values(two_factor_enabled=True, email_way_disabled_at=ann.created_at)
            )
        shown = phones.list_shown(ann)
        acting = [open_session(load_user(ann.id)).token_digest for _ in shown]
        end_reading()

        def remove(index: int) -> str:
            own = select(LoginSession).where(LoginSession.token_digest == acting[index])
            login_session = db.session.scalars(own).one()
            return phones.remove(load_user(ann.id), shown[index].id, login_session, CLIENT)

        outcomes = run_together(app, 2, remove)
        assert count_of(str, outcomes) == 1, outcomes
        assert len(numbers_of(ann)) == 1


class TestThePrimaryOne:
    def test_another_may_take_its_place(self, ann: User) -> None:
        add(ann, NUMBER)
        add(ann, OTHER)
        second = phones.list_shown(ann)[1]
        phones.make_primary(load_user(ann.id), second.id, open_session(load_user(ann.id)), CLIENT)

        assert numbers_of(ann) == [(OTHER, True), (NUMBER, False)]

    def test_not_another_person_s(self, ann: User, bob: User) -> None:
        with pytest.raises(NotFound):
            phones.make_primary(ann, bob.phones[0].id, open_session(ann), CLIENT)


class TestTwoFactor:
    def test_it_is_turned_on_and_off_and_the_person_is_told(self, ann: User) -> None:
        two_factor.enable(ann, open_session(ann), CLIENT)
        assert load_user(ann.id).two_factor_enabled
        user = load_user(ann.id)
        two_factor.disable(user, open_session(user), CLIENT)
        assert not load_user(ann.id).two_factor_enabled
        for kind in ("two_factor_enabled", "two_factor_disabled"):
            assert len(messages_to(ann.email, kind)) == 1

    def test_not_on_without_a_way(self, ann: User) -> None:
        with writing() as session:
            session.execute(update(User).values(email_way_disabled_at=ann.created_at))
        with pytest.raises(NoUsableWay, match="No way to send you a code"):
            two_factor.enable(load_user(ann.id), open_session(load_user(ann.id)), CLIENT)

        assert not load_user(ann.id).two_factor_enabled

    @pytest.mark.settings(GATEPOST_REQUIRE_TWO_FACTOR="yes")
    def test_not_off_where_everyone_needs_it(self, bob: User) -> None:
        with pytest.raises(TwoFactorRequired):
            two_factor.disable(bob, open_session(bob), CLIENT)


def test_numbers_are_shown_whole_to_their_own_person_only(ann: User, bob: User) -> None:
    (shown,) = phones.list_shown(bob)
    assert shown.number_shown == "+1 201-555-0123"
    assert phones.show(bob, shown.id) == shown
    with pytest.raises(NotFound):
        phones.show(ann, shown.id)

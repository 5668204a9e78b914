"""Changing the address: the new one is proved first, and nobody learns whose it is."""

import json
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask

from extensions import end_reading, writing
from models import User
from services import (
    credentials,
    email_changes,
    login_sessions,
    personal_data,
    registration,
)
from services.errors import EmailUnchanged, LinkInvalid, TooManyTries
from services.registration import Confirmed
from tests.messages import messages_to
from tests.outbox import Outbox
from tests.people import CLIENT, load_user, make_registration, open_session
from tests.threads import count_of, run_together

ANN = "ann@example.org"
NEW = "ann@example.net"
HOUR = 3600

pytestmark = pytest.mark.usefixtures("context")


def confirm(token: str) -> Confirmed:
    return registration.confirm_email(token, "", None, CLIENT)


def ask(user: User, outbox: Outbox, email: str = NEW) -> str:
    email_changes.request(user, email, CLIENT)
    return outbox.link(email).rpartition("/")[2]


def test_the_old_one_counts_until_the_new_one_is_proved(
    new_user: Callable[..., User], outbox: Outbox
) -> None:
    ann = new_user()
    token = ask(ann, outbox)
    assert load_user(ann.id).email == "ann@example.org"
    acting, elsewhere = open_session(ann), open_session(ann)
    renewed = registration.confirm_email(token, "", acting, CLIENT).login

    user = load_user(ann.id)
    assert (user.email, user.email_canonical) == (NEW, NEW)
    (live,) = login_sessions.list_live(user)
    assert live == login_sessions.find(renewed)
    assert live.id != elsewhere.id
    for to in ("ann@example.org", NEW):
        assert len(messages_to(to, "email_changed")) == 1


def test_the_old_address_hears_of_the_wish(new_user: Callable[..., User], outbox: Outbox) -> None:
    email_changes.request(new_user(), NEW, CLIENT)
    (notice,) = messages_to("ann@example.org", "email_change_asked")

    assert (notice["earlier"], notice["new_masked"]) == ("ann@example.org", "a••@example.net")


def test_each_address_hears_of_the_change_in_words_that_tell_them_apart(
    new_user: Callable[..., User], outbox: Outbox
) -> None:
    confirm(ask(new_user(), outbox, "anna@example.org"))
    (old,), (new,) = (messages_to(to, "email_changed") for to in (ANN, "anna@example.org"))

    assert (old["earlier"], old["new"]) == (ANN, "a••@example.org")
    assert (new["earlier"], new["new"]) == ("a••@example.org", "anna@example.org")


def test_nobody_learns_that_an_address_is_another_s(
    new_user: Callable[..., User], outbox: Outbox
) -> None:
    ann = new_user()
    new_user("bob@example.org")
    for email in ("BOB@example.org", NEW):
        email_changes.request(ann, email, CLIENT)

    assert outbox.messages("mail", "bob@example.org") == []
    assert len(outbox.messages("mail", NEW)) == 1
    exported = json.loads("".join(personal_data.export(load_user(ann.id))))
    assert [row["kind"] for row in exported["messages"]] == ["email_change_asked"] * 2
    assert [row["event"] for row in exported["activity"]] == ["email_change_asked"] * 2


@pytest.mark.parametrize("email", ["ann@example.org", "ANN@example.org"])
def test_one_s_own_address_is_no_new_one(new_user: Callable[..., User], email: str) -> None:
    with pytest.raises(EmailUnchanged):
        email_changes.request(new_user(), email, CLIENT)


def test_who_only_registered_the_address_does_not_hold_it(
    new_user: Callable[..., User], outbox: Outbox
) -> None:
    ann = new_user()
    make_registration(NEW)
    confirm(ask(ann, outbox))

    assert load_user(ann.id).email == NEW


def test_of_twenty_at_once_one_changes_the_address(
    app: Flask, new_user: Callable[..., User], outbox: Outbox
) -> None:
    token = ask(new_user(), outbox)
    end_reading()
    outcomes = run_together(app, 20, lambda _: confirm(token))

    assert count_of(Confirmed, outcomes) == 1, outcomes
    assert count_of(LinkInvalid, outcomes) == 19


def test_an_address_that_was_taken_meanwhile_stays_the_other_s(
    new_user: Callable[..., User], outbox: Outbox
) -> None:
    ann = new_user()
    token = ask(ann, outbox)
    new_user(NEW)
    with pytest.raises(LinkInvalid):
        confirm(token)

    assert load_user(ann.id).email == "ann@example.org"


def test_a_change_of_a_credential_ends_the_link(
    new_user: Callable[..., User], outbox: Outbox
) -> None:
    ann = new_user()
    token = ask(ann, outbox)
    with writing() as session:
        credentials.changed(session, ann)

    with pytest.raises(LinkInvalid):
        confirm(token)


def test_another_person_s_session_is_not_renewed_by_it(
    new_user: Callable[..., User], outbox: Outbox
) -> None:
    token = ask(new_user(), outbox)
    bobs = open_session(new_user("bob@example.org"))

    assert registration.confirm_email(token, "", bobs, CLIENT) == Confirmed()
    assert load_user(bobs.user_id).email == "bob@example.org"


def test_three_an_hour(new_user: Callable[..., User], clock: time_machine.Traveller) -> None:
    ann = new_user()
    for index in range(3):
        email_changes.request(ann, f"new{index}@example.org", CLIENT)
    with pytest.raises(TooManyTries):
        email_changes.request(ann, NEW, CLIENT)


def test_strangers_who_ask_for_links_to_the_new_address_do_not_stand_in_the_way(
    new_user: Callable[..., User], outbox: Outbox
) -> None:
    ann = new_user()
    for _ in range(3):
        registration.request_confirmation(NEW, CLIENT)
    with pytest.raises(TooManyTries):
        registration.request_confirmation(NEW, CLIENT)

    assert confirm(ask(ann, outbox)) == Confirmed()


def ask_often(user: User, email: str = NEW) -> None:
    """As often as one person may in an hour."""
    for _ in range(3):
        email_changes.request(user, email, CLIENT)
    with pytest.raises(TooManyTries):
        email_changes.request(user, email, CLIENT)


def test_whoever_asks_to_change_to_the_new_address_does_not_stand_in_the_way(
    new_user: Callable[..., User], outbox: Outbox
) -> None:
    mallory, ann = new_user("mallory@example.org"), new_user()
    ask_often(mallory, NEW.upper())

    assert confirm(ask(ann, outbox)) == Confirmed()
    assert load_user(ann.id).email == NEW


def test_a_mailbox_gets_three_an_hour_and_one_more_for_each_further_person(
    new_user: Callable[..., User], outbox: Outbox, clock: time_machine.Traveller
) -> None:
    for name in ("mallory", "mal", "lory"):
        ask_often(new_user(f"{name}@example.org"))
    assert len(outbox.messages("mail", NEW)) == 3 + 2
    assert len(outbox.messages("mail", "lory@example.org")) == 3, "the answer is the same"

    clock.shift(HOUR)
    ask_often(new_user())
    assert len(outbox.messages("mail", NEW)) == 5 + 3


def test_a_crowd_does_not_fill_a_mailbox(new_user: Callable[..., User], outbox: Outbox) -> None:
    for number in range(20):
        email_changes.request(new_user(f"p{number}@example.org"), NEW, CLIENT)

    assert len(outbox.messages("mail", NEW)) == 3 + 10


@pytest.mark.settings(GATEPOST_LINK_MAILS_PER_ADDRESS_PER_HOUR="4")
def test_one_network_asks_for_so_many_in_an_hour(new_user: Callable[..., User]) -> None:
    for number in range(4):
        email_changes.request(new_user(f"p{number}@example.org"), f"q{number}@example.org", CLIENT)
    with pytest.raises(TooManyTries):
        email_changes.request(new_user(), NEW, CLIENT)

"""Asking to be let in: once until an answer, one answer, and mails that tell."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from extensions import db, end_reading, writing
from models import User
from models_apps import AccessRequest, App
from services import access_requests, accounts, apps, grants, groups, own_apps
from services.audit import Actor
from services.clock import now
from services.errors import TooManyTries
from services.errors_apps import (
    AppUnknown,
    AskedAlready,
    EntersAlready,
    MayEnterAlready,
    NotRequestable,
    RequestDecided,
    RequestUnknown,
)
from tests.apps import DOMAINS, let_in, make_app
from tests.messages import messages_to
from tests.people import CLIENT, load_user
from tests.threads import count_of, run_together

pytestmark = [pytest.mark.usefixtures("context"), pytest.mark.settings(**DOMAINS)]

MIA = "mia@example.org"


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user()


@pytest.fixture
def mia(new_user: Callable[..., User]) -> Actor:
    """An administrator."""
    return Actor(new_user(MIA, admin=True), CLIENT)


@pytest.fixture
def wiki() -> App:
    return make_app("Wiki")


def ask(user: User, app: App, reason: str = "") -> AccessRequest:
    return access_requests.ask(user, app.id, reason, CLIENT)


def enters(user: User, app: App) -> bool:
    end_reading()
    return own_apps.may_enter(user, app.id)


class TestAsking:
    def test_it_waits_and_administrators_get_a_mail(
        self, ann: User, mia: Actor, wiki: App, new_user: Callable[..., User]
    ) -> None:
        gone = new_user("gone@example.org", admin=True)
        accounts.disable(gone)
        asked = ask(ann, wiki, " For\u202e the\tminutes. ")

        assert [r.id for r in access_requests.list_waiting().rows] == [asked.id]
        assert (asked.reason, enters(ann, wiki)) == ("For the minutes.", False)
        (mail,) = messages_to(MIA, "access_asked")
        assert mail["link"] == f"http://127.0.0.1:8000/admin/requests/{asked.id}"
        assert (mail["app"], mail["email"]) == ("Wiki", ann.email)
        assert not messages_to(gone.email, "access_asked")
        assert not messages_to(ann.email, "access_asked")

    def test_once_until_there_is_an_answer(self, ann: User, mia: Actor, wiki: App) -> None:
        asked = ask(ann, wiki)
        with pytest.raises(AskedAlready):
            ask(ann, wiki)
        assert len(messages_to(MIA, "access_asked")) == 1
        access_requests.decline(asked.id, mia)
        assert ask(ann, wiki).id != asked.id

    def test_not_for_what_is_open_closed_or_not_there(self, ann: User, wiki: App) -> None:
        let_in(wiki, ann.email)
        with pytest.raises(MayEnterAlready):
            ask(ann, wiki)
        with pytest.raises(NotRequestable):
            ask(ann, make_app("Vault", requestable=False))
        with pytest.raises(AppUnknown):
            access_requests.ask(ann, wiki.id + 99, "", CLIENT)

    @pytest.mark.settings(GATEPOST_ACCESS_REQUESTS_PER_DAY="2")
    def test_so_often_a_day(self, ann: User, mia: Actor) -> None:
        first, second, third = (make_app(name) for name in ("One", "Two", "Three"))
        ask(ann, first)
        ask(ann, second)
        with pytest.raises(TooManyTries):
            ask(ann, third)
        assert len(access_requests.list_of(ann)) == len(messages_to(MIA, "access_asked")) == 2
        with time_machine.travel(now() + timedelta(days=1, minutes=1)):
            ask(ann, third)

    def test_no_crowd_floods_the_administrators(
        self, mia: Actor, wiki: App, new_user: Callable[..., User]
    ) -> None:
        most = access_requests.MAILS.most
        for number in range(most + 2):
            ask(new_user(f"person{number}@example.org"), wiki)
        mails = messages_to(MIA, "access_asked")

        assert len(access_requests.list_waiting().rows) == most + 2
        assert [mail["all_link"] for mail in mails] == [
            *[""] * (most - 1), "http://127.0.0.1:8000/admin/requests",
        ]  # fmt: skip
        with time_machine.travel(now() + timedelta(hours=1, minutes=1)):
            ask(new_user("late@example.org"), wiki)
        assert len(messages_to(MIA, "access_asked")) == most + 1

    def test_of_many_clicks_one_asks(self, app: Flask, ann: User, mia: Actor, wiki: App) -> None:
        outcomes = run_together(app, 4, lambda _: ask(load_user(ann.id), wiki))
        assert (count_of(AccessRequest, outcomes), count_of(AskedAlready, outcomes)) == (1, 3)
        assert len(messages_to(MIA, "access_asked")) == 1


class TestAnswering:
    def test_yes_lets_in_and_is_told(self, ann: User, mia: Actor, wiki: App) -> None:
        asked = access_requests.approve(ask(ann, wiki).id, None, mia)

        assert (enters(ann, wiki), asked.approved) == (True, True)
        (mail,) = messages_to(ann.email, "access_approved")
        assert (mail["link"], mail["until"]) == ("https://wiki.example.org", "")
        assert not access_requests.list_waiting().rows
        assert [r.id for r in access_requests.list_decided()] == [asked.id]

    def test_yes_until_a_day_ends(self, ann: User, mia: Actor, wiki: App) -> None:
        end = now() + timedelta(days=2)
        access_requests.approve(ask(ann, wiki).id, end, mia)
        assert messages_to(ann.email, "access_approved")[0]["until"] == str(end.date())
        with time_machine.travel(end, tick=False):
            assert not enters(ann, wiki)

    def test_who_is_let_in_by_name_has_the_answer(self, ann: User, mia: Actor, wiki: App) -> None:
        asked, until = ask(ann, wiki).id, now() + timedelta(days=2)
        grants.give(wiki.id, ann.email, until, mia)

        (mail,) = messages_to(ann.email, "access_approved")
        assert (mail["link"], mail["until"]) == ("https://wiki.example.org", str(until.date()))
        with pytest.raises(RequestDecided):
            access_requests.decline(asked, mia)
        assert grants.list_of_person(ann)[0].expires_at == until

    def test_who_did_not_ask_gets_no_mail(self, ann: User, mia: Actor, wiki: App) -> None:
        grants.give(wiki.id, ann.email, None, mia)
        assert not messages_to(ann.email, "access_approved")

    def test_no_is_not_said_to_who_may_enter_by_now(self, ann: User, mia: Actor, wiki: App) -> None:
        asked = ask(ann, wiki).id
        groups.create("staff", mia)
        groups.add(groups.find_by_name("staff").id, ann.email, mia)
        let_in(wiki, "staff")

        with pytest.raises(EntersAlready):
            access_requests.decline(asked, mia)
        assert access_requests.find(asked).decided_at is None
        assert access_requests.approve(asked, None, mia).approved

    def test_no_is_told_and_lets_nobody_in(self, ann: User, mia: Actor, wiki: App) -> None:
        asked = access_requests.decline(ask(ann, wiki).id, mia)
        assert (enters(ann, wiki), asked.approved) == (False, False)
        assert len(messages_to(ann.email, "access_declined")) == 1

    def test_there_is_one_answer(self, app: Flask, ann: User, mia: Actor, wiki: App) -> None:
        asked = ask(ann, wiki).id

        def answer(number: int) -> AccessRequest:
            if number % 2:
                return access_requests.decline(asked, mia)
            return access_requests.approve(asked, None, mia)

        outcomes = run_together(app, 4, answer)
        assert (count_of(AccessRequest, outcomes), count_of(RequestDecided, outcomes)) == (1, 3)
        mails = messages_to(ann.email, "access_approved") + messages_to(
            ann.email, "access_declined"
        )
        assert len(mails) == 1
        assert enters(ann, wiki) is access_requests.find(asked).approved

    def test_what_is_gone_has_no_answer(self, ann: User, mia: Actor, wiki: App) -> None:
        asked = ask(ann, wiki).id
        apps.remove(wiki.id, mia)
        for answer in (access_requests.decline, lambda i, a: access_requests.approve(i, None, a)):
            with pytest.raises(RequestUnknown):
                answer(asked, mia)

    def test_who_is_disabled_waits_for_nothing(self, ann: User, mia: Actor, wiki: App) -> None:
        ask(ann, wiki)
        accounts.disable(ann)
        assert not access_requests.list_waiting().rows


def test_an_administrator_who_closes_the_account_leaves_the_answer(
    ann: User, mia: Actor, wiki: App
) -> None:
    asked = access_requests.decline(ask(ann, wiki).id, mia)
    with writing() as session:
        session.delete(load_user(mia.id or 0))
    decided = access_requests.find(asked.id)
    assert (decided.approved, decided.decided_by_id) == (False, None)
    assert db.session.scalar(select(AccessRequest.decided_at)) is not None

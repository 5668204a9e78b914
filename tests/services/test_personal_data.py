"""What a person gets who asks for everything that is kept about them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from extensions import db, writing
from models import User
from services import browsers, groups
from services.audit import OPERATOR, Client, Event, record
from services.clock import now
from services.gate import app_sessions
from services.listing import STEP
from services.personal_data import export
from tests.apps import DOMAINS, ask, let_in, make_app, make_group
from tests.messages import queue
from tests.people import CLIENT, NUMBER, Person, load_user, open_session

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user(number=NUMBER, two_factor=True, name="Ann Example")


def told(user: User) -> dict[str, Any]:
    """The document, read."""
    return json.loads("".join(export(load_user(user.id))))


def test_it_is_indented_and_ends_with_a_line(ann: User) -> None:
    open_session(ann)
    written = "".join(export(ann))

    assert written.startswith('{\n  "exported_at": "20')
    assert '\n  "sessions": [\n    {\n      "browser": "Firefox on Linux",\n' in written
    assert written.endswith("\n  ]\n}\n")


def test_an_account_on_which_nothing_happened_is_whole_too(new_user: Callable[..., User]) -> None:
    data = told(new_user("bob@example.org"))

    assert data["email"] == "bob@example.org"
    assert [name for name, value in data.items() if value == []] == [
        "phones", "sessions", "remembered_browsers", "groups", "apps", "let_in", "asked_for",
        "messages", "activity",
    ]  # fmt: skip


def test_sessions_browsers_and_numbers_are_in_it(ann: User) -> None:
    open_session(ann, remember_me=True)
    with writing() as session:
        browsers.remember(session, ann, CLIENT)
    data = told(ann)

    (phone,), (login,), (browser,) = data["phones"], data["sessions"], data["remembered_browsers"]
    assert (phone["number"], phone["primary"], phone["disabled_at"]) == (NUMBER, True, None)
    for row in (login, browser):
        assert (row["browser"], row["user_agent"], row["address"]) == (
            "Firefox on Linux", CLIENT.user_agent, CLIENT.address,
        )  # fmt: skip
    assert (login["how"], login["remember_me"]) == ("pwd", True)


def test_every_message_and_event_is_in_it_the_newest_first(ann: User) -> None:
    for _ in range(15):
        queue(user_id=ann.id)
    with writing() as session:
        for number in range(2 * STEP + 1):
            record(session, Event.CODE_SENT, CLIENT, ann.id, number=number)
    data = told(ann)

    assert len(data["messages"]) == 15
    numbers = [event["details"]["number"] for event in data["activity"]]
    assert numbers == list(reversed(range(2 * STEP + 1)))
    assert data["activity"][0]["address"] == CLIENT.address


def test_who_else_had_a_hand_in_it_is_not(ann: User) -> None:
    with writing() as session:
        record(session, Event.GROUP_JOINED, Client(), ann.id, group="staff", by=17)

    assert told(ann)["activity"][0]["details"] == {"group": "staff"}


def test_mails_to_an_address_that_was_only_typed_are_not(ann: User) -> None:
    queue("mail", "confirm_new_email", user_id=ann.id, to="bob@example.org", values={})

    assert told(ann)["messages"] == []


def test_nothing_of_another_person_is(ann: User, new_user: Callable[..., User]) -> None:
    bob = new_user("bob@example.org", number="+12015550188")
    open_session(bob)
    queue(user_id=bob.id)
    written = "".join(export(ann))

    assert "bob" not in written
    assert "0188" not in written
    assert told(ann)["sessions"] == told(ann)["messages"] == told(ann)["activity"] == []


def test_no_digest_and_no_hash_is(ann: User) -> None:
    login = open_session(ann)
    written = "".join(export(ann))

    assert ann.password_hash is not None
    for secret in (login.token_digest, ann.password_hash):
        assert secret not in written


def test_no_transaction_is_open_while_a_step_is_downloaded(ann: User) -> None:
    for _ in range(2):
        open_session(ann)
    for piece in export(ann):
        if '"signed_in_at"' in piece or '"event"' in piece:
            assert not db.session.registry.has() or not db.session().in_transaction()


@pytest.mark.settings(**DOMAINS)
def test_groups_apps_and_when_they_were_entered_are_in_it(ann: User) -> None:
    wiki, chat, mail = make_app("Wiki"), make_app("Chat"), make_app("Mail")
    staff = make_group("staff", [Person(ann.id, ann.email)])
    groups.set_manager(staff.id, ann.id, True, OPERATOR)
    let_in(wiki, "staff")
    let_in(chat, ann.email, now() + timedelta(days=1))
    ask(Person(ann.id, ann.email), mail, "For letters.")
    app_sessions.open_session(open_session(ann), "example.org")
    data = told(ann)

    assert [(row["group"], row["manager"]) for row in data["groups"]] == [("staff", True)]
    assert [row["app"] for row in data["apps"]] == ["Chat", "Wiki"]
    assert data["apps"][1]["url"] == "https://wiki.example.org/"
    (grant,), (asked,), (login,) = data["let_in"], data["asked_for"], data["sessions"]
    assert (grant["app"], grant["until"][:10]) == ("Chat", str((now() + timedelta(days=1)).date()))
    assert (asked["app"], asked["reason"], asked["approved"]) == ("Mail", "For letters.", None)
    assert [entered["apps_at"] for entered in login["apps"]] == ["example.org"]


@pytest.mark.settings(**DOMAINS)
def test_more_apps_than_fit_a_page_are_all_in_it(ann: User) -> None:
    make_app("Wiki", for_everyone=True)
    with writing() as session:
        for number in range(150):
            session.execute(
                text(
                    "INSERT INTO apps (name, icon, level, for_everyone, requestable, public_paths,"
                    " header_names, percent_encoded, signed_header, preflight_allowed,"
                    " cross_site_writes, own_cookie, created_at)"
                    " SELECT :name, icon, level, for_everyone, requestable, public_paths,"
                    " header_names, percent_encoded, signed_header, preflight_allowed,"
                    " cross_site_writes, own_cookie, created_at FROM apps WHERE name = 'Wiki'"
                ),
                {"name": f"App {number:03}"},
            )
            session.execute(
                text("INSERT INTO app_addresses (app_id, origin)"
                     " SELECT id, 'https://' || id || '.example.org' FROM apps WHERE name = :name"),
                {"name": f"App {number:03}"},
            )  # fmt: skip

    assert len(told(ann)["apps"]) == 151

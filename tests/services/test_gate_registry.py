"""The rules of all apps: loaded once, and again when somebody changed them."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, event, insert, update

from extensions import db, writing
from models_apps import App, AppAddress, AppGrant, GateState, Group
from services.clock import now
from services.gate import registry
from services.gate.registry import AppRules, Registry
from services.header_names import IDENTITY

ORIGIN = "https://wiki.example.org"


@pytest.fixture
def wiki(context: Flask) -> int:
    """An app with two addresses that one group may enter for a day."""
    with writing() as session:
        app = App(name="Wiki", created_at=now(), public_paths=["/health", "/static/*", 7])
        app.addresses = [AppAddress(origin=ORIGIN), AppAddress(origin="https://w.example.org")]
        group = Group(name="staff", created_at=now())
        session.add_all([app, group])
        session.flush()
        session.add(
            AppGrant(
                app_id=app.id, group_id=group.id, expires_at=now() + timedelta(days=1),
                created_at=now(),
            )
        )  # fmt: skip
        return app.id


def test_an_app_is_found_by_each_of_its_addresses(wiki: int) -> None:
    rules = Registry(db.engine).newest()

    assert rules.apps[ORIGIN] is rules.apps["https://w.example.org"]
    found = rules.apps[ORIGIN]
    assert (found.id, found.name, found.origins[0]) == (wiki, "Wiki", ORIGIN)
    assert found.public_paths == ("/health", "/static/*")
    assert found.header_names == IDENTITY
    (group,) = found.groups
    assert rules.group_names == {group: "staff"}
    assert found.groups[group] > now()


def test_rules_are_loaded_again_only_when_the_version_moved(wiki: int) -> None:
    registered = Registry(db.engine)
    before = registered.newest()
    with writing() as session:
        session.execute(update(App).values(level="two-factor"))
    assert registered.newest() is before

    with writing() as session:
        registry.touch(session)
    after = registered.newest()

    assert (before.apps[ORIGIN].level, after.apps[ORIGIN].level) == ("password", "two-factor")
    assert registered.newest() is after
    with writing() as session:
        session.execute(delete(AppAddress))
        registry.touch(session)
    assert registered.newest().apps == {}


def test_a_restored_database_does_not_come_by_a_version_that_was_in_use(wiki: int) -> None:
    registered = Registry(db.engine)
    with writing() as session:
        registry.touch(session)
    backup = registered.newest().version
    with writing() as session:
        session.execute(update(App).values(level="two-factor"))
        registry.touch(session)
    assert registered.newest().apps[ORIGIN].level == "two-factor"
    with writing() as session:  # restored, and changed in another way
        session.execute(update(GateState).values(version=backup))
        session.execute(update(App).values(level="recent-two-factor"))
        registry.touch(session)

    assert registered.newest().apps[ORIGIN].level == "recent-two-factor"


def test_a_change_that_is_undone_moves_nothing(wiki: int) -> None:
    registered = Registry(db.engine)
    before = registered.newest()
    registry.touch(db.session())
    db.session.rollback()

    assert registered.newest() is before


def test_names_that_are_no_header_names_are_not_used(wiki: int) -> None:
    own = {"user": "X-WEBAUTH-USER", "email": "X-Mail\r\nX-Evil: 1", "name": "", "groups": 3}
    with writing() as session:
        session.execute(update(App).values(header_names=own))

    names = Registry(db.engine).newest().apps[ORIGIN].header_names
    assert names == {**IDENTITY, "user": "X-WEBAUTH-USER"}


@pytest.mark.parametrize(
    ("path", "public"),
    [
        ("/health", True),
        ("/health/x", False),
        ("/static/a", True),
        ("/static", False),
        ("/", False),
    ],
)
def test_public_paths(path: str, public: bool) -> None:
    rules = AppRules(1, "Wiki", public_paths=("/health", "/static/*"))

    assert rules.has_public_path(path) is public


def test_five_hundred_apps_are_loaded_with_four_questions(context: Flask) -> None:
    with writing() as session:
        session.execute(
            insert(App), [{"name": f"App {n}", "created_at": now()} for n in range(1, 501)]
        )
        session.execute(
            insert(AppAddress),
            [{"app_id": n, "origin": f"https://a{n}.example.org"} for n in range(1, 501)],
        )

    assert len(Registry(db.engine).newest().apps) == 500


def test_a_notice_that_comes_while_rules_are_read_is_not_lost(wiki: int) -> None:
    registered = Registry(db.engine)
    version = registered.newest().version
    registered.forget()

    @event.listens_for(db.engine, "after_cursor_execute", once=True)
    def hear(*_arguments: object) -> None:
        registered.forget()

    assert registered.at(version).apps[ORIGIN].level == "password"
    with writing() as session:
        session.execute(update(App).values(level="two-factor"))
    assert registered.at(version).apps[ORIGIN].level == "two-factor"

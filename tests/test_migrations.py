"""The steps of the database: they lead to the tables of the models, and lose nobody on the way."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, text

from app import create_app
from config import load
from extensions import Base, db, end_reading, writing
from models import EmailLink, Phone, Registration, User
from services import sign_in
from services.clock import now
from services.emails import canonicalize
from services.errors import EmailUnconfirmed
from services.hashing import hash_password
from services.sign_in import Browser, SignedIn
from tests.conftest import POSTGRESQL, QUICK, drop_postgresql, make_postgresql
from tests.people import CLIENT, PASSWORD

MOMENT = "2026-03-02 09:00:00"
STEPS = str(Path(__file__).resolve().parent.parent / "migrations")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Flask]:
    """A portal whose database has no tables, its context pushed."""
    environ = {**QUICK, "GATEPOST_INSTANCE_DIR": str(tmp_path)}
    name = f"gatepost_{secrets.token_hex(6)}"
    if POSTGRESQL:
        environ["GATEPOST_DATABASE_URL"] = make_postgresql(name)
    app = create_app(load(environ))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    if POSTGRESQL:
        drop_postgresql(name)


def add_person(email: str, canonical: str, confirmed: bool, disabled: bool = False) -> None:
    """A person as revision 0003 knows one, with a phone and a link that waits."""
    values = {
        "email": email, "canonical": canonical, "hash": hash_password(PASSWORD), "moment": MOMENT,
        "confirmed": MOMENT if confirmed else None, "disabled": MOMENT if disabled else None,
        "digest": secrets.token_hex(32), "no": False, "purpose":
        "reset_password" if confirmed else "confirm_email",
    }  # fmt: skip
    with writing() as session:
        values["id"] = session.execute(
            text(
                "INSERT INTO users (email, email_canonical, email_confirmed_at, name,"
                " password_hash, is_admin, disabled_at, epoch, two_factor_enabled,"
                " email_code_failures, created_at) VALUES (:email, :canonical, :confirmed, 'Ann',"
                " :hash, :no, :disabled, 1, :no, 0, :moment) RETURNING id"
            ),
            values,
        ).scalar_one()
        session.execute(
            text(
                "INSERT INTO email_links (token_digest, user_id, purpose, email, epoch, created_at,"
                " expires_at) VALUES (:digest, :id, :purpose, '', 1, :moment, :moment)"
            ),
            values,
        )
        session.add(Phone(user_id=values["id"], number="+12015550123", created_at=now()))


def emails(table: type[User] | type[Registration]) -> list[tuple[str, str]]:
    rows = db.session.execute(select(table.email, table.email_canonical).order_by(table.id))
    return [tuple(row) for row in rows]


def test_they_lead_to_the_tables_of_the_models(empty: Flask) -> None:
    upgrade(STEPS)
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []


def test_who_has_not_confirmed_becomes_a_registration_and_the_others_stay(empty: Flask) -> None:
    upgrade(STEPS, "0003")
    add_person("ann@example.org", "ann@example.org", confirmed=True)
    add_person("new@example.org", "new@example.org", confirmed=False)
    add_person("gone@example.org", "gone@example.org", confirmed=False, disabled=True)
    add_person("bob@fa\u00df.example.org", "bob@fass.example.org", confirmed=True)
    upgrade(STEPS)

    assert [email for email, _ in emails(User)] == [
        "ann@example.org", "gone@example.org", "bob@fa\u00df.example.org",
    ]  # fmt: skip
    assert all(canonicalize(email) == canonical for email, canonical in emails(User))
    assert emails(Registration) == [("new@example.org", "new@example.org")]
    assert isinstance(enter("ann@example.org"), SignedIn)
    assert isinstance(enter("bob@fa\u00df.example.org"), SignedIn)
    with pytest.raises(EmailUnconfirmed):
        enter("new@example.org")
    gone = db.session.scalars(select(User).where(User.email == "gone@example.org")).one()
    assert (gone.password_hash, gone.disabled_at is not None) == (None, True)
    waiting = db.session.scalars(select(EmailLink).where(EmailLink.purpose == "confirm_email"))
    assert [(link.email, link.user_id) for link in waiting if link.registration_id] == [
        ("new@example.org", None)
    ]
    assert len(db.session.scalars(select(Phone)).all()) == 3


def test_the_newest_step_can_be_taken_back(empty: Flask) -> None:
    upgrade(STEPS, "0003")
    add_person("ann@example.org", "ann@example.org", confirmed=True)
    upgrade(STEPS)
    downgrade(STEPS, "0003")

    confirmed = db.session.execute(text("SELECT email_confirmed_at FROM users")).scalar_one()
    end_reading()
    assert str(confirmed).startswith(MOMENT)
    upgrade(STEPS)
    assert isinstance(enter("ann@example.org"), SignedIn)


APPS = (
    (
        "INSERT INTO apps (name, icon, level, for_everyone, requestable, public_paths,"
        " header_names, percent_encoded, signed_header, preflight_allowed, cross_site_writes,"
        " own_cookie, created_at)"
        " VALUES (:name, '', 'password', :no, :no, '[]', '{}', :no, :no, :no, :no, :no, :moment)"
    ),
    "INSERT INTO groups (name, created_at) VALUES (:name, :moment)",
    "INSERT INTO app_addresses (app_id, origin) SELECT max(id), :name FROM apps",
    (
        "INSERT INTO group_members (group_id, user_id, is_manager, created_at)"
        " SELECT max(g.id), max(u.id), :no, :moment FROM groups g, users u"
    ),
    (
        "INSERT INTO app_grants (app_id, group_id, created_at)"
        " SELECT max(a.id), max(g.id), :moment FROM apps a, groups g"
    ),
    (
        "INSERT INTO access_requests (app_id, user_id, reason, created_at)"
        " SELECT max(a.id), max(u.id), :name, :moment FROM apps a, users u"
    ),
)
NUMBERED = ("access_requests", "app_grants", "apps", "groups")


def add_to_apps(*names: str) -> None:
    """Apps and groups of these names and all that hangs on each, as revision 0005 knows them."""
    for name in names:
        with writing() as session:
            for statement in APPS:
                session.execute(text(statement), {"name": name, "no": False, "moment": MOMENT})


def read_apps() -> list[object]:
    tables = (*NUMBERED, "app_addresses", "group_members")
    rows = [db.session.execute(text(f"SELECT * FROM {name}")).all() for name in tables]
    end_reading()
    return [sorted(map(str, some)) for some in rows]


def test_apps_and_who_may_enter_them_stay_and_ids_are_used_once(empty: Flask) -> None:
    upgrade(STEPS, "0003")
    add_person("ann@example.org", "ann@example.org", confirmed=True)
    upgrade(STEPS, "0005")
    add_to_apps("wiki", "lunch")
    before = read_apps()
    upgrade(STEPS)
    assert read_apps() == before

    with writing() as session:
        for table in NUMBERED:
            session.execute(text(f"DELETE FROM {table} WHERE id = 2"))
    add_to_apps("payroll")
    for table in NUMBERED:
        assert db.session.execute(text(f"SELECT max(id) FROM {table}")).scalar_one() == 3, table
    end_reading()


def enter(email: str) -> object:
    return sign_in.with_password(email, PASSWORD, False, Browser(CLIENT))

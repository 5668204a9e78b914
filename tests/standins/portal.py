"""A bare app with the tables and the settings that delivery needs: no pages, no sessions."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from flask import Flask

import config
from extensions import Base, babel, db, prepare_engine, settings, writing
from models import Message
from services import clock, delivery, outbox

TWILIO = {
    "GATEPOST_SMS_GATEWAY": "twilio",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "the-auth-token",
    "TWILIO_FROM": "+12015550100",
}
NUMBER = "+12015550134"


@contextmanager
def open_portal(folder: Path, **environ: object) -> Iterator[Flask]:
    """An app on a database of its own, inside its context; names without GATEPOST_ get it."""
    with _database(folder) as address:
        app = make_app(folder, address, **environ)
        with app.app_context():
            Base.metadata.create_all(db.engine)
            try:
                yield app
            finally:
                delivery.stop()
                db.session.remove()
                for engine in db.engines.values():
                    engine.dispose()


def make_app(folder: Path, database_url: str, **environ: object) -> Flask:
    """The app on a database that exists already, as another process makes it."""
    given = {
        name if name in TWILIO or name in _TWILIO_NAMES
        else f"GATEPOST_{name.removeprefix('GATEPOST_')}": str(value)
        for name, value in environ.items()
    }  # fmt: skip
    defaults = {
        "GATEPOST_ENV": "development",
        "GATEPOST_INSTANCE_DIR": str(folder),
        "GATEPOST_DATABASE_URL": database_url,
        "GATEPOST_SMS_GATEWAY": "file",
        "GATEPOST_MAIL_GATEWAY": "file",
        "GATEPOST_ALERT_EMAIL": "",
    }
    app = Flask("portal", root_path=str(config.ROOT))
    settings_ = config.load({**defaults, **given})
    app.extensions["gatepost"] = settings_
    app.config["SQLALCHEMY_DATABASE_URI"] = settings_.database_url
    db.init_app(app)
    babel.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    return app


_TWILIO_NAMES = {"TWILIO_API_KEY", "TWILIO_API_SECRET", "TWILIO_MESSAGING_SERVICE_SID"}


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    server = os.environ.get("GATEPOST_TEST_DATABASE_URL")
    if not server:
        yield f"sqlite:///{folder / 'portal.db'}"
        return
    name = f"gatepost_delivery_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield server.rsplit("/", 1)[0] + f"/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def queue(channel: str = "sms", kind: str = "sign_in_code", **changes: Any) -> int:
    """Put a message into the outbox; returns its id."""
    to = NUMBER if channel == "sms" else "ann@example.org"
    values: dict[str, str | int] = {"code": "123456", "minutes": 10}
    life = changes.pop("life", timedelta(minutes=10))
    fields = {"to": to, "user_id": None, "values": values, "expires_at": clock.now() + life}
    with writing() as session:
        return outbox.enqueue(session, channel=channel, kind=kind, **{**fields, **changes}).id


def message(message_id: int) -> Message:
    """A message's row as it is now."""
    db.session.expire_all()
    found = db.session.get(Message, message_id)
    db.session.commit()
    assert found is not None
    return found


def secret_key() -> str:
    """The running app's secret key, for a second process on the same database."""
    return settings().secret_key

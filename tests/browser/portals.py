"""Portals for the browser's tests, and the same portals in this process."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from flask import Flask

from app import create_app
from config import load
from extensions import db
from tests.apps import DOMAINS
from tests.conftest import POSTGRESQL
from tests.portal import Portal, running

GENEROUS = {
    **DOMAINS,
    "GATEPOST_NEW_NUMBERS_PER_HOUR": "1000",
    "GATEPOST_NEW_NUMBERS_PER_ADDRESS_PER_HOUR": "1000",
    "GATEPOST_NEW_NUMBER_PREFIX_PER_10_MINUTES": "1000",
    "GATEPOST_NEW_NUMBER_PREFIX_PER_DAY": "1000",
    "GATEPOST_NEW_NUMBER_COUNTRY_PER_DAY": "1000",
    "GATEPOST_NEW_NUMBER_PORTAL_PER_HOUR": "1000",
    "GATEPOST_NEW_NUMBER_PORTAL_PER_DAY": "1000",
    "GATEPOST_REGISTRATIONS_PER_ADDRESS_PER_HOUR": "1000",
    "GATEPOST_PASSWORD_FAILS_PER_ADDRESS_PER_5_MINUTES": "1000",
}
"""What many tests of one portal share an address for, and domains for apps."""


def portal_on(
    folder: Path, database: str, environ: dict[str, str]
) -> AbstractContextManager[Portal]:
    """A portal process on a migrated database: a SQLite file to copy, or an address."""
    if POSTGRESQL:
        return running(folder, {**environ, "GATEPOST_DATABASE_URL": database}, workers=1)
    return running(folder, environ, workers=1, database=Path(database))


def app_of(portal: Portal) -> Iterator[Flask]:
    """The app of a portal's settings, on the same database."""
    app = create_app(load(portal.environ))
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()

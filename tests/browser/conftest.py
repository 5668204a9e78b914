"""Fixtures of the browser's tests: one Chromium and one portal for all, a context for each test.

Without Chromium these tests are skipped with a line that says how to get it; where
``CI=true`` that is a failure.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from app import create_app
from config import load
from extensions import db
from tests.browser import chromium as where
from tests.browser import owes
from tests.browser.visit import Visit
from tests.browser.watch import Watch
from tests.conftest import POSTGRESQL, QUICK
from tests.portal import Portal, running

SECONDS = 10

NewVisit = Callable[..., Visit]


class Tab:
    """A tab in a browser of its own, watched."""

    def __init__(self, chromium: Browser, portal: Portal, app: Flask, **options: Any) -> None:
        self.context = chromium.new_context(
            base_url=portal.url,
            user_agent=where.USER_AGENT,
            reduced_motion="reduce",  # no colour is looked at half-way
            viewport=owes.WINDOW,
            **options,
        )
        self.context.set_default_timeout(SECONDS * 1000)
        self.watch = Watch(self.context, urlsplit(portal.url).netloc)
        self.visit = Visit(self.context.new_page(), portal, app)

    def refresh(self) -> Visit:
        """Forget what the test before did here."""
        self.visit.page.goto("about:blank")
        self.visit.page.set_viewport_size(owes.WINDOW)
        self.visit.page.emulate_media(color_scheme="light")
        self.context.clear_cookies()
        self.watch.complaints.clear()
        return self.visit


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser."""
    path = where.executable()
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(where.MISSING)
    if path is None:
        pytest.skip(where.MISSING)
    expect.set_options(timeout=SECONDS * 1000)
    with where.open_chromium(path) as browser:
        yield browser


@pytest.fixture(scope="session")
def portal(
    chromium: Browser, prepared_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Portal]:
    """A portal with the file gateways, for every test that needs no other."""
    folder = tmp_path_factory.mktemp("portal")
    with portal_on(folder, prepared_database, {**QUICK, **GENEROUS}) as portal:
        yield portal


@pytest.fixture(scope="session")
def app(portal: Portal) -> Iterator[Flask]:
    """That portal in this process: to make people, and to age what they did."""
    yield from app_of(portal)


@pytest.fixture(scope="session")
def tab(chromium: Browser, portal: Portal, app: Flask) -> Iterator[Tab]:
    """A tab that tests share, one after the other: a warm renderer is three times as quick."""
    tab = Tab(chromium, portal, app)
    yield tab
    tab.context.close()


@pytest.fixture
def visit(tab: Tab) -> Iterator[Visit]:
    """The shared tab, as good as new; it may not misbehave."""
    yield tab.refresh()
    tab.watch.check()


@pytest.fixture
def new_visit(chromium: Browser, portal: Portal, app: Flask) -> Iterator[NewVisit]:
    """Opens tabs in browsers of their own, for what a shared one cannot show; as strict."""
    with opening(chromium, portal, app) as new_visit:
        yield new_visit


GENEROUS = {
    "GATEPOST_NEW_NUMBERS_PER_HOUR": "1000",
    "GATEPOST_NEW_NUMBER_PREFIX_PER_10_MINUTES": "1000",
    "GATEPOST_NEW_NUMBER_PREFIX_PER_DAY": "1000",
    "GATEPOST_NEW_NUMBER_COUNTRY_PER_DAY": "1000",
    "GATEPOST_NEW_NUMBER_PORTAL_PER_HOUR": "1000",
    "GATEPOST_NEW_NUMBER_PORTAL_PER_DAY": "1000",
    "GATEPOST_REGISTRATIONS_PER_ADDRESS_PER_HOUR": "1000",
    "GATEPOST_PASSWORD_FAILS_PER_ADDRESS_PER_5_MINUTES": "1000",
}
"""What many tests of one portal share an address for."""


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


@contextmanager
def opening(chromium: Browser, portal: Portal, app: Flask) -> Iterator[NewVisit]:
    """A maker of visits; closes their browsers at the end and reports what they must not do."""
    tabs: list[Tab] = []

    def make(**options: Any) -> Visit:
        tabs.append(Tab(chromium, portal, app, **options))
        return tabs[-1].visit

    yield make
    for tab in tabs:
        tab.context.close()
    for tab in tabs:
        tab.watch.check()

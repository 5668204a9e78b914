"""Fixtures of the browser's tests: one Chromium and one portal for all, a context for each test.

Without Chromium these tests are skipped with a line that says how to get it; where
``CI=true`` that is a failure.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from tests.browser import chromium as where
from tests.browser.portals import GENEROUS, app_of, portal_on
from tests.browser.tabs import SECONDS, NewVisit, Tab, opening
from tests.browser.visit import Visit
from tests.conftest import QUICK
from tests.portal import Portal


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder; without Chromium, skip it outside CI."""
    skipped = where.executable() is None and os.environ.get("CI") != "true"
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if skipped:
                item.add_marker(pytest.mark.skip(reason=where.MISSING))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser."""
    path = where.executable()
    if path is None:
        pytest.fail(where.MISSING)
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
    visit = tab.refresh()
    yield visit
    tab.watch.check()
    visit.forget_apps()


@pytest.fixture
def new_visit(chromium: Browser, portal: Portal, app: Flask) -> Iterator[NewVisit]:
    """Opens tabs in browsers of their own, for what a shared one cannot show; as strict."""
    with opening(chromium, portal, app) as new_visit:
        yield new_visit

"""Tabs in browsers of their own, each looked over its shoulder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import Browser

from tests.browser import chromium as where
from tests.browser import owes
from tests.browser.visit import Visit
from tests.browser.watch import Watch
from tests.portal import Portal

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
            permissions=["clipboard-read", "clipboard-write"],
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

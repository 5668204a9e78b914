"""Two ways to use a page: with a mouse, and with the keyboard alone."""

import time
from typing import Protocol

from playwright.sync_api import Locator, Page

from tests.browser.visit import Visit

OUTBOX_SECONDS = 10
MOST_TABS = 60

CODE = ".message-code"
LINK = "a[href*='/confirm-email/']"


class Hands(Protocol):
    """What a person does with a page; ``visit`` is the tab they look at."""

    visit: Visit

    def fill(self, label: str, text: str) -> None:
        """Type into a field."""

    def choose(self, label: str) -> None:
        """Choose a radio button, by the beginning of its label."""

    def tick(self, label: str) -> None:
        """Tick a box."""

    def press(self, words: str) -> None:
        """Press a button or a link, and see the page that it leads to."""

    def unfold(self, words: str) -> None:
        """Open what is folded under these words."""

    def open_link(self) -> None:
        """Follow the link of the newest message in the development outbox."""

    def read_code(self) -> str:
        """Read the code of the newest message in the development outbox."""

    def copy_and_paste_code(self) -> None:
        """Copy that code with the outbox's button and paste it into the code page's field."""


class Outbox:
    """The development outbox in a tab: sees when there is a code, or a link, that is new.

    Notices lie between them, and come when they come.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self._seen = {CODE: 0, LINK: 0}

    def wait_for(self, what: str) -> Locator:
        """Reload until more messages have one than last time; returns the newest of those."""
        messages = self.page.locator(f"article:has({what})")
        deadline = time.monotonic() + OUTBOX_SECONDS
        while messages.count() <= self._seen[what]:
            assert time.monotonic() < deadline, f"no new message came with {what}"
            time.sleep(0.2)
            self.page.reload()
        self._seen[what] = messages.count()
        return messages.first


class Mouse:
    """Points and clicks; the outbox stands open in a tab of its own."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._outbox = Outbox(visit.page.context.new_page())

    def fill(self, label: str, text: str) -> None:
        self.visit.fill(label, text)

    def choose(self, label: str) -> None:
        self.visit.page.get_by_text(label).click()

    def tick(self, label: str) -> None:
        self.visit.page.get_by_label(label, exact=True).check()

    def press(self, words: str) -> None:
        self.visit.press(words)

    def unfold(self, words: str) -> None:
        self.visit.page.locator("summary", has_text=words).click()

    def open_link(self) -> None:
        address = self._newest(LINK).get_by_role("link", name="Open link").get_attribute("href")
        self.visit.open(address or "")

    def read_code(self) -> str:
        return self._newest(CODE).locator(CODE).inner_text()

    def copy_and_paste_code(self) -> None:
        button = self._newest(CODE).get_by_role("button", name="Copy code")
        button.click()
        self._outbox.page.get_by_role("button", name="Copied").first.wait_for()
        page = self.visit.page
        page.bring_to_front()
        page.get_by_label("Security code").click()
        with page.expect_navigation():
            page.keyboard.press("Control+V")

    def _newest(self, what: str) -> Locator:
        self._outbox.page.goto("/dev/outbox")
        return self._outbox.wait_for(what)


class Keyboard:
    """Tab, arrows, space and Enter alone; the outbox is opened from the page's foot."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._outbox = Outbox(visit.page)

    def fill(self, label: str, text: str) -> None:
        self._tab_to(self.visit.page.get_by_label(label, exact=True))
        self.visit.page.keyboard.type(text)

    def choose(self, label: str) -> None:
        page = self.visit.page
        wanted = page.get_by_role("radio", name=label)
        self._tab_to(page.locator("[type=radio]:checked"))
        for _ in range(MOST_TABS):
            if wanted.is_checked():
                return
            page.keyboard.press("ArrowDown")
        raise AssertionError(f"the arrows do not reach {label}")

    def tick(self, label: str) -> None:
        box = self.visit.page.get_by_label(label, exact=True)
        self._tab_to(box)
        self.visit.page.keyboard.press("Space")
        assert box.is_checked()

    def press(self, words: str) -> None:
        self._tab_to(self.visit.button_or_link(words).first)
        self._enter()

    def unfold(self, words: str) -> None:
        self._tab_to(self.visit.page.locator("summary", has_text=words))
        self.visit.page.keyboard.press("Enter")

    def open_link(self) -> None:
        self.press("Development outbox")
        self._tab_to(self._outbox.wait_for(LINK).get_by_role("link", name="Open link"))
        self._enter()

    def read_code(self) -> str:
        self.press("Development outbox")
        code = self._outbox.wait_for(CODE).locator(CODE).inner_text()
        self.visit.page.go_back()
        return code

    def copy_and_paste_code(self) -> None:
        page = self.visit.page
        self.press("Development outbox")
        button = self._outbox.wait_for(CODE).get_by_role("button", name="Copy code")
        self._tab_to(button)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Copied").first.wait_for()
        page.go_back()
        self._tab_to(page.get_by_label("Security code"))
        with page.expect_navigation():
            page.keyboard.press("Control+V")

    def _enter(self) -> None:
        with self.visit.page.expect_navigation():
            self.visit.page.keyboard.press("Enter")

    def _tab_to(self, wanted: Locator) -> None:
        for _ in range(MOST_TABS):
            if wanted.evaluate("element => element === document.activeElement"):
                return
            self.visit.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {wanted}")

"""Chromium for the tests: where it is, how it is started, and what to say where it is missing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

WHERE = "GATEPOST_TEST_CHROMIUM"
USUAL = "/usr/bin/chromium"
MISSING = (
    f"Chromium is not at {USUAL}: apt-get install chromium, or say where it is: {WHERE}=/path/to/it"
)

DOMAINS = ("example.org", "example.net")
"""Names under these are on this machine."""

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No page may reach anything but the portals and stand-ins of the tests.
    "--host-resolver-rules="
    + ", ".join([*(f"MAP *.{domain} 127.0.0.1" for domain in DOMAINS), "MAP * ~NOTFOUND"])
    + ", EXCLUDE 127.0.0.1",
)

USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36"
)
"""One that names no headless browser, so that lists of browsers read as people read them."""


def executable() -> str | None:
    """Chromium's path, or None where there is none."""
    path = os.environ.get(WHERE, USUAL)
    return path if Path(path).is_file() else None


@contextmanager
def open_chromium(path: str) -> Iterator[Browser]:
    """Start Chromium, end it with the block."""
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *root])
        try:
            yield browser
        finally:
            browser.close()

"""Takes screenshots of the real product: those of the README, or every page in every state.

make screenshots                                       docs/img/*.png
python -m tests.browser.take_screenshots --all FOLDER  each page: light, dark, 320 px wide
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize

from models import User
from services.clock import now
from tests.browser import catalogue, owes
from tests.browser import chromium as where
from tests.browser.portals import GENEROUS, app_of
from tests.browser.tabs import NewVisit, opening
from tests.browser.visit import Visit
from tests.conftest import QUICK, migrate
from tests.outbox import code_in
from tests.portal import ROOT, running

IMAGES = ROOT / "docs" / "img"
PHONE: ViewportSize = {"width": 440, "height": 780}
DESK: ViewportSize = {"width": 1040, "height": 840}
NUMBER, EMAIL = "+12015550134", "ann@example.org"


def main() -> int:
    """Take them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER")
    parser.add_argument("--only", default="", metavar="WORD", help="states with this in the name")
    options = parser.parse_args()
    path = where.executable()
    if path is None:
        print(where.MISSING, file=sys.stderr)
        return 1
    with where.open_chromium(path) as chromium, _portal(chromium) as new_visit:
        if options.all:
            _take_all(new_visit, options.all, options.only)
        else:
            _take_for_readme(new_visit)
    return 0


@contextmanager
def _portal(chromium: Browser) -> Iterator[NewVisit]:
    with tempfile.TemporaryDirectory() as folder:
        environ = {**QUICK, **GENEROUS, "GATEPOST_INSTANCE_DIR": folder}
        migrate(environ)
        with running(Path(folder), environ, workers=1) as portal:
            for app in app_of(portal):
                with opening(chromium, portal, app) as new_visit:
                    yield new_visit


def _take_for_readme(new_visit: NewVisit) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    visit = new_visit(device_scale_factor=2)
    page = visit.page
    person = visit.new_person(EMAIL, number=NUMBER, two_factor=True)
    visit.change(User, person, password_changed_at=now())
    page.set_viewport_size(PHONE)
    visit.open("/sign-in")
    _shoot(page, "sign-in")
    visit.sign_in(person)
    visit.open("/two-factor")
    _shoot(page, "choose")
    visit.press("Send code")
    page.get_by_text("The text was sent.").wait_for()
    _shoot(page, "code")
    code = code_in(visit.wait_for("sms", 1, NUMBER)[0])
    visit.post("/two-factor/verify", code=code, remember_browser="y")
    page.set_viewport_size(DESK)
    visit.open("/account")
    _shoot(page, "account")


def _shoot(page: Page, name: str) -> None:
    page.evaluate("document.activeElement.blur()")
    _hide_what_is_of_development(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.screenshot(path=IMAGES / f"{name}-{scheme}.png")


def _hide_what_is_of_development(page: Page) -> None:
    page.locator("a[href='/dev/outbox']").evaluate("link => link.remove()")


def _take_all(new_visit: NewVisit, folder: Path, only: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for state in catalogue.ALL:
        if only in state.name:
            visit = new_visit()
            state.show(visit)
            _take_each_look(visit, folder / state.name)
            visit.page.context.close()
            visit.forget_apps()


def _take_each_look(visit: Visit, path: Path) -> None:
    page = visit.page
    page.screenshot(path=f"{path}-light.png", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=f"{path}-dark.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(owes.NARROW)
    page.screenshot(path=f"{path}-narrow.png", full_page=True)


if __name__ == "__main__":
    sys.exit(main())

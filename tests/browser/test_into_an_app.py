"""From an app to the sign-in, through the second step, and into the app, in a real browser.

Chromium holds the redirects after a form to the policy of the page that had it, keeps
``__Host-`` and ``__Secure-`` cookies only where they may be, and sends ``Sec-Fetch-Mode``:
no test over HTTP shows that.
"""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.apps import make_app
from tests.browser.app_site import serving
from tests.browser.tabs import SECONDS
from tests.outbox import Outbox
from tests.people import NUMBER, PASSWORD, make_person


def press(page: Page, words: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=words, exact=True).click()


def test_from_an_app_through_both_steps_and_on_to_another_domain(
    chromium: Browser, tmp_path: Path, prepared_database: str
) -> None:
    with serving(tmp_path, prepared_database) as site:
        wiki, shop = site.at("wiki.example.org"), site.at("shop.example.net")
        with site.app.app_context():
            make_app("Wiki", wiki, for_everyone=True, level="two-factor")
            make_app("Shop", shop, for_everyone=True)
            make_person(number=NUMBER, two_factor=True)
        context = chromium.new_context(ignore_https_errors=True)
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        refused: list[str] = []
        page.on("console", lambda m: refused.append(m.text) if "Security Policy" in m.text else 0)

        page.goto(f"{wiki}/notes?of=monday")
        expect(page.locator("h1")).to_have_text("Sign in")
        page.get_by_label("Email address", exact=True).fill("ann@example.org")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        press(page, "Sign in")
        press(page, "Send code")
        page.get_by_label("Security code").fill(Outbox(site.app).code(to=NUMBER))
        press(page, "Submit")
        expect(page.locator("h1")).to_have_text("Hello ann@example.org")
        assert page.url == f"{wiki}/notes?of=monday"

        page.goto(f"{shop}/cart")
        expect(page.locator("h1")).to_have_text("Hello ann@example.org")
        assert page.url == f"{shop}/cart"
        kept = {(cookie["name"], cookie["domain"]) for cookie in context.cookies()}
        assert ("__Secure-gatepost_apps", ".example.org") in kept
        assert ("__Host-gatepost_app", "shop.example.net") in kept
        assert ("__Host-gatepost_login", "login.example.org") in kept

        page.goto(f"{site.at('login.example.org')}/sign-out")
        page.get_by_role("main").get_by_role("button", name="Sign out").click()
        for address in (f"{wiki}/", f"{shop}/"):
            page.goto(address)
            expect(page.locator("h1")).to_have_text("Sign in")
        # Straight into the other domain: the form's redirects go there and back, twice.
        page.get_by_label("Email address", exact=True).fill("ann@example.org")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        press(page, "Sign in")
        press(page, "Send code")
        page.get_by_label("Security code").fill(Outbox(site.app).code(to=NUMBER))
        press(page, "Submit")
        expect(page.locator("h1")).to_have_text("Hello ann@example.org")
        assert page.url == f"{shop}/"
        assert refused == []
        context.close()

"""A new colleague's first day: from a link to an app, through every door, and out again."""

import pytest
from flask import Flask

from services import apps
from tests.apps import let_in, make_app
from tests.outbox import Outbox
from tests.page import check
from tests.people import PASSWORD
from tests.traveller import IN, SETTINGS, Traveller

NEW = "new@example.org"
MINUTES = "https://wiki.example.org/minutes?of=monday"
PAYROLL = "https://payroll.example.org/me"
SHOP = "https://shop.example.net/cart"


@pytest.mark.settings(**SETTINGS)
def test_a_new_colleague_s_first_day(app: Flask, outbox: Outbox) -> None:
    with app.app_context():
        wiki = make_app("Wiki")
        make_app("Payroll", for_everyone=True, level="recent-two-factor")
        make_app("Shop", "https://shop.example.net", for_everyone=True)
    browser = Traveller(app)

    # A link to the wiki, and no account yet.
    page = check(
        browser.client, browser.client.get(browser.page(MINUTES).links["Create an account"])
    )
    browser.press(page, "Create account", email=NEW, password=PASSWORD)
    page = check(browser.client, browser.press(browser.page(outbox.link(to=NEW)), "Confirm"))
    page = check(browser.client, browser.press(page, "Sign in", email=NEW, password=PASSWORD))

    # The wiki is not for them yet; somebody lets them in.
    assert page.h1 == "Wiki does not let you in yet"
    page = check(browser.client, browser.press(page, "Ask for access", reason="I take the minutes"))
    assert "Waiting for an answer" in page.main
    with app.app_context():
        let_in(apps.find(wiki.id), NEW)
    assert browser.go(MINUTES).headers["Remote-User"] == NEW

    # Payroll asks for a second factor, which they turn on and prove on the way.
    page = browser.page(PAYROLL)
    page = check(browser.client, browser.press(page, "Turn on"))
    outbox.deliver()
    page = check(browser.client, browser.press(page, "Send code"))
    assert browser.press(page, "Submit", code=outbox.code("mail", NEW)).status_code == IN
    assert browser.hops[-1] == PAYROLL

    # Another domain asks for nothing at all.
    assert browser.enters(SHOP)

    # Signed out at the portal, they are out everywhere.
    browser.press(browser.page("/account"), "Sign out")
    for address in (MINUTES, PAYROLL, SHOP):
        assert browser.page(address).h1 == "Sign in"

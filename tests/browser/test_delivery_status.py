"""Where the text is: told on the code page while one waits, with another way when it fails."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from models import Message
from services.clock import now
from tests.browser.at_code_page import AtCodePage
from tests.browser.portals import GENEROUS, app_of, portal_on
from tests.browser.tabs import NewVisit, opening
from tests.conftest import QUICK
from tests.outbox import code_in
from tests.portal import Portal
from tests.standins import faults
from tests.standins.twilio import SETTINGS, TwilioStandin

STATUS = ".delivery"


@pytest.fixture(scope="module")
def twilio() -> Iterator[TwilioStandin]:
    """A provider on a socket of its own."""
    with TwilioStandin() as twilio:
        yield twilio


@pytest.fixture(scope="module")
def portal(
    chromium: Browser,
    twilio: TwilioStandin,
    prepared_database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Portal]:
    """A portal that sends its texts through that provider."""
    environ = {**QUICK, **GENEROUS, **SETTINGS, "GATEPOST_TWILIO_BASE_URL": twilio.base_url}
    with portal_on(tmp_path_factory.mktemp("twilio"), prepared_database, environ) as portal:
        yield portal


@pytest.fixture(scope="module")
def app(portal: Portal) -> Iterator[Flask]:
    yield from app_of(portal)


@pytest.fixture
def new_visit(chromium: Browser, portal: Portal, app: Flask) -> Iterator[NewVisit]:
    with opening(chromium, portal, app) as new_visit:
        yield new_visit


def test_a_text_is_seen_to_be_sent_and_delivered(
    new_visit: NewVisit, twilio: TwilioStandin
) -> None:
    visit = new_visit()
    visit.page.clock.install()
    at_code_page = AtCodePage(visit)
    status = visit.page.locator(STATUS)
    expect(status).to_have_attribute("role", "status")
    expect(status).to_contain_text("The text was sent. It should arrive within a minute.")
    twilio.set_status(list(twilio.messages)[-1], "delivered")
    visit.change(Message, at_code_page.person, due_at=now())
    visit.page.clock.fast_forward(15000)
    expect(status).to_contain_text("The text was delivered to the phone.")
    expect(status).to_have_attribute("data-status", "delivered")
    assert at_code_page.posts == []


def test_a_text_that_fails_is_said_plainly_and_email_works_instead(
    new_visit: NewVisit, twilio: TwilioStandin
) -> None:
    twilio.next_answers(faults.refuse(400, 21610, "Attempt to send to unsubscribed recipient"))
    visit = new_visit()
    at_code_page = AtCodePage(visit)
    status = visit.page.locator(STATUS)
    expect(status).to_contain_text("This number has opted out of our texts. Text START to")
    expect(status).to_have_attribute("data-status", "failed")
    assert "unsubscribed" not in visit.page.content()
    visit.press("Use another way")
    visit.page.get_by_text("By email to a••@example.org").click()
    visit.press("Send code")
    expect(status).to_contain_text("The email was sent.")
    code = code_in(visit.wait_for("mail", 1, at_code_page.person.email)[0])
    assert code in twilio.texts[-1]["Body"], "one code, whichever way it goes"
    visit.fill("Security code", code)
    visit.press("Submit")
    expect(visit.page.locator("h1")).to_have_text("Your account")


def test_without_javascript_a_reload_tells_the_same(
    new_visit: NewVisit, twilio: TwilioStandin
) -> None:
    twilio.next_answers(faults.refuse(400, 21614))
    visit = new_visit(java_script_enabled=False)
    AtCodePage(visit)
    status = visit.page.locator(STATUS)
    for _ in range(20):
        if "Sending" not in status.inner_text():
            break
        visit.page.wait_for_timeout(100)
        visit.page.reload()
    expect(status).to_contain_text("This number cannot receive text messages.")
    expect(visit.button_or_link("Use another way")).to_be_visible()


def test_after_long_silence_the_page_offers_another_way(
    new_visit: NewVisit, twilio: TwilioStandin
) -> None:
    twilio.next_answers(faults.hang(6))
    visit = new_visit()
    visit.page.clock.install()
    AtCodePage(visit)
    status = visit.page.locator(STATUS)
    expect(status).to_have_text("Sending the text…")
    visit.page.clock.fast_forward(19000)
    expect(status).not_to_contain_text("longer than usual")
    visit.page.clock.fast_forward(2000)
    expect(status).to_contain_text(
        "This takes longer than usual. You can get the code another way."
    )


def test_the_page_stops_asking_when_there_is_no_more_news(
    new_visit: NewVisit, twilio: TwilioStandin
) -> None:
    twilio.next_answers(faults.refuse(400, 21211))
    visit = new_visit()
    visit.page.clock.install()
    asked: list[str] = []
    visit.page.on("request", lambda r: asked.append(r.url) if "/delivery" in r.url else None)
    AtCodePage(visit)
    expect(visit.page.locator(STATUS)).to_have_attribute("data-status", "failed")
    before = len(asked)
    assert before in {1, 2, 3}
    visit.page.clock.fast_forward(120_000)
    visit.page.wait_for_timeout(300)
    assert len(asked) == before

"""Every fault of the text provider on the way: the page answers at once and in plain words,
shows nothing of the provider's, and email works instead.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.client import Answer, Browser
from tests.journeys.first_journey import Step
from tests.journeys.providers import Providers
from tests.people import Person
from tests.scene import Scene, playing
from tests.standins import faults
from tests.standins import twilio as twilios
from tests.standins.smtp import SmtpStandin
from tests.standins.twilio import TwilioStandin

PAGE_SECONDS = 1.0
PROVIDER_SECONDS = 2.0
"""The provider's shortest silence: a page that waited for it took as long."""

OUTCOME_SECONDS = 12
THEIRS = "Permission to send an SMS has not been enabled: see twilio"
HTML = f"<html><title>Bad</title><h1>{THEIRS}</h1></html>"

WAIT = "We could not confirm the text was sent. Wait 30 seconds; if nothing comes, ask again."
MAYBE = (
    "We could not confirm the text was sent. It may still arrive. "
    "Wait 30 seconds; if nothing comes, ask again."
)
NOT_NOW = "Text messages are not available right now. Use another method."


@dataclass(frozen=True)
class Fault:
    """What the provider does, and what the person and the provider see of it."""

    name: str
    answer: twilios.Answer
    reason: str
    words: str
    requests: int = 1


FAULTS = [
    Fault("21211", faults.refuse(400, 21211, THEIRS), "bad_number",
          "That phone number does not look right. Check the country code and digits."),
    Fault("21408", faults.refuse(400, 21408, THEIRS), "route_off",
          "We cannot send texts to this number. Use another method."),
    Fault("21610", faults.refuse(400, 21610, THEIRS), "opted_out",
          "This number has opted out of our texts. Text START to +12015550100"
          " or use another method."),
    Fault("21614", faults.refuse(400, 21614, THEIRS), "unsupported",
          "This number cannot receive text messages. Use a mobile number or another method."),
    Fault("20003", faults.refuse(401, 20003, THEIRS), "misconfigured", NOT_NOW),
    Fault("429", faults.refuse(429, 20429, THEIRS), "busy", WAIT, requests=3),
    Fault("500 HTML", faults.say(500, HTML), "unknown", MAYBE),
    Fault("2xx HTML", faults.say(200, HTML), "unknown", MAYBE),
    Fault("empty 201", faults.say(201, ""), "unknown", MAYBE),
    Fault("201 without a message", faults.say(201, "{}", "application/json"), "unknown", MAYBE),
    Fault("hang", faults.hang(), "unknown", MAYBE),
    Fault("dripping header", faults.drip_header(), "unknown", MAYBE),
    Fault("dripping body", faults.drip_body(), "unknown", MAYBE),
    Fault("reset", faults.reset, "unknown", MAYBE),
    Fault("closed without a word", faults.hang_up, "unknown", MAYBE),
]  # fmt: skip


@dataclass
class Stage:
    """A portal between the two stand-ins."""

    scene: Scene
    post: Providers

    @property
    def twilio(self) -> TwilioStandin:
        """The text provider."""
        return self.post.twilio


@pytest.fixture(scope="module")
def stage(prepared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with TwilioStandin() as twilio, SmtpStandin() as smtp:
        settings = settings_for(twilio.base_url, smtp)
        folder = tmp_path_factory.mktemp("faults")
        with playing(folder, prepared_database, workers=2, **settings) as scene:
            yield Stage(scene, Providers(twilio, smtp))
            assert scene.failures() == []


def settings_for(twilio_url: str, smtp: SmtpStandin) -> dict[str, str]:
    """A portal that gives up on a text after three seconds, far longer than a page may take."""
    return {
        **twilios.SETTINGS,
        "GATEPOST_TWILIO_BASE_URL": twilio_url,
        "GATEPOST_TWILIO_READ_SECONDS": f"{PROVIDER_SECONDS:.0f}",
        "GATEPOST_TWILIO_DEADLINE_SECONDS": "3",
        "GATEPOST_MAIL_GATEWAY": "smtp",
        "GATEPOST_SMTP_URL": smtp.url,
        "GATEPOST_MAIL_FROM": "Gatepost <gatepost@example.org>",
    }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_at_sign_in_is_told_in_plain_words_and_email_works(
    stage: Stage, fault: Fault
) -> None:
    stage.twilio.always_answer(fault.answer)
    hurried = Hurried(stage.scene)
    try:
        hurried.ask_for_a_text()
        hurried.expect_outcome(fault.reason, fault.words)
        hurried.sign_in_by_email(stage.post)
    finally:
        stage.twilio.always_answer(None)
    number = stage.scene.number_of(hurried.person)
    texts = stage.post.messages(number)
    assert len(texts) == fault.requests
    assert all(hurried.code in text for text in texts), "one code, whichever way it goes"


def test_a_provider_that_nobody_reaches_is_told_in_plain_words_and_email_works(
    prepared_database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("nobody-there")
    nobody = f"http://127.0.0.1:{faults.closed_port()}"
    with TwilioStandin() as twilio, SmtpStandin() as smtp:
        settings = settings_for(nobody, smtp)
        with playing(folder, prepared_database, workers=1, **settings) as scene:
            hurried = Hurried(scene)
            hurried.ask_for_a_text()
            hurried.expect_outcome("busy", WAIT)
            hurried.sign_in_by_email(Providers(twilio, smtp))
            assert scene.failures() == []


def test_a_number_that_cannot_be_texted_is_said_so_while_it_is_added(stage: Stage) -> None:
    browser, person = stage.scene.browser(), stage.scene.person()
    stage.scene.sign_in(browser, person)
    wrong, right = stage.scene.number(), stage.scene.number()
    stage.twilio.next_answers(faults.refuse(400, 21614, THEIRS))
    added = browser.post("/account/phones/add", number=wrong)
    assert added.location == "/account/phones/confirm"
    assert added.seconds < page_seconds()
    words = "This number cannot receive text messages."
    page = wait_for_words(browser, "/account/phones/confirm", words)
    assert THEIRS not in page.answer.text
    assert "Use a different number" in page.text
    browser.post("/account/phones/add", number=right)
    code = stage.post.new_code(right)
    confirmed = browser.post("/account/phones/confirm", code=code)
    assert confirmed.location == "/account"
    assert right[-4:] in browser.get("/account").text


class Hurried:
    """Somebody at the code page, in a hurry: every page must come within a second."""

    def __init__(self, scene: Scene) -> None:
        self.browser: Browser = scene.browser()
        self.person: Person = scene.person(phone=True)
        self.code = ""
        scene.sign_in(self.browser, self.person)

    def ask_for_a_text(self) -> None:
        """Choose the phone."""
        self.quick(self.browser.post("/two-factor", method=f"phone:{self.person.phone_id}"))
        page = Step(self.quick(self.browser.get("/two-factor/verify")))
        assert "We sent a 6-digit code to the number ending" in page.text

    def expect_outcome(self, reason: str, words: str) -> None:
        """Where the text is, until there is no more news; then the same on the page."""
        deadline = time.monotonic() + OUTCOME_SECONDS
        while True:
            told = json.loads(self.quick(self.browser.get("/two-factor/delivery")).text)
            if told["done"] or time.monotonic() > deadline:
                break
            assert told["status"] == "queued", told
            time.sleep(0.1)
        assert told == {"status": "failed", "reason": reason, "text": words, "done": True}
        page = Step(self.quick(self.browser.get("/two-factor/verify")))
        assert words in page.text
        assert "Use another way" in page.text

    def sign_in_by_email(self, post: Providers) -> None:
        """The other way, with no wait before it, and with the same code as the text had."""
        sent = self.quick(self.browser.post("/two-factor", method="email"))
        assert sent.location == "/two-factor/verify", sent.text
        self.code = post.new_code(self.person.email)
        entered = self.quick(self.browser.post("/two-factor/verify", code=self.code))
        assert (entered.status, entered.location) == (303, "/")
        assert self.browser.get("/account").status == 200

    def quick(self, answer: Answer) -> Answer:
        """Fail where it took long, or where the provider speaks through it."""
        assert answer.seconds < page_seconds(), f"{answer!r} took {answer.seconds:.2f} s"
        for theirs in (THEIRS, "twilio", "Traceback", "21408", "20003"):
            assert theirs not in answer.text.lower() + answer.text, answer
        return answer


def page_seconds() -> float:
    """What a page may take: a second, or more where this machine has more to do than cores."""
    crowded = os.getloadavg()[0] / (os.cpu_count() or 1) / 3
    return min(max(PAGE_SECONDS, crowded), PROVIDER_SECONDS - 0.1)


def wait_for_words(browser: Browser, path: str, words: str) -> Step:
    """Reload until the page says so."""
    deadline = time.monotonic() + OUTCOME_SECONDS
    while True:
        page = Step(browser.get(path))
        if words in page.text or time.monotonic() > deadline:
            assert words in page.text, page.text
            return page
        time.sleep(0.1)

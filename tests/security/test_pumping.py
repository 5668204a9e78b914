"""SMS pumping: texts to numbers that nobody holds, for a share of what they cost."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from extensions import change_rows, writing
from models import Message, NumberTrial
from services.clock import now
from tests.client import Answer
from tests.scene import BEHIND_PROXY, FREE_HAND, Scene

OPERATOR = "operator@example.org"
OTHER_WAY = "use email instead"
OpenPortal = Callable[..., Scene]


def open_with(open_portal: OpenPortal, **settings: str) -> Scene:
    """A portal that tells its operator, with these settings."""
    numbers = {f"GATEPOST_{name}": value for name, value in settings.items()}
    return open_portal(workers=1, **{**FREE_HAND, "GATEPOST_ALERT_EMAIL": OPERATOR, **numbers})


def add(scene: Scene, number: str) -> Answer:
    """A new person, from a new address, asks for a code to a number."""
    browser = scene.browser()
    scene.sign_in(browser, scene.person())
    return browser.post("/account/phones/add", number=number)


def texts(scene: Scene) -> int:
    """How many texts were queued so far."""
    return int(scene.scalar(select(func.count()).where(Message.channel == "sms")))


def assert_stopped(scene: Scene, answer: Answer) -> None:
    """No text, a sentence with another way, and the operator knows."""
    before = texts(scene)
    assert answer.status == 429
    assert OTHER_WAY in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert texts(scene) == before
    scene.new_message("mail", OPERATOR)


def assert_proven_numbers_still_work(scene: Scene) -> None:
    """Who has proved a number signs in by text, whatever the strangers do."""
    ann, browser = scene.person(phone=True), scene.browser()
    scene.sign_in_whole(browser, ann)
    assert browser.is_signed_in()


@pytest.mark.parametrize("cap", ["NEW_NUMBER_COUNTRY_PER_DAY", "NEW_NUMBER_PORTAL_PER_HOUR"])
def test_a_cap_of_the_whole_portal_stops_texts_to_strangers_only(
    open_portal: OpenPortal, cap: str
) -> None:
    scene = open_with(open_portal, **{cap: "3"})
    assert [add(scene, scene.number()).status for _ in range(3)] == [303] * 3
    assert_stopped(scene, add(scene, scene.number()))
    assert add(scene, scene.number()).status == 429
    assert len(scene.messages("mail", OPERATOR)) == 1, "told once"
    assert_proven_numbers_still_work(scene)


def test_proving_a_number_gives_its_place_back(open_portal: OpenPortal) -> None:
    scene = open_with(open_portal, NEW_NUMBER_COUNTRY_PER_DAY="1")
    for _ in range(3):
        browser, number = scene.browser(), scene.number()
        scene.sign_in(browser, scene.person())
        assert browser.post("/account/phones/add", number=number).status == 303
        code = scene.new_code(number)
        assert browser.post("/account/phones/confirm", code=code).location == "/account"
    assert add(scene, scene.number()).status == 303
    assert add(scene, scene.number()).status == 429


def test_the_breaker_pauses_where_codes_are_hardly_ever_entered(open_portal: OpenPortal) -> None:
    scene = open_with(open_portal, BREAKER_TEXTS="4")
    for _ in range(4):
        assert add(scene, scene.number()).status == 303
    with scene.app.app_context(), writing() as session:
        change_rows(session, update(NumberTrial).values(sent_at=now() - timedelta(hours=1)))
    add(scene, scene.number())
    assert_stopped(scene, add(scene, scene.number()))
    assert_proven_numbers_still_work(scene)


def test_who_shares_a_number_cannot_stop_the_texts_of_everybody_else(
    open_portal: OpenPortal,
) -> None:
    scene = open_portal(workers=1, **BEHIND_PROXY, GATEPOST_ALERT_EMAIL=OPERATOR)
    shared = scene.number()
    pair = [scene.person(number=shared, two_factor=True) for _ in range(2)]
    for entered in (True, False):
        for _ in range(26):
            for person in pair:
                browser = scene.browser()
                scene.sign_in(browser, person)
                sent = browser.post("/two-factor", method=f"phone:{person.phone_id}")
                if entered and sent.status == 303:
                    browser.post("/two-factor/verify", code=scene.new_code(shared))
    assert texts(scene) == 30, "that number has had its share"
    assert scene.messages("mail", OPERATOR) == [], "the portal has not"
    assert_proven_numbers_still_work(scene)

"""Limits against floods, and for the crowd that does nothing wrong (CVE-2026-8760, SMS pumping)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from models import LoginSession, Message
from tests.client import Answer, Browser, parallel
from tests.people import Person
from tests.scene import BEHIND_PROXY, Scene

OFFICE = "203.0.113.9"
PEOPLE = 200


def texts(scene: Scene) -> int:
    """How many texts were queued so far."""
    return int(scene.scalar(select(func.count()).where(Message.channel == "sms")))


def signed_in(scene: Scene) -> Browser:
    """A new person in a browser, ready to add a number."""
    browser = scene.browser()
    scene.sign_in(browser, scene.person())
    return browser


def add(browser: Browser, number: str) -> Answer:
    """Ask for a code to a number."""
    return browser.post("/account/phones/add", number=number)


def test_adjacent_numbers_run_dry_whoever_asks(strict_scene: Scene) -> None:
    before = texts(strict_scene)
    answers = [add(signed_in(strict_scene), f"+1646555017{digit}") for digit in range(5)]
    assert [answer.status for answer in answers] == [303, 303, 303, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert texts(strict_scene) - before == 3


def test_one_person_tries_three_different_numbers_an_hour(strict_scene: Scene) -> None:
    browser = signed_in(strict_scene)
    areas = (305, 312, 313, 314)
    statuses = [add(browser, f"+1{area}5550188").status for area in areas]
    assert statuses == [303, 303, 303, 429]


def test_a_number_is_asked_again_only_after_the_gap_even_in_parallel(strict_scene: Scene) -> None:
    browser = signed_in(strict_scene)
    token = browser.get("/account/phones/add").csrf_token
    fields = {"csrf_token": token, "number": "+15125550144"}

    def ask() -> Answer:
        return browser.twin().send("/account/phones/add", fields)

    before = texts(strict_scene)
    answers = parallel([ask] * 6)
    assert sorted(answer.status for answer in answers) == [303, 429, 429, 429, 429, 429]
    assert texts(strict_scene) - before == 1


def test_strangers_who_type_a_number_do_not_keep_its_owner_waiting(strict_scene: Scene) -> None:
    ann = strict_scene.person(phone=True)
    number = strict_scene.number_of(ann)
    before = texts(strict_scene)
    statuses = [add(signed_in(strict_scene), number).status for _ in range(4)]
    assert statuses == [303, 303, 303, 429], "strangers together have the prefix's three texts"
    browser = strict_scene.browser()
    strict_scene.sign_in(browser, ann)
    sent = browser.post("/two-factor", method=f"phone:{ann.phone_id}")
    assert sent.location == "/two-factor/verify"
    assert texts(strict_scene) - before == 4


def test_premium_and_foreign_numbers_cost_nothing(open_portal: Callable[..., Scene]) -> None:
    scene = open_portal(workers=1, **BEHIND_PROXY, GATEPOST_SMS_COUNTRIES="US")
    browser = signed_in(scene)
    for number in ("+19005550123", "+18005550123", "+4915112345678", "+442079460123", "112", "x"):
        assert add(browser, number).status == 422
    assert texts(scene) == 0


def test_guessing_a_password_meets_a_wait_that_the_owners_browser_does_not(
    strict_scene: Scene,
) -> None:
    ann = strict_scene.person()
    home, guesser = strict_scene.browser(), strict_scene.browser()
    strict_scene.sign_in(home, ann)
    home.post("/sign-out", page="/account")
    wrong = Person(ann.id, ann.email, "not the right password")
    statuses = [strict_scene.sign_in(strict_scene.browser(), wrong).status for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    late = strict_scene.sign_in(guesser, ann)
    assert late.status == 429
    assert 0 < int(late.headers["Retry-After"]) <= 31
    assert strict_scene.sign_in(home, ann).status == 303, "a known browser has a lane of its own"


def test_whom_strangers_locked_out_gets_in_after_a_reset(strict_scene: Scene) -> None:
    ann = strict_scene.person()
    wrong = Person(ann.id, ann.email, "not the right password")
    for _ in range(6):
        strict_scene.sign_in(strict_scene.browser(), wrong)
    browser = strict_scene.browser()
    browser.post("/reset-password", email=ann.email)
    new = "seven purple kettles on a roof"
    browser.post(strict_scene.new_link(ann.email), password=new)
    changed = Person(ann.id, ann.email, new)
    assert strict_scene.sign_in(strict_scene.browser(), changed).status == 429
    assert strict_scene.sign_in(browser, changed).location == "/"
    for _ in range(6):
        strict_scene.sign_in(strict_scene.browser(), wrong)
    newest = "a fourth of these unlikely phrases"
    browser.post("/account/password", current_password=new, password=newest)
    browser.post("/sign-out", page="/account")
    assert strict_scene.sign_in(browser, Person(ann.id, ann.email, newest)).location == "/"


def test_known_browsers_laid_in_before_a_change_of_password_are_unknown_after_it(
    strict_scene: Scene,
) -> None:
    ann = strict_scene.person()
    intruder, owner = strict_scene.browser(), strict_scene.browser()
    strict_scene.sign_in(intruder, ann)
    strict_scene.sign_in(owner, ann)
    new = "seven purple kettles on a roof"
    owner.post("/account/password", current_password=ann.password, password=new)
    wrong = Person(ann.id, ann.email, "not the right password")
    for _ in range(5):
        strict_scene.sign_in(strict_scene.browser(), wrong)
    assert strict_scene.sign_in(intruder, wrong).status == 429, "no lane of its own any more"


def test_registrations_from_one_address_are_counted(strict_scene: Scene) -> None:
    crowd = "198.51.100.200"
    statuses = []
    for count in range(32):
        browser = strict_scene.browser(address=crowd)
        fields = {"email": f"crowd{count}@example.org", "password": "seven purple kettles, a roof"}
        statuses.append(browser.post("/register", **fields).status)
    assert statuses == [303] * 30 + [429] * 2


def test_whoever_signs_in_without_end_has_no_end_of_sessions(strict_scene: Scene) -> None:
    ann = strict_scene.person()
    browsers = [strict_scene.browser() for _ in range(66)]
    assert {strict_scene.sign_in(browser, ann).status for browser in browsers} == {303}
    of_ann = select(func.count()).where(LoginSession.user_id == ann.id)
    assert 50 <= strict_scene.scalar(of_ann) < 58
    assert browsers[-1].is_signed_in()
    assert not browsers[0].is_signed_in()


def test_parallel_guesses_are_no_more_than_those_one_after_another(strict_scene: Scene) -> None:
    ann = strict_scene.person()
    browser = strict_scene.browser()
    token = browser.get("/sign-in").csrf_token

    def guess(number: int) -> Callable[[], Answer]:
        fields = {"csrf_token": token, "email": ann.email, "password": f"guess {number}"}
        return lambda: browser.twin().send("/sign-in", fields)

    answers = parallel([guess(number) for number in range(24)])
    assert sum(answer.status == 422 for answer in answers) == 5


@pytest.mark.slow
def test_at_nine_o_clock_a_whole_office_signs_in_by_text(
    open_portal: Callable[..., Scene],
) -> None:
    scene = open_portal(workers=2, **BEHIND_PROXY)
    people = [scene.person(phone=True) for _ in range(PEOPLE)]

    def arrive(person: Person) -> int:
        browser = scene.browser(address=OFFICE)
        if person.id % 20 == 0:
            scene.sign_in(browser, Person(person.id, person.email, "a typing mistake"))
        scene.sign_in_whole(browser, person)
        return browser.get("/account").status

    with ThreadPoolExecutor(8) as doors:
        statuses = list(doors.map(arrive, people))
    assert statuses == [200] * PEOPLE
    assert scene.scalar(select(func.count()).select_from(LoginSession)) == PEOPLE
    assert scene.failures() == []

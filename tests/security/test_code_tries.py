"""Codes under attack: guessed in parallel, used twice, rolled back, borrowed.

CVE-2026-78655 (attempt counter in a signed cookie), CVE-2026-110653 (counter not
atomic), CVE-2026-107276 (one code used twice in parallel).
"""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from models import Activity, Challenge, LoginSession
from tests.client import Answer, Browser, parallel
from tests.people import Person
from tests.scene import Scene

TRIES = 5


def wrong(code: str, by: int = 1) -> str:
    """A code that is not this one."""
    return f"{(int(code) + by) % 10**6:06}"


def events(scene: Scene, person: Person, event: str) -> int:
    """How often the audit trail has an event of a person."""
    counted = select(func.count()).where(Activity.user_id == person.id, Activity.event == event)
    return int(scene.scalar(counted))


def live_sessions(scene: Scene, person: Person) -> int:
    """How many login sessions the person has."""
    return int(scene.scalar(select(func.count()).where(LoginSession.user_id == person.id)))


def guess(browser: Browser, code: str, token: str) -> Callable[[], Answer]:
    """Enter a code in a copy of the browser."""
    twin = browser.twin()
    return lambda: twin.send("/two-factor/verify", {"csrf_token": token, "code": code})


def test_of_200_parallel_wrong_codes_five_are_judged_and_the_right_one_comes_too_late(
    scene: Scene, ann: Person
) -> None:
    browser = scene.browser()
    code = scene.ask_for_code(browser, ann)
    token = browser.get("/two-factor/verify").csrf_token
    answers = parallel([guess(browser, wrong(code, by), token) for by in range(1, 201)])
    answers.append(guess(browser, code, token)())
    assert {answer.status for answer in answers} == {422}
    assert scene.scalar(select(Challenge.tries).where(Challenge.user_id == ann.id)) == TRIES
    assert events(scene, ann, "code_incorrect") == TRIES
    assert live_sessions(scene, ann) == 0


def test_the_right_code_among_parallel_wrong_ones_wins_at_most_once(
    scene: Scene, ann: Person
) -> None:
    browser = scene.browser()
    code = scene.ask_for_code(browser, ann)
    token = browser.get("/two-factor/verify").csrf_token
    guesses = [guess(browser, wrong(code, by), token) for by in range(1, 30)]
    guesses[15:15] = [guess(browser, code, token)] * 3
    answers = parallel(guesses)
    winners = [answer for answer in answers if answer.cookies.get("gatepost_login")]
    assert len(winners) <= 1
    assert live_sessions(scene, ann) == len(winners)
    assert scene.scalar(select(Challenge.tries).where(Challenge.user_id == ann.id)) <= TRIES


def test_one_right_code_in_eight_parallel_requests_has_one_winner_and_undoes_nothing(
    scene: Scene, ann: Person
) -> None:
    browser = scene.browser()
    code = scene.ask_for_code(browser, ann)
    token = browser.get("/two-factor/verify").csrf_token
    answers = parallel([guess(browser, code, token) for _ in range(8)])
    winners = [answer for answer in answers if answer.cookies.get("gatepost_login")]
    losers = [answer for answer in answers if answer not in winners]
    assert len(winners) == 1
    assert live_sessions(scene, ann) == 1
    led_on = [answer for answer in losers if answer.status == 303]
    refused = [answer for answer in losers if answer.status == 422]
    assert len(refused) <= 8 - TRIES, "before anybody had won, when five were being judged"
    assert len(led_on) + len(refused) == len(losers)
    assert all(answer.location == "/" for answer in led_on)
    assert not any(answer.cookies for answer in losers)


def test_the_second_click_of_a_double_submit_leaves_the_person_signed_in(
    scene: Scene, ann: Person
) -> None:
    browser = scene.browser()
    code = scene.ask_for_code(browser, ann)
    token = browser.get("/two-factor/verify").csrf_token
    answers = parallel([guess(browser, code, token) for _ in range(2)])
    for answer in sorted(answers, key=lambda answer: not answer.cookies):
        browser.cookies |= {name: value for name, value in answer.cookies.items() if value}
    assert browser.get("/account").status == 200


def test_old_cookies_put_back_give_no_more_tries(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    code = scene.ask_for_code(browser, ann)
    before = dict(browser.cookies)
    for by in range(1, 12):
        browser.cookies = dict(before)
        browser.post("/two-factor/verify", code=wrong(code, by))
    browser.cookies = dict(before)
    late = browser.post("/two-factor/verify", code=code)
    assert late.status == 422
    assert "gatepost_login" not in late.cookies
    assert scene.scalar(select(Challenge.tries).where(Challenge.user_id == ann.id)) == TRIES


def test_a_used_code_stays_used_after_sign_out_with_the_old_cookies(
    scene: Scene, ann: Person
) -> None:
    browser = scene.browser()
    code = scene.ask_for_code(browser, ann)
    page = browser.get("/two-factor/verify")
    before = dict(browser.cookies)
    assert browser.post("/two-factor/verify", code=code).location == "/"
    browser.post("/sign-out", page="/account")
    browser.cookies = dict(before)
    again = browser.send("/two-factor/verify", {"csrf_token": page.csrf_token, "code": code})
    assert not again.cookies
    assert browser.get("/account").location.startswith("/sign-in")
    assert live_sessions(scene, ann) == 0


def test_a_code_is_nothing_in_another_browser_of_the_same_person(scene: Scene, ann: Person) -> None:
    mine, other = scene.browser(), scene.browser()
    code = scene.ask_for_code(mine, ann)
    assert scene.ask_for_code(other, ann) != code
    assert other.post("/two-factor/verify", code=code).status == 422
    assert mine.post("/two-factor/verify", code=code).location == "/", "nor is mine harmed by it"


def test_another_persons_code_is_a_wrong_code(scene: Scene, ann: Person) -> None:
    eve = scene.person(phone=True)
    anns, eves = scene.browser(), scene.browser()
    scene.ask_for_code(anns, ann)
    eves_code = scene.ask_for_code(eves, eve)
    assert anns.post("/two-factor/verify", code=eves_code).status == 422
    assert events(scene, ann, "code_incorrect") == 1


def test_anothers_way_cannot_be_chosen(scene: Scene, ann: Person) -> None:
    eve, browser = scene.person(phone=True), scene.browser()
    scene.sign_in(browser, ann)
    chosen = browser.post("/two-factor", method=f"phone:{eve.phone_id}")
    assert chosen.status == 422
    assert not scene.messages("sms", scene.number_of(eve))


def test_asking_again_repeats_the_code_and_renews_no_try(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    code = scene.ask_for_code(browser, ann)
    for by in range(1, TRIES):
        browser.post("/two-factor/verify", code=wrong(code, by))
    browser.post("/two-factor/resend", page="/two-factor/verify")
    assert scene.new_code(scene.number_of(ann)) == code
    browser.post("/two-factor", method="email")
    assert scene.new_code(ann.email) == code, "switching the way keeps the code"
    last = browser.post("/two-factor/verify", code=wrong(code, TRIES))
    assert "too many tries" in last.text
    assert browser.post("/two-factor/verify", code=code).status == 422


@pytest.mark.parametrize(
    "typed",
    [
        "１２３４５６",
        "٠١٢٣٤٥",
        "12345",
        "1234567",
        "+12345",
        "1e5",
        "0x1234",
        "12345\n6",
        "{code}0",
    ],
)
def test_what_is_no_code_is_a_counted_wrong_one(scene: Scene, ann: Person, typed: str) -> None:
    browser = scene.browser()
    code = scene.ask_for_code(browser, ann)
    assert browser.post("/two-factor/verify", code=typed.format(code=code)).status == 422
    tries = scene.scalar(select(Challenge.tries).where(Challenge.user_id == ann.id))
    assert tries == (0 if "\n" in typed else 1), "control characters never reach the check"


def test_digits_of_another_script_are_not_the_code(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    code = scene.ask_for_code(browser, ann)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    assert browser.post("/two-factor/verify", code=wide).status == 422
    assert browser.post("/two-factor/verify", code="").status == 422
    tries = scene.scalar(select(Challenge.tries).where(Challenge.user_id == ann.id))
    assert tries == 1, "an empty field costs nothing"
    spaced = f" {code[:3]} {code[3:]} "
    assert browser.post("/two-factor/verify", code=spaced).location == "/"


def test_only_the_first_of_many_codes_in_one_request_is_judged(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    code = scene.ask_for_code(browser, ann)
    token = browser.get("/two-factor/verify").csrf_token
    many = [("csrf_token", token), ("code", wrong(code)), ("code", code), ("code[]", code)]
    assert browser.send("/two-factor/verify", many).status == 422
    assert scene.scalar(select(Challenge.tries).where(Challenge.user_id == ann.id)) == 1

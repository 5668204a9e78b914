"""A number counts for nothing before its own code was entered (CVE-2022-28601)."""

import pytest
from sqlalchemy import select

from models import Phone
from tests.client import Browser
from tests.people import Person
from tests.scene import Scene

CONFIRM = "/account/phones/confirm"


@pytest.fixture
def browser(scene: Scene, ann: Person) -> Browser:
    """Ann's browser, signed in a moment ago."""
    browser = scene.browser()
    scene.sign_in_whole(browser, ann)
    return browser


def numbers(scene: Scene, person: Person) -> set[str]:
    """The numbers on the account."""
    return {row[0] for row in scene.rows(select(Phone.number).where(Phone.user_id == person.id))}


def test_the_number_comes_from_what_was_proved_whatever_is_posted(
    scene: Scene, ann: Person, browser: Browser
) -> None:
    mine, other, old = scene.number(), scene.number(), scene.number_of(ann)
    browser.post("/account/phones/add", number=mine)
    assert numbers(scene, ann) == {old}
    lies = {"number": other, "phone": other, "destination": other, "phone_id": "1"}
    assert browser.post(CONFIRM, code=scene.new_code(mine), **lies).location == "/account"
    assert numbers(scene, ann) == {old, mine}


def test_the_code_of_one_number_does_not_prove_another(
    scene: Scene, ann: Person, browser: Browser
) -> None:
    mine, theirs, old = scene.number(), scene.number(), scene.number_of(ann)
    browser.post("/account/phones/add", number=mine)
    code = scene.new_code(mine)
    browser.post("/account/phones/add", number=theirs)
    assert browser.post(CONFIRM, code=code).status == 422
    assert numbers(scene, ann) == {old}


def test_going_back_to_the_cookies_of_the_first_number_proves_nothing(
    scene: Scene, ann: Person, browser: Browser
) -> None:
    mine, other, old = scene.number(), scene.number(), scene.number_of(ann)
    browser.post("/account/phones/add", number=mine)
    code, earlier = scene.new_code(mine), dict(browser.cookies)
    browser.post("/account/phones/add", number=other)
    browser.cookies = earlier
    assert browser.post(CONFIRM, code=code).status == 422, "it was replaced"
    assert numbers(scene, ann) == {old}


def test_a_number_to_be_replaced_serves_until_the_new_one_is_proved(
    scene: Scene, ann: Person, browser: Browser
) -> None:
    old, new = scene.number_of(ann), scene.number()
    browser.post(f"/account/phones/{ann.phone_id}/change", number=new)
    code = scene.new_code(new)
    assert browser.post(CONFIRM, code=f"{(int(code) + 1) % 10**6:06}").status == 422
    assert numbers(scene, ann) == {old}
    other = scene.browser()
    scene.sign_in_whole(other, ann)
    assert other.is_signed_in()
    assert browser.post(CONFIRM, code=code).location == "/account"
    assert numbers(scene, ann) == {new}
    assert scene.new_message("sms", old, "no longer used")


def test_a_code_for_a_change_adds_nothing_and_one_for_adding_changes_nothing(
    scene: Scene, ann: Person, browser: Browser
) -> None:
    old, added, changed = scene.number_of(ann), scene.number(), scene.number()
    browser.post("/account/phones/add", number=added)
    code = scene.new_code(added)
    browser.post(f"/account/phones/{ann.phone_id}/change", number=changed)
    assert browser.post(CONFIRM, code=code).status == 422
    assert numbers(scene, ann) == {old}


def test_six_wrong_codes_end_the_code_of_a_number(
    scene: Scene, ann: Person, browser: Browser
) -> None:
    number, old = scene.number(), scene.number_of(ann)
    browser.post("/account/phones/add", number=number)
    code = scene.new_code(number)
    for by in range(1, 6):
        browser.post(CONFIRM, code=f"{(int(code) + by) % 10**6:06}")
    assert browser.post(CONFIRM, code=code).status == 422
    assert numbers(scene, ann) == {old}


def test_two_people_may_share_a_number_but_not_a_code(scene: Scene, ann: Person) -> None:
    shared, eve = scene.number_of(ann), scene.browser()
    scene.sign_in(eve, scene.person())
    eve.post("/account/phones/add", number=shared)
    eves_code = scene.new_code(shared)
    anns = scene.browser()
    scene.ask_for_code(anns, ann)
    assert anns.post("/two-factor/verify", code=eves_code).status == 422
    assert eve.post(CONFIRM, code=eves_code).location == "/account"

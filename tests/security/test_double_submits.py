"""Everything twice at the same moment: one request does it, the others change nothing."""

from functools import partial

import pytest
from sqlalchemy import func, select, update

from extensions import change_rows, writing
from models import EmailLink, Phone, RememberedBrowser, User
from services import accounts
from tests.client import Answer, Browser, parallel
from tests.people import Person
from tests.scene import Scene

TIMES = 8
TRIES = 5
NEW_PASSWORD = "seven purple kettles on a roof"


def at_once(browser: Browser, path: str, page: str, **fields: str) -> list[Answer]:
    """Post the same form from eight copies of the browser."""
    sent = {"csrf_token": browser.open(page).csrf_token, **fields}
    twins = [browser.twin() for _ in range(TIMES)]
    return parallel([partial(twin.send, path, sent) for twin in twins])


def winners(answers: list[Answer]) -> list[Answer]:
    """Those that were given a login."""
    return [answer for answer in answers if answer.cookies.get("gatepost_login")]


def assert_one_won(answers: list[Answer]) -> None:
    """One request won; the others were led on, and undid nothing.

    Of eight at the same moment three may be refused before anybody has won: five are
    judged. A double click never is.
    """
    (winner,) = winners(answers)
    losers = [answer for answer in answers if answer is not winner]
    assert not any(answer.cookies for answer in losers)
    assert {answer.status for answer in losers} <= {303, 422}
    assert sum(answer.status == 422 for answer in losers) <= TIMES - TRIES


def phones(scene: Scene, person: Person) -> list[str]:
    """The numbers on the account."""
    return [row[0] for row in scene.rows(select(Phone.number).where(Phone.user_id == person.id))]


def test_a_number_is_added_once(scene: Scene, ann: Person) -> None:
    browser, number = scene.browser(), scene.number()
    scene.sign_in_whole(browser, ann)
    browser.post("/account/phones/add", number=number)
    code = scene.new_code(number)
    confirm = "/account/phones/confirm"
    answers = at_once(browser, confirm, confirm, code=code)
    assert_one_won(answers)
    assert sorted(phones(scene, ann)) == sorted([scene.number_of(ann), number])


def test_of_numbers_proved_at_once_in_many_browsers_one_is_added(scene: Scene, ann: Person) -> None:
    browsers = [scene.browser() for _ in range(3)]
    calls = []
    for browser in browsers:
        scene.sign_in_whole(browser, ann)
        number = scene.number()
        browser.post("/account/phones/add", number=number)
        token = browser.get("/account/phones/confirm").csrf_token
        fields = {"csrf_token": token, "code": scene.new_code(number)}
        calls.append(partial(browser.send, "/account/phones/confirm", fields))
    assert len(winners(parallel(calls))) == 1
    assert len(phones(scene, ann)) == 2, "the first change ended the others' sessions and codes"


def test_identity_is_proved_once_by_one_code(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    scene.sign_in_whole(browser, ann, remember_browser="y")
    browser.post("/sign-out", page="/account")
    scene.sign_in(browser, ann)
    browser.post("/confirm-identity", method=f"phone:{ann.phone_id}")
    code = scene.new_code(scene.number_of(ann))
    answers = at_once(browser, "/confirm-identity", "/confirm-identity", code=code)
    assert_one_won(answers)


def test_the_last_way_is_not_lost_by_removing_two_numbers_at_once(
    scene: Scene, ann: Person
) -> None:
    browser, number = scene.browser(), scene.number()
    scene.sign_in_whole(browser, ann)
    browser.post("/account/phones/add", number=number)
    browser.post("/account/phones/confirm", code=scene.new_code(number))
    with scene.app.app_context(), writing() as session:
        no_email = {"email_way_disabled_at": func.now()}
        change_rows(session, update(User).where(User.id == ann.id).values(no_email))
    token = browser.get("/account").csrf_token
    ids = [row[0] for row in scene.rows(select(Phone.id).where(Phone.user_id == ann.id))]
    paths = [f"/account/phones/{phone_id}/remove" for phone_id in ids * 3]
    twins = [(browser.twin(), path) for path in paths]
    parallel([partial(twin.send, path, {"csrf_token": token}) for twin, path in twins])
    assert len(phones(scene, ann)) == 1


@pytest.mark.parametrize("door", ["reset", "confirm", "invite"])
def test_a_link_opens_once(scene: Scene, door: str) -> None:
    browser = scene.browser()
    email = f"{door}ed{scene.number()[1:]}@example.org"
    if door == "invite":
        with scene.app.app_context():
            path = accounts.invite(email).removeprefix(scene.url)
    else:
        scene.person(email=email) if door == "reset" else scene.registration(email)
        asked = "/reset-password" if door == "reset" else "/confirm-email/resend"
        browser.post(asked, email=email)
        path = scene.new_link(email)
    answers = at_once(browser, path, path, password=NEW_PASSWORD, email=email)
    assert [answer.status for answer in answers].count(303) == 1
    assert {answer.status for answer in answers} == {303, 422}
    assert not winners(answers), "no link signs in"
    assert scene.scalar(select(func.count()).where(User.email == email)) == 1
    open_links = select(func.count()).where(
        EmailLink.used_at.is_(None), (EmailLink.user_id == User.id) | (EmailLink.email == email)
    )
    assert scene.scalar(open_links.where(User.email == email)) == 0


def test_a_browser_is_remembered_once(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    code = scene.ask_for_code(browser, ann)
    verify = "/two-factor/verify"
    assert len(winners(at_once(browser, verify, verify, code=code, remember_browser="y"))) == 1
    kept = select(func.count()).where(RememberedBrowser.user_id == ann.id)
    assert scene.scalar(kept) == 1

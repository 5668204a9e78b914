"""Whoever registers an address that is not theirs gets, learns and blocks nothing by it."""

from collections.abc import Callable

import pytest

from services import accounts
from tests.client import Answer, Browser
from tests.people import PASSWORD, Person
from tests.scene import BEHIND_PROXY, Scene

STRANGERS = "words of somebody else entirely"
CHOSEN = "seven purple kettles on a roof"


def new_email(scene: Scene) -> str:
    """An address that nobody has met."""
    return f"new{scene.number()[1:]}@example.org"


def register(browser: Browser, email: str, password: str = PASSWORD) -> Answer:
    answer = browser.post("/register", email=email, password=password)
    assert (answer.status, answer.location) == (303, "/confirm-email/sent")
    return answer


def sign_in(scene: Scene, email: str, password: str) -> Answer:
    return scene.sign_in(scene.browser(), Person(0, email, password))


def is_let_in(answer: Answer) -> bool:
    return bool(answer.cookies.get("gatepost_login"))


@pytest.mark.parametrize("stranger_comes", ["before", "after"])
@pytest.mark.parametrize("confirmed_in", ["the same browser", "another browser"])
def test_a_stranger_s_password_never_gets_onto_the_owner_s_account(
    scene: Scene, stranger_comes: str, confirmed_in: str
) -> None:
    email, mine = new_email(scene), scene.browser()
    registrations = [(mine, PASSWORD), (scene.browser(), STRANGERS)]
    for who, password in registrations[:: 1 if stranger_comes == "after" else -1]:
        register(who, email, password)
        link = scene.new_link(email)
    browser = mine if confirmed_in == "the same browser" else scene.browser()
    confirmed = browser.post(link)

    assert confirmed.status == 303
    assert not is_let_in(sign_in(scene, email, STRANGERS))
    if stranger_comes == "before" and browser is mine:
        assert is_let_in(sign_in(scene, email, PASSWORD))
        return
    assert confirmed.location.startswith("/reset-password/")
    browser.post(confirmed.location, password=CHOSEN)
    assert is_let_in(sign_in(scene, email, CHOSEN))
    assert not is_let_in(sign_in(scene, email, STRANGERS))


def test_the_only_one_who_registered_confirms_in_whatever_browser(scene: Scene) -> None:
    email = new_email(scene)
    register(scene.browser(), email)
    assert scene.browser().post(scene.new_link(email)).location == "/sign-in"

    assert is_let_in(sign_in(scene, email, PASSWORD))


@pytest.mark.parametrize("password", [STRANGERS, "not the right password"])
def test_registering_and_trying_the_password_tells_nothing(scene: Scene, password: str) -> None:
    known, unknown = scene.person().email, new_email(scene)
    pages = []
    for email in (known, unknown):
        browser = scene.browser()
        sent = browser.follow(register(browser, email, STRANGERS))
        tried = sign_in(scene, email, password)
        again = browser.post("/confirm-email/resend", email=email)
        pages.append([shown(page, email) for page in (sent, tried, again)])

    assert pages[0] == pages[1]


def shown(answer: Answer, email: str) -> tuple[int, str, list[str]]:
    """What a person sees, the address aside."""
    words = [line for line in answer.text.replace(email, "EMAIL").splitlines() if "=" not in line]
    return answer.status, answer.location, words


def test_a_registered_address_is_still_the_owner_s_to_be_invited_at_or_to_change_to(
    scene: Scene,
) -> None:
    invited, changed = new_email(scene), new_email(scene)
    for email in (invited, changed):
        register(scene.browser(), email, STRANGERS)
        scene.new_link(email)
    with scene.app.app_context():
        path = accounts.invite(invited).removeprefix(scene.url)
    answer = scene.browser().post(path, email=invited, password=PASSWORD)
    assert answer.location == "/sign-in"
    assert is_let_in(sign_in(scene, invited, PASSWORD))

    ann, browser = scene.person(), scene.browser()
    scene.sign_in(browser, ann)
    browser.post("/account/email", email=changed)
    browser.post(scene.new_link(changed))
    assert is_let_in(sign_in(scene, changed, ann.password))


def test_a_mailbox_gets_three_mails_an_hour_however_many_register_it(scene: Scene) -> None:
    for email in (new_email(scene), scene.person().email):
        for _ in range(6):
            register(scene.browser(), email, STRANGERS)
        last = new_email(scene)
        register(scene.browser(), last)
        scene.new_link(last)
        assert len(scene.messages("mail", email)) == 3


def test_an_export_does_not_tell_whether_a_new_address_is_taken(scene: Scene) -> None:
    exported = []
    for email in (scene.person().email, new_email(scene)):
        ann, browser = scene.person(), scene.browser()
        scene.sign_in(browser, ann)
        browser.post("/account/email", email=email)
        scene.new_message("mail", ann.email)
        data = browser.get("/account/data").text
        exported.append([data.count(kind) for kind in ("confirm_new_email", "email_change_asked")])

    assert exported[0] == exported[1]


def test_an_empty_portal_is_set_up_whoever_registered_before(
    open_portal: Callable[..., Scene],
) -> None:
    scene = open_portal(workers=1, **BEHIND_PROXY)
    register(scene.browser(), "mallory@example.org", STRANGERS)

    assert scene.browser().get("/setup").status == 200


def test_a_guess_that_was_registered_beforehand_counts_as_one(strict_scene: Scene) -> None:
    email = strict_scene.person().email
    guesses = [f"plausible words of hers, number {number}" for number in range(7)]
    answers = []
    for guess in guesses:
        register(strict_scene.browser(), email, guess)
        answers.append(sign_in(strict_scene, email, guess))

    assert [answer.status for answer in answers] == [422] * 5 + [429] * 2

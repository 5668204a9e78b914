"""Cookies are anybody's to read and to keep: nothing about a person stands in them."""

import itertools
from http.cookies import SimpleCookie

import pytest
from sqlalchemy import update

from extensions import writing
from models import User
from tests.client import Answer, Browser
from tests.people import Person
from tests.scene import Scene
from tests.security.cookies_read import read

ID = 987654000
NUMBERS = itertools.count(1)


class Watched(Browser):
    """A browser that keeps every cookie it was ever given."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.given: list[str] = []
        self.lines: list[str] = []

    def request(self, *args: object, **kwargs: object) -> Answer:
        """As every browser."""
        answer = super().request(*args, **kwargs)  # type: ignore[arg-type]
        self.given += [value for value in answer.cookies.values() if value]
        self.lines += answer.headers.getlist("Set-Cookie")  # type: ignore[attr-defined]
        return answer


@pytest.fixture
def ann(scene: Scene) -> Person:
    """A person whose id cannot be there by chance."""
    number = next(NUMBERS)
    person = scene.person(email=f"ann.long{number}@example.org", name="Ann Longname")
    with scene.app.app_context(), writing() as session:
        session.execute(update(User).where(User.id == person.id).values(id=ID + number * 100_000))
    return Person(ID + number * 100_000, person.email, person.password)


def add_phone(scene: Scene, browser: Browser, number: str) -> str:
    """Add a number; returns the code that proved it."""
    assert browser.post("/account/phones/add", number=number).location.endswith("/confirm")
    code = scene.new_code(number)
    assert browser.post("/account/phones/confirm", code=code).location == "/account"
    return code


def test_no_cookie_of_the_whole_journey_tells_a_person_a_number_an_address_or_a_code(
    scene: Scene, ann: Person
) -> None:
    browser, number = Watched(scene.url), scene.number()
    scene.sign_in(browser, ann)
    codes = [add_phone(scene, browser, number)]
    browser.open("/account")
    browser.post("/account/two-factor/enable", page="/account")
    browser.post("/sign-out", page="/account")
    browser.get("/sign-in")
    scene.sign_in(browser, ann, remember_me="y")
    browser.post("/two-factor", method="email")
    codes.append(scene.new_code(ann.email))
    browser.post("/two-factor/verify", code="000000")
    browser.post("/two-factor/resend", page="/two-factor/verify")
    assert scene.new_code(ann.email) == codes[-1]
    browser.post("/two-factor/verify", code=codes[-1], remember_browser="y")
    browser.post("/sign-out", page="/account")
    scene.sign_in(browser, ann)
    assert browser.get("/account").status == 200, "the browser is remembered"
    confirm = "/confirm-identity?next=/account/phones/add"
    browser.post(confirm, page=confirm, method="email")
    codes.append(scene.new_code(ann.email))
    browser.post(confirm, page=confirm, code=codes[-1])
    codes.append(add_phone(scene, browser, scene.number()))

    everything = "\n".join(map(read, browser.given))
    assert "csrf_token" in everything, "the reader reads what is there"
    secrets = [
        str(ann.id),
        ann.email,
        "ann.long",
        "Longname",
        ann.password,
        number,
        number[2:],
        *codes,
    ]
    assert [secret for secret in secrets if secret in everything] == []
    assert "example.org" not in everything


def test_every_cookie_is_kept_from_scripts_and_other_sites(scene: Scene, ann: Person) -> None:
    browser = Watched(scene.url)
    scene.sign_in(browser, ann, remember_me="y")
    browser.open("/account")
    assert browser.lines
    for line in browser.lines:
        (morsel,) = SimpleCookie(line).values()
        assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Lax", "/"), line
        assert not morsel["domain"], line


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "%00",
        "\xff\xfe",
        "a|b",
        "." * 500,
        "eyJ9.x.y",
        '"',
        '"\\777"',
        "a" * 6000,
        "=",
        "null",
    ],
)
def test_cookies_that_are_not_ours_are_as_good_as_none(scene: Scene, value: str) -> None:
    browser = scene.browser()
    names = ("session", "login", "known", "browser", "unused")
    lie = "; ".join(f"gatepost_{name}={value}" for name in names)
    for path in ("/sign-in", "/account", "/two-factor", "/register", "/"):
        answer = browser.get(path, Cookie=lie)
        assert answer.status in {200, 302, 303}, answer
        assert path != "/account" or answer.location.startswith("/sign-in")


def test_a_cookie_from_a_sibling_site_does_not_hide_the_login(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    scene.sign_in(browser, ann)
    mine = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    for name in ("remember_token", "gatepost_unused", "session", "__Secure-gatepost_login"):
        assert browser.get("/account", Cookie=f"{mine}; {name}=x|y").status == 200, name


def test_a_session_signed_with_another_key_is_none(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    scene.sign_in(browser, ann)
    for name, value in list(browser.cookies.items()):
        forged = value[:-4] + ("AAAA" if value[-4:] != "AAAA" else "BBBB")
        others = {other: kept for other, kept in browser.cookies.items() if other != name}
        cookies = "; ".join(f"{n}={v}" for n, v in {**others, name: forged}.items())
        answer = browser.get("/account", Cookie=cookies)
        assert (answer.status == 200) is (name != "gatepost_login"), name

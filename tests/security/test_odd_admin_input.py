"""Odd input in the administration and in what people ask of it; and answers given at once."""

import re
from collections.abc import Callable

import pytest

from tests.apps import DOMAINS, ask, make_app, make_group
from tests.client import Browser, parallel
from tests.people import Person
from tests.scene import FREE_HAND, Scene
from tests.security.odd_input import VALUES, attack, check

WIKI = "/no-access?rd=https://wiki.example.org"
FORMS = {
    "/admin/apps/new": "",
    "/admin/apps/{app}/edit": "",
    "/admin/apps/{app}/handling": "",
    "/admin/apps/{app}/grants": "/admin/apps/{app}",
    "/admin/groups": "",
    "/admin/groups/{group}/members": "/admin/groups/{group}",
    "/admin/requests/{request}/approve": "/admin/requests/{request}",
    WIKI: "",
}
"""Where each form posts to, and the page it stands on where that is another."""

BUTTONS = (
    "/admin/apps/{app}/grants/1/take", "/admin/apps/{app}/grants/2147483647/take",
    "/admin/groups/{group}/members/1/remove", "/admin/groups/{group}/members/1/make-manager",
    "/admin/groups/{group}/members/1/end-manager", "/admin/requests/2147483647/decline",
    "/admin/requests/{request}/decline", "/admin/groups/{group}/delete",
    "/admin/apps/{app}/remove",
)  # fmt: skip
LISTS = (
    "/?after={value}&others={value}", "/admin/apps?q={value}&after={value}",
    "/admin/apps/{app}?after={value}", "/admin/groups?after={value}",
    "/admin/groups/{group}?q={value}&after={value}", "/admin/requests?after={value}",
    "/no-access?rd={value}",
)  # fmt: skip

_NAMES = {"app": "app_id", "group": "group_id", "request": "request_id"}


def _as_rule(path: str) -> str:
    """The rule that answers a path of this module."""
    for thing, name in _NAMES.items():
        path = path.replace(f"{{{thing}}}", f"<int:{name}>")
    path = re.sub(r"grants/\d+", "grants/<int:grant_id>", path.partition("?")[0])
    path = re.sub(r"members/\d+", "members/<int:user_id>", path)
    return re.sub(r"requests/\d+", "requests/<int:request_id>", path)


BY_ADMINISTRATORS = {_as_rule(path) for path in (*FORMS, *BUTTONS)}
"""The addresses that this module posts to."""


class Office:
    """A portal with an app, a group and a request, and an administrator's browser."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.mia: Person = scene.person(admin=True)
        self.ann: Person = scene.person(name="Ann")
        self.ids = self.make_things("Wiki", self.ann)
        self.browser = self.sign_in(self.mia)

    def make_things(self, name: str, person: Person) -> dict[str, int]:
        """An app, a group with the person in it, and the person's request: their ids."""
        with self.scene.app.app_context():
            app, group = make_app(name), make_group(f"{name}-staff".lower(), [person])
            return {"app": app.id, "group": group.id, "request": ask(person, app).id}

    def sign_in(self, person: Person) -> Browser:
        """A browser of this person's."""
        browser = self.scene.browser()
        assert self.scene.sign_in(browser, person).location == "/"
        return browser

    def at(self, path: str, ids: dict[str, int] | None = None) -> str:
        """The path with what is really there."""
        for name, value in (ids or self.ids).items():
            path = path.replace(f"{{{name}}}", str(value))
        return path


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, open_portal: Callable[..., Scene]) -> Office:
    return Office(open_portal(workers=2, **FREE_HAND, **DOMAINS))


@pytest.fixture(autouse=True)
def nothing_fails(office: Office) -> object:
    before = len(office.scene.failures())
    yield
    assert office.scene.failures()[before:] == []


@pytest.mark.parametrize("path", FORMS)
def test_forms(office: Office, path: str) -> None:
    browser = office.sign_in(office.scene.person()) if path == WIKI else office.browser
    check(path, attack(browser, office.at(path), office.at(FORMS[path])))


@pytest.mark.parametrize("path", LISTS)
def test_addresses(office: Office, path: str) -> None:
    odd = ["%00", "%ff", "9" * 30, "-1", "%F0%9F%A6%8A", "a" * 3000, "%25", "'", "%5C", "١", ""]
    for value in odd:
        answer = office.browser.get(office.at(path).replace("{value}", value))
        assert answer.status in {200, 302, 404}, answer


def test_of_answers_given_at_once_one_counts(office: Office) -> None:
    bob = office.scene.person()
    with office.scene.app.app_context():
        asked = ask(bob, make_app("Chat"))
    path = f"/admin/requests/{asked.id}"
    token = office.browser.get(path).csrf_token
    answers = ["approve", "decline"] * 4
    statuses = [
        answer.status
        for answer in parallel(
            (lambda word=word: office.browser.send(f"{path}/{word}", {"csrf_token": token}))
            for word in answers
        )
    ]
    assert sorted(statuses) == [303] + [422] * 7
    assert office.scene.new_message("mail", bob.email)
    assert len(office.scene.messages("mail", bob.email)) == 1


@pytest.mark.parametrize("path", BUTTONS)
def test_buttons(office: Office, path: str) -> None:
    """Some remove what they are about: each has its own, for the tests come in any order."""
    ids = office.make_things(f"Button{BUTTONS.index(path)}", office.scene.person())
    token = office.browser.get("/account").csrf_token
    for value in VALUES.values():
        fields = {"csrf_token": token, "next": "//evil", "id": value, "seen": value[:99]}
        answer = office.browser.send(office.at(path, ids), fields)
        assert answer.status in {303, 404, 413, 422}, answer
        assert "evil" not in answer.location

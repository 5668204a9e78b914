"""The administration of groups, by administrators and by the groups' own managers."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services import groups
from services.audit import OPERATOR
from tests.apps import DOMAINS, let_in, make_app, make_group
from tests.page import open_page
from tests.people import Person, csrf_token
from tests.proofs import wear_off

pytestmark = pytest.mark.settings(**DOMAINS)

NewPerson = Callable[..., Person]
BrowserOf = Callable[[Person], FlaskClient]


@pytest.fixture
def ann(new_person: NewPerson) -> Person:
    return new_person(name="Ann")


@pytest.fixture
def staff(app: Flask, ann: Person) -> int:
    """The id of a group that Ann manages."""
    with app.app_context():
        group = make_group("staff", [ann])
        groups.set_manager(group.id, ann.id, True, OPERATOR)
        return group.id


@pytest.fixture
def board(app: Flask, mia: Person) -> int:
    """The id of a group that Ann has nothing to do with."""
    with app.app_context():
        return make_group("board", [mia]).id


def members(app: Flask) -> dict[str, list[str]]:
    with app.app_context():
        return groups.list_all()


class TestAdministrators:
    def test_make_fill_and_delete_a_group(
        self, app: Flask, admin: FlaskClient, ann: Person
    ) -> None:
        page = open_page(admin, "/admin/groups").submit("Make group", name="staff")
        assert (page.h1, page.notes) == ("staff", ["The group staff was made."])
        page = page.submit("Put in group", email="ANN@example.org")
        assert page.notes == ["Ann (ann@example.org) is in the group now."]
        assert "Ann ann@example.org" in page.main
        page = page.submit("Make manager Ann").submit("End managing Ann").submit("Take out Ann")
        assert "Nobody yet." in page.main
        page = page.follow("Delete staff")
        assert "nobody loses anything" in page.main
        assert page.submit("Delete group").notes == ["The group staff was deleted."]
        assert members(app) == {}

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("", "Enter the group's name."),
            ("Staff, all", "Use lower-case letters"),
            ("board", "There is a group with this name already."),
            ("a" * 61, "Use at most 60 characters."),
        ],
    )
    def test_a_name_that_cannot_be_is_told(
        self, app: Flask, admin: FlaskClient, board: int, name: str, problem: str
    ) -> None:
        page = open_page(admin, "/admin/groups").submit("Make group", name=name)
        assert (page.status, page.h1, page.fields["name"]) == (422, "Groups", name)
        assert page.problems[0].startswith(problem)
        assert list(members(app)) == ["board"]

    @pytest.mark.parametrize(
        ("email", "problem"),
        [
            ("nobody@example.org", "No account has this email address."),
            ("nobody", "Enter an email address like"),
            ("", "Enter"),
            ("mia@example.org", "This person is in the group already."),
        ],
    )
    def test_who_cannot_be_put_in_is_told(
        self, app: Flask, admin: FlaskClient, board: int, email: str, problem: str
    ) -> None:
        page = open_page(admin, f"/admin/groups/{board}").submit("Put in group", email=email)
        assert (page.status, page.h1, page.fields["email"]) == (422, "board", email)
        assert page.problems[0].startswith(problem)
        assert members(app)["board"] == ["mia@example.org"]

    def test_what_the_members_may_enter_is_shown_before_a_group_goes(
        self, app: Flask, admin: FlaskClient, board: int
    ) -> None:
        with app.app_context():
            let_in(make_app("Wiki"), "board")
        page = open_page(admin, f"/admin/groups/{board}")
        assert page.follow("Manage Wiki").follow("Members board").h1 == "board"
        assert "no longer enter these apps" in page.follow("Delete board").main

    def test_who_was_taken_out_already_is_told(
        self, admin: FlaskClient, app: Flask, board: int, mia: Person
    ) -> None:
        page = open_page(admin, f"/admin/groups/{board}")
        page.submit("Take out Mia")
        for button in ("Take out Mia", "Make manager Mia"):
            again = page.submit(button)
            assert (again.status, again.h1) == (422, "board")
            assert again.problems == ["This person is not in the group any more."]

    def test_long_lists_are_paged_and_searched(
        self, app: Flask, admin: FlaskClient, board: int, new_person: NewPerson
    ) -> None:
        for number in range(50):
            person = new_person(f"p{number:02}@example.org")
            with app.app_context():
                groups.add(board, person.email, OPERATOR)
        page = open_page(admin, f"/admin/groups/{board}")
        assert "p49@example.org" not in page.main
        assert "p49@example.org" in page.follow("Show more").main
        found = open_page(admin, f"/admin/groups/{board}?q=P49")
        assert ("p49@example.org" in found.main, "p48@example.org" in found.main) == (True, False)


class TestManagers:
    def test_they_see_and_change_the_members_of_their_group(
        self, app: Flask, browser_of: BrowserOf, ann: Person, staff: int, new_person: NewPerson
    ) -> None:
        new_person("bob@example.org")
        client = browser_of(ann)
        with app.app_context():
            let_in(make_app("Wiki"), "staff")
        page = open_page(client, "/").follow("View the groups you manage")
        assert page.buttons == ["Sign out"], "no group is theirs to make"
        page = page.follow("Manage staff")
        assert not [b for b in page.buttons if "anag" in b or "Take out Ann" in b]
        assert "Delete" not in page.main
        page = page.submit("Put in group", email="bob@example.org")
        assert members(app)["staff"] == ["ann@example.org", "bob@example.org"]
        page.submit("Take out bob@example.org")
        assert members(app)["staff"] == ["ann@example.org"]

    def test_everything_else_is_not_theirs(
        self, app: Flask, browser_of: BrowserOf, ann: Person, mia: Person, staff: int, board: int
    ) -> None:
        client, before = browser_of(ann), members(app)
        token = csrf_token(client.get("/account").text)
        of_board = f"/admin/groups/{board}"
        assert client.get(of_board).status_code == 404
        for path, status in {
            f"{of_board}/members": 404,
            f"{of_board}/members/{mia.id}/remove": 404,
            f"{of_board}/members/{mia.id}/make-manager": 403,
            f"{of_board}/delete": 403,
            f"/admin/groups/{staff}/delete": 403,
            f"/admin/groups/{staff}/members/{ann.id}/end-manager": 403,
            f"/admin/groups/{staff}/members/{ann.id}/remove": 422,
            "/admin/groups": 403,
            "/admin/apps/new": 403,
        }.items():
            fields = {"csrf_token": token, "email": ann.email, "name": "mine"}
            assert client.post(path, data=fields).status_code == status, path
        assert members(app) == before

    def test_they_prove_who_they_are_first(
        self, app: Flask, browser_of: BrowserOf, ann: Person, staff: int, mia: Person
    ) -> None:
        page = open_page(browser_of(ann), f"/admin/groups/{staff}")
        wear_off(app, ann)
        answer = page.post("Put in group", email=mia.email)
        assert answer.location == f"/confirm-identity?next=/admin/groups/{staff}"
        assert members(app)["staff"] == ["ann@example.org"]

    def test_from_the_moment_that_it_ends_it_has_ended(
        self, app: Flask, browser_of: BrowserOf, ann: Person, staff: int, mia: Person
    ) -> None:
        client = browser_of(ann)
        page = open_page(client, f"/admin/groups/{staff}")
        with app.app_context():
            groups.set_manager(staff, ann.id, False, OPERATOR)
        assert page.post("Put in group", email=mia.email).status_code == 404
        assert client.get("/admin/groups").status_code == 404
        assert members(app)["staff"] == ["ann@example.org"]


def test_everybody_else_finds_no_administration(browser_of: BrowserOf, ann: Person) -> None:
    client = browser_of(ann)
    for path in ("/admin/apps", "/admin/apps/new", "/admin/requests"):
        answer = client.get(path)
        assert (answer.status_code, "You may not open this page" in answer.text) == (403, True)
    assert client.get("/admin/groups").status_code == 404
    assert "/admin" not in client.get("/account").text

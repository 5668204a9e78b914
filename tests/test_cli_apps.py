"""The command line's apps and groups: what it does, prints, explains, and its status."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner

from services import accounts, apps, groups
from services.audit import OPERATOR
from services.clock import now
from services.days import end_of_day
from tests.apps import DOMAINS, let_in, make_app, make_group
from tests.people import Person, load_user

pytestmark = pytest.mark.settings(**DOMAINS)

Run = Callable[..., Result]
NewPerson = Callable[..., Person]
ANN = "ann@example.org"
WIKI = "https://wiki.example.org"


@pytest.fixture
def run(runner: FlaskCliRunner) -> Run:
    """Runs one command: ``run("app", "list")``."""
    return lambda *args, typed="": runner.invoke(args=list(args), input=typed)


def good(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def refused(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.stderr.strip()


class TestGroups:
    def test_from_making_one_to_deleting_it(self, run: Run, new_person: NewPerson) -> None:
        new_person()
        good(run("group", "create", "staff"))
        good(run("group", "create", "board"))
        good(run("group", "add", "staff", ANN))
        assert good(run("group", "list")) == f"board\nstaff  {ANN}"
        assert json.loads(good(run("group", "list", "--json"))) == [
            {"name": "board", "members": []},
            {"name": "staff", "members": [ANN]},
        ]
        good(run("group", "remove", "staff", ANN))
        good(run("group", "delete", "board", "--yes"))
        assert good(run("group", "list")) == "staff"

    def test_what_cannot_be_is_said(self, run: Run, new_person: NewPerson) -> None:
        new_person()
        good(run("group", "create", "staff"))
        assert "already" in refused(run("group", "create", "staff"))
        assert "lower-case" in refused(run("group", "create", "All staff"))
        assert "no such group" in refused(run("group", "add", "board", ANN))
        assert "No account" in refused(run("group", "add", "staff", "bob@example.org"))
        assert "not in the group" in refused(run("group", "remove", "staff", ANN))
        assert "no such group" in refused(run("group", "delete", "board"))

    def test_deleting_one_says_what_is_lost(self, app: Flask, run: Run) -> None:
        for name in ("staff", "board"):
            good(run("group", "create", name))
        for name, others in (("Wiki", ()), ("Chat", ("--group", "board"))):
            address = f"{name.lower()}.example.org"
            good(run("app", "add", name, address, "--group", "staff", *others))
        good(run("app", "add", "Lunch", "lunch.example.org"))
        with app.app_context():
            let_in(make_app("Old"), "staff", now())
        assert good(run("group", "delete", "staff")).splitlines() == [
            "The group lets its members into: Chat, Wiki.",
            "Without it nobody may enter: Wiki.",
            "The group was deleted.",
        ]
        assert good(run("group", "list")) == "board"


class TestApps:
    def test_from_adding_one_to_removing_it(self, app: Flask, run: Run) -> None:
        good(run("group", "create", "staff"))
        said = good(
            run("app", "add", "Wiki", f"{WIKI}/", "--group", "staff", "--level", "two-factor",
                "--public-path", "/health", "--public-path", "/static/*")
        )  # fmt: skip
        assert said.splitlines() == [
            f"Wiki was added at {WIKI}. It lets in: staff.",
            "What its proxy needs: flask app lines Wiki nginx (or caddy, traefik, haproxy, envoy)",
        ]
        good(run("app", "add", "Lunch", "https://lunch.example.net"))
        assert good(run("app", "list")) == (
            f"Lunch  https://lunch.example.net  password  everyone\nWiki  {WIKI}  two-factor  staff"
        )
        shown = json.loads(good(run("app", "show", "Wiki", "--json")))
        assert shown["let_in"] == [{"who": "staff", "until": "", "ended": ""}]
        assert (shown["addresses"], shown["everyone"]) == ([WIKI], False)
        assert shown["public_paths"] == ["/health", "/static/*"]
        assert f"addresses:\n  {WIKI}" in good(run("app", "show", "Wiki"))
        assert [row["name"] for row in json.loads(good(run("app", "list", "--json")))] == [
            "Lunch", "Wiki",
        ]  # fmt: skip
        good(run("app", "remove", "Wiki", "--yes"))
        with app.app_context():
            assert [row.name for row in apps.list_all()] == ["Lunch"]

    def test_removing_one_says_what_is_lost(
        self, app: Flask, run: Run, new_person: NewPerson
    ) -> None:
        new_person()
        good(run("group", "create", "staff"))
        good(run("app", "add", "Wiki", WIKI, "--group", "staff"))
        good(run("app", "add", "Lunch", "lunch.example.org"))
        with app.app_context():
            let_in(apps.find_by_name("Wiki"), ANN)
            let_in(make_app("Old"), ANN, now())
        for name, whom in (("Wiki", "staff, 1 person"), ("Lunch", "everyone"), ("Old", "nobody")):
            assert good(run("app", "remove", name)).splitlines() == [
                f"Without it nobody may enter {name} (https://{name.lower()}.example.org).",
                f"With it go its settings, and whom it lets in: {whom}.",
                "The app was removed.",
            ]
        assert good(run("app", "list")) == ""

    def test_the_list_says_whom_each_lets_in_now(
        self, app: Flask, run: Run, new_person: NewPerson
    ) -> None:
        new_person()
        new_person("bob@example.org")
        with app.app_context():
            make_group("staff")
            make_group("board")
            make_app("Lunch", for_everyone=True)
            for name, holders in (
                ("Chat", ("staff", ANN, "board", "bob@example.org")), ("Wiki", (ANN,)), ("Mail", ())
            ):  # fmt: skip
                made = make_app(name)
                for holder in holders:
                    let_in(made, holder)
            let_in(make_app("Old"), ANN, now())
        said = {
            line.split()[0]: line.split("password  ")[1]
            for line in good(run("app", "list")).splitlines()
        }
        assert said == {
            "Chat": "board, staff, 2 people", "Lunch": "everyone", "Mail": "nobody",
            "Old": "nobody", "Wiki": "1 person",
        }  # fmt: skip

    def test_a_name_that_is_nearly_right_is_told(self, run: Run) -> None:
        good(run("app", "add", "Wiki", WIKI))
        for args in (("lines", "wiki", "nginx"), ("show", "WIKI"), ("remove", "Wikki", "--yes")):
            assert refused(run("app", *args)) == "There is no such app. Did you mean Wiki?"
        assert refused(run("app", "show", "Chat")) == "There is no such app."

    def test_what_cannot_be_is_said(self, app: Flask, run: Run) -> None:
        good(run("app", "add", "Wiki", WIKI))
        assert "name" in refused(run("app", "add", "Wiki", "https://other.example.org"))
        assert WIKI in refused(run("app", "add", "Other", WIKI))
        assert "GATEPOST_APP_DOMAINS" in refused(run("app", "add", "Evil", "https://evil.test"))
        assert refused(run("app", "add", "Chat", "chat.example.org", "--group", "a b")) == (
            "There is no group a b. Make it first: flask group create 'a b'"
        )
        assert "no such app" in refused(run("app", "remove", "Chat"))
        assert "no such app" in refused(run("app", "show", "Chat"))
        assert run("app", "add", "Chat", "chat.example.org", "--level", "none").exit_code == 2


class TestLines:
    def test_they_are_made_for_the_app_and_where_all_listen(self, run: Run) -> None:
        good(run("app", "add", "Wiki", WIKI))
        where = ("--upstream", "10.0.0.5:8080", "--portal", "unix:/run/x.sock")
        lines = good(run("app", "lines", "Wiki", "nginx", *where))
        assert "server_name wiki.example.org;" in lines
        assert "proxy_pass http://10.0.0.5:8080; # Wiki itself" in lines
        assert "server unix:/run/x.sock;" in lines
        assert "127.0.0.1:3000" in good(run("app", "lines", "Wiki", "caddy"))

    def test_what_cannot_be_is_said(self, run: Run) -> None:
        good(run("app", "add", "Wiki", WIKI))
        assert "no such app" in refused(run("app", "lines", "Chat", "nginx"))
        assert refused(run("app", "lines", "Wiki", "nginx", "--upstream", "x;")) == (
            "x; is no host:port."
        )
        assert "cannot reach" in refused(
            run("app", "lines", "Wiki", "haproxy", "--portal", "unix:/x")
        )
        assert run("app", "lines", "Wiki", "apache").exit_code == 2


class TestCheck:
    @pytest.fixture
    def ann(self, new_person: NewPerson) -> Person:
        return new_person(name="Ann")

    def check(self, run: Run, url: str, *, enters: bool, email: str = ANN) -> str:
        result = run("app", "check", url, "--as", email)
        assert result.exit_code == (0 if enters else 1), result.output
        return result.stdout.strip()

    def test_who_may_enter_and_why(self, app: Flask, run: Run, ann: Person) -> None:
        with app.app_context():
            let_in(make_app("Wiki"), ANN)
            make_group("staff", [ann])
            let_in(make_app("Chat", level="recent-two-factor"), "staff")
            make_app("Lunch", for_everyone=True)
        assert self.check(run, f"{WIKI}/a?b", enters=True) == (
            "Ann may enter: they were let in.\nA password is enough."
        )
        chat = self.check(run, "https://chat.example.org/", enters=True)
        assert chat.startswith("Ann may enter, as a member of staff.\nIt takes a security code")
        assert "everyone may" in self.check(run, "https://lunch.example.org", enters=True)

    def test_until_when_is_said(self, app: Flask, run: Run, ann: Person) -> None:
        with app.app_context():
            end = end_of_day("2030-05-31")
            let_in(make_app("Wiki"), ANN, end)
            make_group("staff", [ann])
            make_group("board", [ann])
            chat = make_app("Chat")
            let_in(chat, "staff", end)
            let_in(chat, "board", end_of_day("2030-06-30"))
        said = "That ends with 2030-05-31, at midnight (UTC)."
        assert said in self.check(run, WIKI, enters=True)
        there = "https://chat.example.org/"
        assert "That ends with 2030-06-30" in self.check(run, there, enters=True)

        with app.app_context():
            let_in(chat, "staff", None)
        assert "ends" not in self.check(run, there, enters=True)

    def test_who_may_not_and_why_not(self, app: Flask, run: Run, ann: Person) -> None:
        with app.app_context():
            make_app("Wiki", public_paths=("/health",))
            let_in(make_app("Chat"), ANN, now())
        assert "neither they nor a group" in self.check(run, WIKI, enters=False)
        assert "has ended" in self.check(run, "https://chat.example.org", enters=False)
        assert "No app" in self.check(run, "https://mail.example.org", enters=False)
        assert "Everybody may" in self.check(run, f"{WIKI}/health", enters=True)
        with app.app_context():
            accounts.disable(load_user(ann.id))
        assert "is disabled" in self.check(run, WIKI, enters=False)

    def test_for_programs(self, app: Flask, run: Run, ann: Person) -> None:
        with app.app_context():
            make_app("Wiki", for_everyone=True)
        told = json.loads(good(run("app", "check", WIKI, "--as", ANN, "--json")))
        assert (told["app"], told["enters"], told["outcome"], told["reason"]) == (
            "Wiki", True, "allowed", "for-everyone",
        )  # fmt: skip

    def test_what_cannot_be_explained_is_said(self, run: Run, ann: Person) -> None:
        assert "No account" in refused(run("app", "check", WIKI, "--as", "bob@example.org"))
        assert "address" in refused(run("app", "check", "http:wiki", "--as", ANN))


@pytest.mark.parametrize("url", ["", " "])
def test_the_doctor_takes_no_empty_address(run: Run, url: str) -> None:
    assert refused(run("doctor", url)) == "The app's URL is empty. Give one, or none at all."


def test_a_manager_of_a_group_is_shown_with_the_person(
    app: Flask, run: Run, new_person: NewPerson
) -> None:
    ann = new_person()
    with app.app_context():
        staff = make_group("staff", [ann])
        groups.set_manager(staff.id, ann.id, True, OPERATOR)
    assert "groups:\n  staff  manager" in good(run("user", "show", ANN))

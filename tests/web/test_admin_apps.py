"""The administration of apps: adding, changing, letting in, removing, and what is refused."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models_apps import App
from services import apps, grants
from services.app_drafts import AppDraft
from services.audit import OPERATOR
from services.proxy_lines import PROXIES
from tests.apps import DOMAINS, WIKI, draft, let_in, make_app, make_group
from tests.page import Page, open_page
from tests.people import Person
from tests.proofs import wear_off

pytestmark = pytest.mark.settings(**DOMAINS)

NewPerson = Callable[..., Person]


@pytest.fixture
def wiki(app: Flask) -> int:
    """The id of an app."""
    with app.app_context():
        return make_app("Wiki", icon="W").id


def drafts_of(app: Flask) -> list[AppDraft]:
    with app.app_context():
        return [apps.draft_of(row) for row in apps.list_all()]


def holders(app: Flask, app_id: int) -> list[str]:
    with app.app_context():
        rows = grants.list_all(apps.find(app_id))
        return [row.group.name if row.group else row.user.email for row in rows if row]  # type: ignore[union-attr]


class TestTheList:
    def test_without_apps_it_says_what_to_do(self, admin: FlaskClient) -> None:
        page = open_page(admin, "/admin/apps")
        assert "Add the first app" in page.main
        assert page.follow("Add an app").h1 == "Add an app"

    def test_apps_are_listed_searched_and_opened(self, app: Flask, admin: FlaskClient) -> None:
        with app.app_context():
            make_app("Wiki")
            make_app("Chat", for_everyone=True)
        page = open_page(admin, "/admin/apps")
        assert page.main.index("Chat Everyone") < page.main.index("Wiki wiki.example.org")
        assert page.follow("Manage Wiki").h1 == "Wiki"
        found = open_page(admin, "/admin/apps?q=chat.ex")
        assert ("Manage Chat" in found.links, "Manage Wiki" in found.links) == (True, False)
        assert "No app has “<b>”" in open_page(admin, "/admin/apps?q=<b>").main

    def test_it_goes_on_where_a_page_ends(self, app: Flask, admin: FlaskClient) -> None:
        with app.app_context():
            for number in range(51):
                make_app(f"App {number:02}", f"https://app{number}.example.org")
        first = open_page(admin, "/admin/apps?q=app")
        assert "Manage App 49" in first.links
        second = first.follow("Show more")
        assert [name for name in second.links if name.startswith("Manage")] == ["Manage App 50"]
        assert "Show more" not in second.links


class TestAdding:
    def test_of_an_app_for_everyone_nobody_is_said_to_wait(self, admin: FlaskClient) -> None:
        page = open_page(admin, "/admin/apps/new").submit(
            "Add app", name="Wiki", addresses=WIKI, level="password", for_everyone="y"
        )
        assert page.notes == ["Wiki was added. Now set up your proxy."]

    def test_a_name_that_reverses_what_follows_is_refused(self, admin: FlaskClient) -> None:
        page = open_page(admin, "/admin/apps/new").submit(
            "Add app", name="Rtl \u202etest", addresses=WIKI, level="password"
        )
        assert page.problems == ["This has characters that cannot be used here."]

    def test_an_app_is_added_and_nobody_may_enter_it(self, app: Flask, admin: FlaskClient) -> None:
        page = open_page(admin, "/admin/apps/new").submit(
            "Add app", name=" Our  wiki ", addresses=f"{WIKI}/\r\nhttps://docs.example.net",
            level="two-factor", public_paths="/health\n/static/*", icon="W",
        )  # fmt: skip
        assert page.h1 == "Our wiki"
        assert page.notes == ["Our wiki was added. Now let people in, then set up your proxy."]
        assert "Nobody yet." in page.main
        assert drafts_of(app) == [
            AppDraft(
                "Our wiki", (WIKI, "https://docs.example.net"), icon="W", level="two-factor",
                public_paths=("/health", "/static/*"),
            )
        ]  # fmt: skip

    @pytest.mark.settings(GATEPOST_APP_DOMAINS="")
    def test_without_domains_it_says_so_before_anything_is_typed(self, admin: FlaskClient) -> None:
        page = open_page(admin, "/admin/apps/new")
        assert "First set GATEPOST_APP_DOMAINS" in page.main
        assert "Name" not in page.main

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"name": ""}, "Enter the app's name."),
            ({"addresses": ""}, "Enter the app's address."),
            ({"addresses": "https://wiki.example.com"}, "GATEPOST_APP_DOMAINS"),
            ({"addresses": "https://127.0.0.1:8000"}, "portal's own"),
            ({"public_paths": "/a/../b"}, "not a path"),
            ({"icon": "wiki"}, "one emoji"),
            ({"name": "a\x07b"}, "cannot be used here"),
            ({"public_paths": "/a\x00"}, "cannot be used here"),
            ({"level": "none"}, "Not a valid choice"),
        ],
    )
    def test_a_mistake_is_told_at_its_field_and_nothing_is_lost(
        self, app: Flask, admin: FlaskClient, fields: dict[str, str], problem: str
    ) -> None:
        typed = {"name": "Wiki", "addresses": WIKI, "public_paths": "/health", **fields}
        page = open_page(admin, "/admin/apps/new").submit("Add app", **typed)
        assert (page.status, drafts_of(app)) == (422, [])
        assert problem in page.problems[0]
        kept = {name: page.fields[name] for name in ("addresses", "public_paths")}
        if not any(ord(c) < 32 for c in "".join(fields.values())):
            assert kept == {"addresses": typed["addresses"], "public_paths": typed["public_paths"]}

    def test_what_another_app_has_is_refused(
        self, app: Flask, admin: FlaskClient, wiki: int
    ) -> None:
        page = open_page(admin, "/admin/apps/new")
        again = page.submit("Add app", name="Wiki", addresses="https://a.example.org")
        assert again.problems == ["There is an app with this name already."]
        again = page.submit("Add app", name="Wiki 2", addresses=WIKI)
        assert again.problems == [f"Another app has the address {WIKI}."]
        assert len(drafts_of(app)) == 1


def facts_on(page: Page) -> dict[str, str]:
    """What a page lists, by its name."""
    names, facts = ([e.text for e in page.root.all(tag)] for tag in ("dt", "dd"))
    return dict(zip(names, facts, strict=True))


class TestChanging:
    def test_a_change_is_saved_and_the_rest_stays(
        self, app: Flask, admin: FlaskClient, wiki: int
    ) -> None:
        page = open_page(admin, f"/admin/apps/{wiki}").follow("Change name")
        assert (page.h1, page.fields["addresses"]) == ("Change Wiki", WIKI)
        page = page.submit("Save", name="The wiki", level="recent-two-factor", requestable=None)
        assert (page.h1, page.notes) == ("The wiki", ["The wiki was saved."])
        assert drafts_of(app) == [
            draft("The wiki", WIKI, icon="W", level="recent-two-factor", requestable=False)
        ]

    def test_what_the_app_is_told(self, app: Flask, admin: FlaskClient, wiki: int) -> None:
        page = open_page(admin, f"/admin/apps/{wiki}").follow("Change what the app is told")
        refused = page.submit("Save", header_user="Cookie")
        assert (refused.status, refused.fields["header_user"]) == (422, "Cookie")
        page = page.submit(
            "Save", header_user="X-Forwarded-User", signed_header="y", own_cookie="y",
            preflight_allowed="y", cross_site_writes="y", percent_encoded="y",
        )  # fmt: skip
        assert "X-Forwarded-User" in page.main
        assert "Remote-Jwt" in page.main
        saved = drafts_of(app)[0]
        assert saved.header_names == {"user": "X-Forwarded-User"}
        assert (saved.signed_header, saved.own_cookie, saved.cross_site_writes) == (True,) * 3
        assert (saved.icon, saved.addresses) == ("W", (WIKI,))

    def test_what_somebody_else_saved_meanwhile_is_shown_before_it_is_replaced(
        self, app: Flask, admin: FlaskClient, wiki: int
    ) -> None:
        mine = open_page(admin, f"/admin/apps/{wiki}/edit")
        theirs = open_page(admin, f"/admin/apps/{wiki}/edit")
        theirs.submit("Save", name="Theirs", icon="T", level="two-factor")
        page = mine.submit("Save", name="Mine")

        assert (page.status, page.fields["name"]) == (422, "Mine")
        assert "Somebody else changed this app meanwhile" in page.problems[0]
        assert facts_on(page) == {
            "Name": "Theirs",
            "Icon": "T",
            "What people need to enter": "A security code too; a remembered browser counts",
        }
        assert drafts_of(app)[0].name == "Theirs"
        assert page.submit("Save", name="Mine", icon="T").h1 == "Mine"
        assert (drafts_of(app)[0].name, drafts_of(app)[0].icon) == ("Mine", "T")

    def test_and_of_what_the_app_is_told_too(self, admin: FlaskClient, wiki: int) -> None:
        mine = open_page(admin, f"/admin/apps/{wiki}/handling")
        theirs = open_page(admin, f"/admin/apps/{wiki}/handling")
        theirs.submit("Save", header_user="X-User", own_cookie="y")

        assert facts_on(mine.submit("Save", signed_header="y")) == {
            "Names of the headers": "X-User",
            "Send a signed header too, Remote-Jwt": "no",
            "Give this app a cookie of its own": "yes",
        }


class TestLettingIn:
    def test_a_group_and_a_person_until_a_day(
        self, app: Flask, admin: FlaskClient, wiki: int, new_person: NewPerson
    ) -> None:
        new_person()
        with app.app_context():
            make_group("staff")
        page = open_page(admin, f"/admin/apps/{wiki}")
        page = page.submit("Let in", holder="staff")
        assert page.notes == ["staff may enter."]
        page = page.submit("Let in", holder="ann@example.org", until="2030-01-31")
        assert page.notes == ["ann@example.org may enter until Jan 31, 2030."]
        assert "ann@example.org Until Jan 31, 2030" in page.main
        page = page.submit("Let in", holder="ann@example.org")
        assert page.notes == ["ann@example.org may enter. Before, it was until Jan 31, 2030."]
        assert holders(app, wiki) == ["staff", "ann@example.org"]

    @pytest.mark.parametrize(
        ("holder", "until", "problem"),
        [
            ("", "", "Enter a group's name or a person's email address."),
            ("board", "", "There is no such group."),
            ("bob@example.org", "", "No account has this email address."),
            ("staff", "2001-01-01", "This day is over."),
            ("staff", "soon", "Enter a day like"),
        ],
    )
    def test_a_mistake_is_told_and_nobody_is_let_in(
        self, app: Flask, admin: FlaskClient, wiki: int, holder: str, until: str, problem: str
    ) -> None:
        with app.app_context():
            make_group("staff")
        page = open_page(admin, f"/admin/apps/{wiki}").submit("Let in", holder=holder, until=until)
        assert (page.status, page.h1, page.fields["holder"]) == (422, "Wiki", holder)
        assert page.problems[0].startswith(problem)
        assert holders(app, wiki) == []

    def test_it_is_taken_away_once(
        self, app: Flask, admin: FlaskClient, wiki: int, new_person: NewPerson
    ) -> None:
        new_person()
        with app.app_context():
            let_in(apps.find(wiki), "ann@example.org")
        page = open_page(admin, f"/admin/apps/{wiki}")
        assert page.submit("Take away").notes == ["ann@example.org may no longer enter."]
        again = page.submit("Take away")
        assert (again.status, again.problems) == (422, ["This access was taken away already."])
        assert holders(app, wiki) == []


def test_each_proxy_has_its_lines(admin: FlaskClient, wiki: int) -> None:
    page = open_page(admin, f"/admin/apps/{wiki}")
    lines = [e.text for e in page.root.all("pre")]
    assert len(lines) == len(PROXIES)
    assert all("wiki.example.org" in text for text in lines)


def test_an_app_is_removed_once_more_asked(app: Flask, admin: FlaskClient, wiki: int) -> None:
    page = open_page(admin, f"/admin/apps/{wiki}").follow("Remove Wiki")
    assert page.submit("Remove app").notes == ["Wiki was removed."]
    assert drafts_of(app) == []
    assert open_page(admin, f"/admin/apps/{wiki}", 404).h1 == "Page not found"


def test_reading_needs_no_fresh_proof_and_changing_does(
    app: Flask, admin: FlaskClient, wiki: int, mia: Person
) -> None:
    page = open_page(admin, f"/admin/apps/{wiki}")
    wear_off(app, mia)
    assert open_page(admin, f"/admin/apps/{wiki}").h1 == "Wiki"
    for path in ("new", f"{wiki}/edit", f"{wiki}/handling", f"{wiki}/remove"):
        assert open_page(admin, f"/admin/apps/{path}").h1 == "Confirm that it is you"
    refused = page.post("Let in", holder="mia@example.org")
    assert refused.location == f"/confirm-identity?next=/admin/apps/{wiki}"
    assert holders(app, wiki) == []


def test_an_app_of_another_administrator_is_gone_while_it_is_edited(
    app: Flask, admin: FlaskClient, wiki: int
) -> None:
    page = open_page(admin, f"/admin/apps/{wiki}/edit")
    with app.app_context():
        apps.remove(wiki, OPERATOR)
    assert page.submit("Save", name="Mine").status == 404
    with app.app_context():
        assert apps.list_page().rows == []


def test_names_are_text_on_every_page(app: Flask, admin: FlaskClient) -> None:
    with app.app_context():
        evil: App = make_app("<script>alert(1)</script>", WIKI, icon="<b")
    for path in ("/admin/apps", f"/admin/apps/{evil.id}", f"/admin/apps/{evil.id}/edit", "/"):
        html = open_page(admin, path).html
        assert "<script>alert" not in html
        assert "&lt;script&gt;" in html

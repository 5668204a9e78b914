"""Apps: what may be typed, what is kept, and what two who change one at once may rely on."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select

from extensions import db, end_reading
from models import Activity
from models_apps import App, AppAddress, AppGrant
from services import app_drafts, apps
from services.app_drafts import AppDraft
from services.audit import OPERATOR
from services.errors_apps import (
    AddressTaken,
    AppChangedMeanwhile,
    AppNameTaken,
    AppUnknown,
    AppUnsuitable,
    GroupUnknown,
)
from tests.apps import DOMAINS, draft, make_app, make_group, version
from tests.threads import count_of, run_together

pytestmark = [pytest.mark.usefixtures("context"), pytest.mark.settings(**DOMAINS)]


def wrong_field(typed: AppDraft) -> str | None:
    with pytest.raises(AppUnsuitable) as refused:
        app_drafts.check(typed)
    assert str(refused.value)
    return refused.value.field


def count(table: type) -> int:
    end_reading()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


class TestDrafts:
    @pytest.mark.parametrize(
        ("typed", "origin"),
        [
            ("https://wiki.example.org", "https://wiki.example.org"),
            (" HTTPS://Wiki.EXAMPLE.org:443/ ", "https://wiki.example.org"),
            ("wiki.example.org:8443", "https://wiki.example.org:8443"),
            ("https://example.net", "https://example.net"),
            ("https://bücher.example.org", "https://xn--bcher-kva.example.org"),
        ],
    )
    def test_an_address_becomes_an_origin(self, typed: str, origin: str) -> None:
        assert app_drafts.check(draft("Wiki", typed)).addresses == (origin,)

    @pytest.mark.parametrize(
        "typed",
        [
            "", "wiki", "https://wiki.example.com", "https://example.org.example.com",
            "https://evilexample.org", "https://wiki.example.org/page", "https://a@example.org",
            "https://wiki.example.org?x", "javascript:alert(1)", "https://", "ftp://a.example.org",
            "https://wiki.example.org.", "https://a.example.org:0", "https://a b.example.org",
        ],
    )  # fmt: skip
    def test_what_is_no_address_of_ours_is_refused(self, typed: str) -> None:
        assert wrong_field(draft("Wiki", typed)) == "addresses"

    @pytest.mark.settings(GATEPOST_BASE_URL="https://auth.example.org")
    @pytest.mark.parametrize("own", ["https://auth.example.org", "https://auth.example.org:8443"])
    def test_the_portals_own_host_is_no_app(self, own: str) -> None:
        assert wrong_field(draft("Portal", own)) == "addresses"

    @pytest.mark.settings(GATEPOST_APP_DOMAINS="")
    def test_without_domains_there_are_no_apps(self) -> None:
        assert wrong_field(draft()) == "addresses"

    @pytest.mark.parametrize("path", ["/health", "/static/*", "/", "/a/b.c-d_e~f/", "/@v1:x/*"])
    def test_plain_paths_are_taken(self, path: str) -> None:
        assert app_drafts.check(draft(public_paths=(path, path, ""))).public_paths == (path,)

    @pytest.mark.parametrize(
        "path",
        [
            "health", "/*", "/a*", "/a/*/b", "//a", "/a//b", "/../a", "/a/..", "/./a", "/a%2fb",
            "/a;b", "/a?b", "/a#b", "/a b", "/é", "/a\\b", "https://wiki.example.org/a", "*",
            "/" + "a" * 200,
        ],
    )  # fmt: skip
    def test_paths_that_can_be_read_in_two_ways_are_not(self, path: str) -> None:
        assert wrong_field(draft(public_paths=(path,))) == "public_paths"

    def test_own_header_names_are_kept_beside_the_usual_ones(self) -> None:
        typed = {"user": " X-Forwarded-User ", "email": "", "groups": "Remote-Groups"}
        kept = app_drafts.check(draft(header_names=typed)).header_names
        assert kept == {"user": "X-Forwarded-User"}

    @pytest.mark.parametrize(
        "name",
        [
            "Cookie", "authorization", "HOST", "Content-Length", "X-Forwarded-For",
            "X-Original-URL", "Sec-Fetch-Site", "Proxy-Authorization", "Remote-Jwt", "remote-EMAIL",
            "a b", "a:b", "a_b", "-a", "a-", "é", "a\r\nb", "a" * 41,
        ],
    )  # fmt: skip
    def test_names_that_mean_something_else_are_refused(self, name: str) -> None:
        assert wrong_field(draft(header_names={"user": name})) == "header_user"

    @pytest.mark.parametrize("icon", ["", "W", "Wi", "📚", "👩‍🚀", "🇩🇪", "❤️"])
    def test_icons(self, icon: str) -> None:
        assert app_drafts.check(draft(icon=icon)).icon == icon

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("icon", "Wik"), ("icon", "W i"), ("icon", "📚" * 9), ("icon", "\x1b"),
            ("name", ""), ("name", " \t"), ("name", "a" * 61), ("name", "a\x00b"),
            ("level", "none"), ("level", ""),
        ],
    )  # fmt: skip
    def test_other_fields_are_looked_at_too(self, field: str, value: str) -> None:
        assert wrong_field(replace(draft(), **{field: value})) == field


class TestKeeping:
    def test_an_app_is_what_was_typed(self) -> None:
        typed = draft(
            "Our wiki", "https://wiki.example.org", "https://docs.example.net", icon="📚",
            level="two-factor", requestable=False, public_paths=("/health",),
            header_names={"user": "X-User"}, signed_header=True, own_cookie=True,
        )  # fmt: skip
        app = apps.add(typed, OPERATOR)

        assert apps.draft_of(apps.find(app.id)) == typed
        assert apps.find_by_name("Our wiki").id == app.id
        assert apps.find_by_origin("https://docs.example.net").id == app.id

    def test_nobody_enters_a_new_app_but_the_groups_named(self) -> None:
        staff = make_group("staff")
        app = apps.add(draft(), OPERATOR, ["staff"])

        granted = db.session.scalars(select(AppGrant.group_id).where(AppGrant.app_id == app.id))
        assert (list(granted), app.for_everyone) == ([staff.id], False)
        with pytest.raises(GroupUnknown):
            apps.add(draft("Chat"), OPERATOR, ["staff", "board"])
        assert count(App) == 1

    def test_a_change_takes_hold_and_the_gate_hears_of_it(self) -> None:
        app = make_app("Wiki", "https://a.example.org", "https://b.example.org")
        changed = draft(
            "Wiki 2", "https://c.example.org", "https://a.example.org", level="two-factor"
        )
        before = version()
        saved = apps.change(app.id, changed, apps.fingerprint(app), OPERATOR)

        assert (apps.draft_of(saved), version() == before) == (changed, False)
        told = db.session.scalar(select(Activity.details).order_by(Activity.id.desc()))
        assert told == {"app": "Wiki 2", "what": ["name", "addresses", "level"]}

    def test_saving_what_is_there_changes_nothing(self) -> None:
        app, before = make_app(), version()
        apps.change(app.id, apps.draft_of(app), apps.fingerprint(app), OPERATOR)
        assert version() == before

    def test_names_and_addresses_are_one_apps(self) -> None:
        wiki, chat = make_app("Wiki"), make_app("Chat")
        addresses = ("https://chat.example.org", "https://wiki.example.org")
        with pytest.raises(AppNameTaken):
            apps.add(draft("Wiki", "https://other.example.org"), OPERATOR)
        with pytest.raises(AddressTaken, match="has the address https://wiki"):
            apps.add(draft("New", "https://new.example.org", addresses[1]), OPERATOR)
        with pytest.raises(AddressTaken, match="has the address https://wiki"):
            apps.change(chat.id, draft("Chat", *addresses), apps.fingerprint(chat), OPERATOR)
        assert (count(App), count(AppAddress)) == (2, 2)
        assert apps.draft_of(apps.find(wiki.id)).addresses == ("https://wiki.example.org",)

    def test_a_removed_app_is_gone_with_all_that_was_its_own(self) -> None:
        make_group("staff")
        app = apps.add(draft(), OPERATOR, ["staff"])
        before = version()

        assert apps.remove(app.id, OPERATOR) == "Wiki"
        assert (count(App), count(AppAddress), count(AppGrant)) == (0, 0, 0)
        assert (version() == before, apps.any_there()) == (False, False)
        with pytest.raises(AppUnknown):
            apps.remove(app.id, OPERATOR)

    def test_lists_go_on_where_a_page_ends_and_are_searched(self) -> None:
        for name in ("Wiki", "Chat", "Mail"):
            make_app(name)
        first = apps.list_page(size=2)
        second = apps.list_page(first.next_after, size=2)

        assert [app.name for app in (*first.rows, *second.rows)] == ["Chat", "Mail", "Wiki"]
        assert second.next_after == ""
        assert [app.name for app in apps.list_page(containing=" CHAT.ex").rows] == ["Chat"]
        assert [app.name for app in apps.list_page(containing="wik").rows] == ["Wiki"]
        assert not apps.list_page(containing="%").rows


class TestTogether:
    def test_of_two_who_save_the_second_is_told(self) -> None:
        app = make_app()
        seen, before = apps.fingerprint(app), apps.draft_of(app)
        apps.change(app.id, replace(before, name="Theirs"), seen, OPERATOR)

        with pytest.raises(AppChangedMeanwhile):
            apps.change(app.id, replace(before, icon="W"), seen, OPERATOR)
        now_there = apps.find(app.id)
        assert (now_there.name, now_there.icon) == ("Theirs", "")
        assert apps.differences(now_there, replace(before, icon="W")) == ["name", "icon"]

    def test_of_many_who_save_at_once_one_does(self, app: Flask) -> None:
        wiki = make_app()
        seen, before = apps.fingerprint(wiki), apps.draft_of(wiki)
        outcomes = run_together(
            app, 4, lambda n: apps.change(wiki.id, replace(before, icon=str(n)), seen, OPERATOR)
        )
        assert (count_of(App, outcomes), count_of(AppChangedMeanwhile, outcomes)) == (1, 3)

    def test_of_many_who_take_an_address_at_once_one_does(self, app: Flask) -> None:
        one = "https://one.example.org"
        outcomes = run_together(app, 4, lambda n: apps.add(draft(f"App {n}", one), OPERATOR))
        assert (count_of(App, outcomes), count_of(AddressTaken, outcomes)) == (1, 3)

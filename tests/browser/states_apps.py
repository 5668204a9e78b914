"""Apps, groups and requests: what people see of them, and what administrators do."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from extensions import change_rows, writing
from models_apps import App, AppGrant
from services import access_requests, groups
from services.audit import OPERATOR
from services.clock import now
from tests.apps import ask, let_in, make_app, make_group
from tests.browser.states import state
from tests.browser.visit import Visit
from tests.people import Person

LOOKS: list[tuple[str, dict[str, Any]]] = [
    ("Wiki", {}),
    ("Grafana", {"level": "two-factor"}),
    ("Payroll", {"icon": "€", "level": "recent-two-factor"}),
    ("Calendar", {"icon": "31"}),
    ("Chat", {"icon": "Ch"}),
]
"""Apps as a small team has them."""


def _signed_in(visit: Visit, **about: Any) -> Person:
    person = visit.new_person(**about)
    visit.sign_in(person)
    return person


def _administrator(visit: Visit) -> Person:
    return _signed_in(visit, admin=True, name="Mia Mason")


def _make_apps(visit: Visit, **about: Any) -> list[App]:
    with visit.app.app_context():
        return [make_app(name, **{**look, **about}) for name, look in LOOKS]


def _one_app(visit: Visit) -> tuple[App, Person]:
    """An app with a group, a person until a day, and one whose time is over."""
    ann = visit.new_person(name="Ann Archer")
    old = visit.new_person(name="Bob Baker")
    with visit.app.app_context():
        wiki = make_app(
            "Wiki", "https://wiki.example.org", "https://docs.example.net",
            level="two-factor", public_paths=("/health", "/static/*"), signed_header=True,
        )  # fmt: skip
        make_group("staff")
        let_in(wiki, "staff")
        let_in(wiki, ann.email, now() + timedelta(days=3))
        let_in(wiki, old.email)
        with writing() as session:
            over = update(AppGrant).where(AppGrant.user_id == old.id)
            change_rows(session, over.values(expires_at=now() - timedelta(days=1)))
    return wiki, ann


def _one_group(visit: Visit) -> int:
    people = [visit.new_person(name=name) for name in ("Ann Archer", "Bob Baker", "")]
    with visit.app.app_context():
        staff = make_group("staff", people)
        groups.set_manager(staff.id, people[0].id, True, OPERATOR)
        let_in(make_app("Wiki"), "staff")
        return staff.id


def _one_request(visit: Visit) -> int:
    ann, bob = visit.new_person(name="Ann Archer"), visit.new_person()
    with visit.app.app_context():
        wiki, chat = make_app("Wiki"), make_app("Chat")
        ask(bob, chat)
        return ask(ann, wiki, "I write the minutes of the Monday meeting.").id


@state()
def home(visit: Visit) -> None:
    person = _signed_in(visit, name="Ann Archer")
    with visit.app.app_context():
        for name, look in LOOKS:
            make_app(name, for_everyone=True, **look)
        board = make_group("board", [person])
        groups.set_manager(board.id, person.id, True, OPERATOR)
        make_app("Minutes")
        ask(person, make_app("Accounts"))
    visit.open("/")


@state()
def home_empty(visit: Visit) -> None:
    _signed_in(visit)
    _make_apps(visit, requestable=False)
    visit.open("/")


@state()
def no_access(visit: Visit) -> None:
    _signed_in(visit)
    _make_apps(visit)
    visit.open("/no-access?rd=https://wiki.example.org/pages/7")


@state()
def no_access_asked(visit: Visit) -> None:
    no_access(visit)
    visit.fill("Why do you need it? (optional)", "I write the minutes.")
    visit.press("Ask for access")


@state()
def admin_apps(visit: Visit) -> None:
    _administrator(visit)
    _make_apps(visit)
    with visit.app.app_context():
        make_app("Lunch", for_everyone=True)
    visit.open("/admin/apps")


@state()
def admin_apps_none(visit: Visit) -> None:
    _administrator(visit)
    visit.open("/admin/apps")


@state(422)
def admin_app_new(visit: Visit) -> None:
    _administrator(visit)
    visit.open("/admin/apps/new")
    visit.fill("Name", "Wiki")
    visit.fill("Addresses", "https://wiki.example.com")
    visit.press("Add app")


@state(422)
def admin_app(visit: Visit) -> None:
    _administrator(visit)
    wiki, _ = _one_app(visit)
    visit.open(f"/admin/apps/{wiki.id}")
    visit.fill("Group or email address", "nobody@example.org")
    visit.press("Let in")
    visit.page.locator("details").first.evaluate("details => details.open = true")


@state(422)
def admin_app_changed_meanwhile(visit: Visit) -> None:
    _administrator(visit)
    wiki, _ = _one_app(visit)
    visit.open(f"/admin/apps/{wiki.id}/edit")
    visit.fill("Name", "Our wiki")
    with visit.app.app_context(), writing() as session:
        change_rows(session, update(App).where(App.id == wiki.id).values(name="The wiki"))
    visit.press("Save")


@state()
def admin_app_handling(visit: Visit) -> None:
    _administrator(visit)
    wiki, _ = _one_app(visit)
    visit.open(f"/admin/apps/{wiki.id}/handling")


@state()
def admin_app_remove(visit: Visit) -> None:
    _administrator(visit)
    wiki, _ = _one_app(visit)
    visit.open(f"/admin/apps/{wiki.id}/remove")


@state(422)
def admin_groups(visit: Visit) -> None:
    _administrator(visit)
    _one_group(visit)
    visit.open("/admin/groups")
    visit.fill("Name", "Board, of directors")
    visit.press("Make group")


@state()
def admin_group(visit: Visit) -> None:
    _administrator(visit)
    visit.open(f"/admin/groups/{_one_group(visit)}")


@state()
def admin_group_delete(visit: Visit) -> None:
    _administrator(visit)
    visit.open(f"/admin/groups/{_one_group(visit)}/delete")


@state()
def admin_requests(visit: Visit) -> None:
    admin_request(visit)
    visit.press("Approve")


@state()
def admin_request(visit: Visit) -> None:
    _administrator(visit)
    visit.open(f"/admin/requests/{_one_request(visit)}")


@state()
def admin_request_of_a_member(visit: Visit) -> None:
    _administrator(visit)
    asked = _one_request(visit)
    with visit.app.app_context():
        request = access_requests.find(asked)
        make_group("staff", [request.user])
        let_in(request.app, "staff")
    visit.open(f"/admin/requests/{asked}")

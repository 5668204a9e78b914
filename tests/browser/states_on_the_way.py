"""On the way into an app: signing in for it, what is still missing, and what can go wrong."""

from urllib.parse import urlencode

from sqlalchemy import update

from extensions import change_rows, writing
from models import LoginSession
from services.clock import now
from tests.apps import make_app
from tests.browser.states import state
from tests.browser.visit import Visit
from tests.people import Person

ADDRESS = "https://wiki.example.org/pages/minutes?of=monday"


def _path(path: str, **more: str) -> str:
    return f"{path}?{urlencode({'rd': ADDRESS, **more})}"


def _add_wiki(visit: Visit, level: str = "password") -> None:
    with visit.app.app_context():
        make_app("Wiki", for_everyone=True, level=level)


def _in_a_remembered_browser(visit: Visit) -> Person:
    """As after a sign-in whose second step a remembered browser spared."""
    person = visit.new_person(two_factor=True)
    visit.sign_in_with_code(person)
    with visit.app.app_context(), writing() as session:
        mine = update(LoginSession).where(LoginSession.user_id == person.id)
        change_rows(
            session,
            mine.values(amr="pwd", second_factor_proved_at=None, password_proved_at=now()),
        )
    visit.let_waits_end()
    return person


@state()
def sign_in_for_app(visit: Visit) -> None:
    _add_wiki(visit)
    visit.open(_path("/"))


@state()
def sign_in_for_app_after_post(visit: Visit) -> None:
    _add_wiki(visit)
    visit.open(_path("/", rm="POST"))


@state()
def sign_in_for_unknown_app(visit: Visit) -> None:
    visit.open(_path("/"))


@state()
def step_up(visit: Visit) -> None:
    _add_wiki(visit, "recent-two-factor")
    _in_a_remembered_browser(visit)
    visit.open(_path("/"))


@state()
def step_up_code(visit: Visit) -> None:
    step_up(visit)
    visit.press("Send code")


@state()
def turn_on_for_app(visit: Visit) -> None:
    _add_wiki(visit, "two-factor")
    visit.sign_in(visit.new_person())
    visit.open(_path("/"))


@state(404)
def unknown_app(visit: Visit) -> None:
    visit.sign_in(visit.new_person())
    visit.open(_path("/"))


@state(508)
def loop(visit: Visit) -> None:
    _add_wiki(visit)
    visit.sign_in(visit.new_person())
    for _ in range(2):
        visit.page.request.get(_path("/"), max_redirects=0)
    visit.open(_path("/"))


@state(400)
def hand_over_late(visit: Visit) -> None:
    _add_wiki(visit)
    visit.open(_path("/hand-over/failed", why="late"))


@state(400)
def hand_over_other_browser(visit: Visit) -> None:
    _add_wiki(visit)
    visit.open(_path("/hand-over/failed", why="browser"))


@state(400)
def hand_over_forged(visit: Visit) -> None:
    visit.open("/hand-over/failed?why=forged")


@state()
def sign_out(visit: Visit) -> None:
    visit.sign_in(visit.new_person())
    visit.open("/sign-out")


@state()
def sign_out_done(visit: Visit) -> None:
    visit.open("/sign-out")

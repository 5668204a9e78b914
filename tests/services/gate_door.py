"""An app that a group may enter, and somebody of that group at its door."""

from dataclasses import dataclass

from flask import Flask

from extensions import db, writing
from models import LoginSession, User
from models_apps import App, AppAddress, AppGrant, Group, GroupMember
from services.clock import now
from services.gate import app_sessions, registry, targets
from services.gate.gatekeeper import Gatekeeper
from services.gate.verdict import Outcome, Question, Reason
from tests.people import load_user, make_person, open_session

URL = "https://wiki.example.org/page"
ANN = 1
"""Her id: she is the first person there."""


@dataclass
class Door:
    """An app that a group may enter, and Ann of that group, signed in."""

    keeper: Gatekeeper
    session_id: int
    token: str
    app_id: int

    def ask(
        self, *tokens: str, own: tuple[str, ...] = (), url: str = URL
    ) -> tuple[Outcome, Reason]:
        """The verdict for these tokens of the shared cookie, or for Ann's, and those of the own."""
        question = Question(targets.parse(url, allow_http=False))
        shared = tokens or (() if own else (self.token,))
        verdict = self.keeper.ask(
            question, [*((t, "") for t in shared), *(("", t) for t in own)]
        ).verdict
        return verdict.outcome, verdict.reason

    @property
    def session(self) -> LoginSession:
        """Ann's login session as it stands in the database."""
        db.session.rollback()
        found = db.session.get(LoginSession, self.session_id, populate_existing=True)
        assert found
        return found


def make_wiki(ann: User) -> int:
    """An app at ``URL`` for a group that Ann is in; returns its id."""
    with writing() as session:
        app, group = App(name="Wiki", created_at=now()), Group(name="staff", created_at=now())
        app.addresses = [AppAddress(origin="https://wiki.example.org")]
        session.add_all([app, group])
        session.flush()
        session.add(GroupMember(group_id=group.id, user_id=ann.id, created_at=now()))
        session.add(AppGrant(app_id=app.id, group_id=group.id, created_at=now()))
        registry.touch(session)
        return app.id


def make_door(context: Flask) -> Door:
    """The door of a portal whose database is empty."""
    ann = load_user(make_person(name="Ann").id)
    login_session = open_session(ann)
    token = app_sessions.open_session(login_session, "example.org").token
    app_id = make_wiki(ann)
    made = Door(Gatekeeper(context, db.engine), login_session.id, token, app_id)
    assert made.ask() == (Outcome.ALLOWED, Reason.GROUP_GRANT)
    return made

"""Answers, for one process, whether a request to an app may enter.

Brings together the rules (``registry``), what stands in the database (``facts``)
and the decision (``verdict``), and keeps sessions that are used from idling out.
Needs no application context, and must not: it is asked before Flask.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple, cast

import structlog
from flask import Flask, current_app
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from config import Config
from services import login_sessions
from services.clock import now
from services.gate.facts import Facts, FactsReader
from services.gate.registry import AppRules, Registry, Rules
from services.gate.verdict import Demands, Outcome, Question, Verdict, decide, reaches

log = structlog.get_logger("gatepost.gate")

MOST_TOKENS = 4
"""More cookies of ours than this come from nobody but an attacker; they are not read."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Answer(NamedTuple):
    """A verdict, and the rules that it was decided by."""

    verdict: Verdict
    rules: Rules


class Gatekeeper:
    """Decides with one read of the database a request."""

    def __init__(self, app: Flask, engine: Engine) -> None:
        config: Config = app.extensions["gatepost"]
        self._app = app
        self.registry = Registry(engine)
        self._reader = FactsReader(engine)
        self._demands = Demands(timedelta(seconds=config.reauth_seconds), config.require_two_factor)

    def ask(self, question: Question, tokens: Sequence[str]) -> Answer:
        """The verdict on a request that carries these tokens of app sessions.

        Raises SQLAlchemy's ``OperationalError`` where the database does not answer.
        """
        moment, origin = now(), question.target.origin
        rules = self.registry.known()
        app = rules.apps.get(origin)
        version, person = self._read(tokens, app, question, moment)
        if version != rules.version:
            rules = self.registry.at(version)
            known, app = app, rules.apps.get(origin)
            if app and tokens and (known is None or known.id != app.id):
                _, person = self._read(tokens, app, question, moment)
        verdict = decide(question, app, person, moment, self._demands)
        if person is not None and login_sessions.is_seen_note_due(person.last_seen_at, moment):
            self._note_seen(person)
        return Answer(verdict, rules)

    def judge(self, question: Question, person: Facts | None) -> Answer:
        """The verdict that a person with these facts would get now; notes nothing."""
        rules = self.registry.newest()
        app = rules.apps.get(question.target.origin)
        return Answer(decide(question, app, person, now(), self._demands), rules)

    def _read(
        self, tokens: Sequence[str], app: AppRules | None, question: Question, moment: datetime
    ) -> tuple[int, Facts | None]:
        """The version of the rules, and who the tokens stand for: one person, or nobody.

        A sibling app can set a second cookie beside ours; it must not choose who somebody is.
        """
        version, person = -1, None
        for token in tokens[:MOST_TOKENS]:
            if app is None or _TOKEN.fullmatch(token) is None:
                continue
            found = self._reader.find(sha256(token.encode()).hexdigest(), app.id, moment)
            if found is None or not reaches(found[1].scope, question.target, app):
                continue
            version, another = found
            if person is not None and person.user_id != another.user_id:
                return version, None
            if person is None or another.scope == question.target.origin:
                person = another
        return (version if person else self._reader.version()), person

    def _note_seen(self, person: Facts) -> None:
        """Once a minute; that it cannot be noted is no reason to keep anybody out."""
        try:
            with self._app.app_context():
                login_sessions.write_seen(person.session_id)
        except SQLAlchemyError as error:
            log.warning("gate_seen_not_noted", error=type(error).__name__)


def appoint(app: Flask, engine: Engine) -> Gatekeeper:
    """Give the app its gatekeeper."""
    keeper = Gatekeeper(app, engine)
    app.extensions["gatepost-gate"] = keeper
    return keeper


def the_gatekeeper() -> Gatekeeper:
    """The running app's."""
    return cast(Gatekeeper, current_app.extensions["gatepost-gate"])


def may_enter(answer: Answer) -> bool:
    """Whether the app's door opens."""
    return answer.verdict.outcome is Outcome.ALLOWED

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
from services.gate.facts import Facts, FactsReader, Found
from services.gate.mark import Mark
from services.gate.memory import Known, Memory
from services.gate.registry import AppRules, Registry, Rules
from services.gate.targets import Target
from services.gate.verdict import Demands, Outcome, Question, Verdict, decide, reaches
from services.gate.watch import Watch

log = structlog.get_logger("gatepost.gate")

MOST_TOKENS = 4
"""More cookies of one name than this come from nobody but an attacker; they are not read."""

_VERSION = "version"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


Tokens = Sequence[tuple[str, str]]
"""The tokens of app sessions that a request carries, each in the place of the cookie that it came
in, with "" in the other place: first the cookie of all apps of a domain, then the app's own.

Every sibling app can set the cookie that all share, none the app's own: so a token counts only
where it came in the cookie that it was made for.
"""


class Answer(NamedTuple):
    """A verdict, and the rules that it was decided by."""

    verdict: Verdict
    rules: Rules


class Gatekeeper:
    """Decides with one read of the database a request, or none while nothing has changed."""

    def __init__(self, app: Flask, engine: Engine) -> None:
        config: Config = app.extensions["gatepost"]
        self._app = app
        self.registry = Registry(engine)
        self.memory = Memory()
        self._reader = FactsReader(engine)
        mark = Mark(config.verdict_mark) if config.verdict_mark else None
        self._watch = Watch(engine, self.memory, self.registry, mark)
        self._demands = Demands(timedelta(seconds=config.reauth_seconds), config.require_two_factor)

    def watch(self) -> None:
        """Remember what was read for as long as it is sure that nothing ended (PostgreSQL)."""
        self._watch.start()

    def ask(self, question: Question, tokens: Tokens) -> Answer:
        """The verdict on a request that carries these tokens.

        Raises SQLAlchemy's ``OperationalError`` where the database does not answer.
        """
        known = self.memory.known()
        answer = self._ask(question, tokens, known)
        if known is not None and answer.verdict.outcome is not Outcome.ALLOWED:
            answer = self._ask(question, tokens, None)
        return answer

    def judge(self, question: Question, person: Facts | None) -> Answer:
        """The verdict that a person with these facts would get now; notes nothing."""
        rules = self.registry.newest()
        app = rules.apps.get(question.target.origin)
        return Answer(decide(question, app, person, now(), self._demands), rules)

    def _ask(self, question: Question, tokens: Tokens, known: Known | None) -> Answer:
        moment, target = now(), question.target
        version, people = self._identify(tokens, moment, known)
        rules = self.registry.at(version)
        app = rules.apps.get(target.origin)
        person = _choose(people, target, app) if app and people else None
        verdict = decide(question, app, person, moment, self._demands)
        if person is not None and person.is_seen_note_due(moment):
            self._note_seen(person)
        return Answer(verdict, rules)

    def _identify(
        self, tokens: Tokens, moment: datetime, known: Known | None
    ) -> tuple[int, list[Facts]]:
        """The version of the rules, and all whom the tokens stand for."""
        version, people = -1, []
        for shared, own in tokens if len(tokens) <= MOST_TOKENS else _leave_out(tokens):
            token = own or shared
            if _TOKEN.fullmatch(token) is None:
                continue
            found = self._find(sha256(token.encode()).hexdigest(), moment, known)
            if found is not None and found[1].is_of_one_app == bool(own):
                version, person = found
                people.append(person)
        return (version if people else self._find_version(known)), people

    def _find(self, digest: str, moment: datetime, known: Known | None) -> Found | None:
        """As the reader's; what is remembered is good until the next note of use."""
        if known is None:
            return self._reader.find(digest, moment)
        found: Found | None = known.get(digest)
        if (
            found is not None
            and found[1].are_live(moment)
            and not found[1].is_seen_note_due(moment)
        ):
            return found
        found = self._reader.find(digest, moment)
        if found is not None:
            known[digest] = found
        return found

    def _find_version(self, known: Known | None) -> int:
        if known is None:
            return self._reader.version()
        version: int | None = known.get(_VERSION)
        if version is None:
            version = known[_VERSION] = self._reader.version()
        return version

    def _note_seen(self, person: Facts) -> None:
        """Once a minute; that it cannot be noted is no reason to keep anybody out."""
        try:
            with self._app.app_context():
                login_sessions.write_seen(person.session_id, person.idle_seconds)
        except SQLAlchemyError as error:
            log.warning("gate_seen_not_noted", error=type(error).__name__)


def _leave_out(tokens: Tokens) -> Tokens:
    """As many as are read of each cookie: those of one do not hide the other's."""
    shared, own = ([pair for pair in tokens if pair[place]] for place in (0, 1))
    return [*shared[:MOST_TOKENS], *own[:MOST_TOKENS]]


def _choose(people: Sequence[Facts], target: Target, app: AppRules) -> Facts | None:
    """Whose tokens reach the app: one person's, or nobody's.

    A sibling app can set a second cookie beside ours; it must not choose who somebody is.
    """
    chosen: Facts | None = None
    for person in people:
        if not reaches(person.scope, target, app):
            continue
        if chosen is not None and chosen.user_id != person.user_id:
            return None
        if chosen is None or person.scope == target.origin:
            chosen = person
    return chosen


def appoint(app: Flask, engine: Engine) -> Gatekeeper:
    """Give the app its gatekeeper."""
    keeper = Gatekeeper(app, engine)
    app.extensions["gatepost-gate"] = keeper
    return keeper


def the_gatekeeper() -> Gatekeeper:
    """The running app's."""
    return cast(Gatekeeper, current_app.extensions["gatepost-gate"])

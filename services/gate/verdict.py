"""May this request enter, and if not, what is missing? Pure: rules in, a verdict out.

Who decides about a request and who explains it in words ask the same function.
Knows no database, no request and no clock.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from services.gate.facts import Facts, lasts
from services.gate.registry import PASSWORD, TWO_FACTOR, AppRules
from services.gate.targets import Target


class Outcome(StrEnum):
    """What becomes of a request."""

    ALLOWED = "allowed"
    SIGN_IN = "sign-in"
    STEP_UP = "step-up"
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why."""

    PREFLIGHT = "preflight"
    PUBLIC_PATH = "public-path"
    FOR_EVERYONE = "for-everyone"
    OWN_GRANT = "own-grant"
    GROUP_GRANT = "group-grant"
    UNKNOWN_APP = "unknown-app"
    CROSS_SITE_WRITE = "cross-site-write"
    NOT_SIGNED_IN = "not-signed-in"
    NO_GRANT = "no-grant"
    GRANT_OVER = "grant-over"
    NO_SECOND_FACTOR = "no-second-factor"
    SECOND_FACTOR_OLD = "second-factor-old"


class Question(NamedTuple):
    """One request to an app, as far as the verdict depends on it."""

    target: Target
    path_is_certain: bool = True
    """Whether the path is as the client sent it: public paths are honoured then only."""
    is_preflight: bool = False
    """A CORS preflight (Fetch Standard): it asks before a request and carries no cookie."""
    is_cross_site_write: bool = False
    """Another site's page, or a sibling app's, made a browser send what may change something."""


class Demands(NamedTuple):
    """What the portal asks of everyone, from its settings."""

    recent: timedelta
    """How old a second factor may be that counts as recent."""
    second_step_for_all: bool = False


class Verdict(NamedTuple):
    """What becomes of the request, why, and who it is where that may be told."""

    outcome: Outcome
    reason: Reason
    app: AppRules | None = None
    person: Facts | None = None
    """Whom the app is told of, and where the outcome is not ALLOWED, who was refused."""


def decide(
    question: Question,
    app: AppRules | None,
    person: Facts | None,
    moment: datetime,
    demands: Demands,
) -> Verdict:
    """The verdict on a request to an app by the person behind its cookie, if there is one.

    ``person`` is live at ``moment``.
    """
    if app is None:
        return Verdict(Outcome.UNKNOWN, Reason.UNKNOWN_APP)
    if question.is_preflight and app.preflight_allowed:
        return Verdict(Outcome.ALLOWED, Reason.PREFLIGHT, app)
    verdict = _decide_without_exceptions(question, app, person, moment, demands)
    if app.public_paths and verdict.outcome is not Outcome.ALLOWED and _is_public(question, app):
        return Verdict(Outcome.ALLOWED, Reason.PUBLIC_PATH, app)
    return verdict


def _decide_without_exceptions(
    question: Question,
    app: AppRules,
    person: Facts | None,
    moment: datetime,
    demands: Demands,
) -> Verdict:
    if question.is_cross_site_write and not app.cross_site_writes:
        return Verdict(Outcome.FORBIDDEN, Reason.CROSS_SITE_WRITE, app)
    if person is None or not reaches(person.scope, question.target, app):
        return Verdict(Outcome.SIGN_IN, Reason.NOT_SIGNED_IN, app)
    admission = _find_admission(app, person, moment)
    if admission is Reason.NO_GRANT or admission is Reason.GRANT_OVER:
        return Verdict(Outcome.FORBIDDEN, admission, app, person)
    missing = _find_what_is_missing(app, person, moment, demands)
    if missing is not None:
        return Verdict(Outcome.STEP_UP, missing, app, person)
    return Verdict(Outcome.ALLOWED, admission, app, person)


def reaches(scope: str, target: Target, app: AppRules) -> bool:
    """Whether a token of this scope is good for this app at this address."""
    if scope == target.origin:
        return True
    if app.own_cookie:
        return False
    return target.host == scope or target.host.endswith(f".{scope}")


def _is_public(question: Question, app: AppRules) -> bool:
    return (
        question.path_is_certain
        and question.target.has_plain_path
        and app.has_public_path(question.target.path)
    )


def _find_admission(app: AppRules, person: Facts, moment: datetime) -> Reason:
    if app.for_everyone:
        return Reason.FOR_EVERYONE
    if person.holds_grant(app.id, moment):
        return Reason.OWN_GRANT
    was_granted = app.id in person.grants
    for group in person.groups:
        if group in app.groups:
            if lasts(app.groups[group], moment):
                return Reason.GROUP_GRANT
            was_granted = True
    return Reason.GRANT_OVER if was_granted else Reason.NO_GRANT


def _find_what_is_missing(
    app: AppRules, person: Facts, moment: datetime, demands: Demands
) -> Reason | None:
    """A level that this version does not know asks for the most.

    An app's cookie does not grow with its login session: who copied it would rise, too.
    """
    if app.level == PASSWORD:
        return None
    proved_at = person.second_factor_proved_at if "mfa" in person.amr.split() else None
    if app.level == TWO_FACTOR:
        has_it = proved_at is not None or _was_remembered(person, demands)
        return None if has_it else Reason.NO_SECOND_FACTOR
    if proved_at is None:
        return Reason.NO_SECOND_FACTOR
    if moment - proved_at >= demands.recent or person.opened_at < proved_at:
        return Reason.SECOND_FACTOR_OLD
    return None


def _was_remembered(person: Facts, demands: Demands) -> bool:
    """Whether a remembered browser stood in for the second factor when the person signed in.

    Who has no second step has a proof of the same age as the password's instead of none.
    """
    second_step_due = person.two_factor_enabled or demands.second_step_for_all
    return second_step_due and person.second_factor_proved_at is None

"""Why a person's request to an app would pass, or not, in words: what the gate says, explained.

Asks the gate itself, so that an explanation is never another rule than the rule.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import LazyString, gettext, lazy_gettext

from extensions import db, settings
from models import User
from services import ways
from services.clock import now
from services.days import last_day
from services.errors import Refusal
from services.gate import targets
from services.gate.facts import Facts, gather, lasts
from services.gate.gatekeeper import Answer, the_gatekeeper
from services.gate.verdict import Outcome, Question, Reason

LEVELS = {
    "password": lazy_gettext("A password is enough."),
    "two-factor": lazy_gettext("It takes a security code too, or a remembered browser."),
    "recent-two-factor": lazy_gettext(
        "It takes a security code that was entered a short time ago."
    ),
}


class AddressUnusable(Refusal):
    """The address that was to be explained is none that an app can have."""

    def __init__(self, flaw: str) -> None:
        self.sentence = lazy_gettext("The address %(flaw)s.", flaw=flaw)


@dataclass(frozen=True)
class Explanation:
    """What would become of a request, and why."""

    url: str
    app: str
    email: str
    enters: bool
    outcome: str
    reason: str
    words: list[str]


def explain(url: str, user: User) -> Explanation:
    """What the gate would say to the person right after signing in completely.

    Raises ``AddressUnusable``.
    """
    try:
        target = targets.read(url)
    except targets.TargetRefused as refused:
        raise AddressUnusable(str(refused.reason)) from refused
    obstacle = _find_obstacle(user)
    facts = _facts_right_after_sign_in(user, target.origin)
    answer = the_gatekeeper().judge(Question(target), None if obstacle else facts)
    verdict = answer.verdict
    return Explanation(
        url=target.url,
        app=verdict.app.name if verdict.app else "",
        email=user.email,
        enters=verdict.outcome in {Outcome.ALLOWED, Outcome.STEP_UP},
        outcome=verdict.outcome.value,
        reason=verdict.reason.value,
        words=_say(answer, user, facts, obstacle),
    )


def _find_obstacle(user: User) -> str:
    """What keeps the person from signing in at all."""
    if user.disabled_at is not None:
        return str(gettext("%(who)s cannot sign in: the account is disabled.", who=user.label))
    return ""


def _say(answer: Answer, user: User, facts: Facts | None, obstacle: str) -> list[str]:
    verdict, app, who = answer.verdict, answer.verdict.app, user.label
    if app is None:
        return [str(gettext("No app has this address. Compare it with the list of apps."))]
    if verdict.reason is Reason.PUBLIC_PATH:
        return [str(gettext("Everybody may open this: the path is one of the app's open ones."))]
    if obstacle:
        return [obstacle]
    words = _admission(answer, facts, who)
    if verdict.outcome is not Outcome.FORBIDDEN:
        words.append(str(LEVELS.get(app.level, LEVELS["recent-two-factor"])))
        if verdict.reason is Reason.NO_SECOND_FACTOR:
            words.append(_missing_code(user))
    elif app.requestable:
        words.append(str(gettext("%(who)s can ask for it on the start page.", who=who)))
    return words


def _missing_code(user: User) -> str:
    if ways.second_step_due(user):
        return str(gettext("The code is asked for on the way in."))
    return str(gettext("Two-factor sign-in is off; on the way in they are asked to turn it on."))


def _admission(answer: Answer, facts: Facts | None, who: str) -> list[str]:
    """Who may enter, or why not."""
    app, moment = answer.verdict.app, now()
    if app is None or facts is None:
        return []
    if app.for_everyone:
        said: str | LazyString = gettext("%(who)s may enter: everyone may.", who=who)
    elif answer.verdict.reason is Reason.NO_GRANT:
        said = gettext(
            "%(who)s may not enter: neither they nor a group of theirs was let in.", who=who
        )
    elif answer.verdict.reason is Reason.GRANT_OVER:
        said = gettext("%(who)s may not enter any more: the access has ended.", who=who)
    elif facts.holds_grant(app.id, moment):
        said = gettext("%(who)s may enter: they were let in.", who=who)
        return [str(said), *_say_end(facts.grants[app.id])]
    else:
        ends = {
            answer.rules.group_names[group]: app.groups[group]
            for group in facts.groups
            if group in app.groups and lasts(app.groups[group], moment)
        }
        said = gettext(
            "%(who)s may enter, as a member of %(groups)s.", who=who, groups=", ".join(ends)
        )
        lasting = [end for end in ends.values() if end is not None]
        return [str(said), *_say_end(max(lasting) if len(lasting) == len(ends) else None)]
    return [str(said)]


def _say_end(end: datetime | None) -> list[str]:
    if end is None:
        return []
    said = gettext(
        "That ends with %(day)s, at midnight (%(zone)s).",
        day=last_day(end), zone=settings().time_zone,
    )  # fmt: skip
    return [str(said)]


def _facts_right_after_sign_in(user: User, origin: str) -> Facts:
    """What the gate would know of the person, with every proof given a moment ago."""
    moment = now()
    return gather(
        db.session(), user, scope=origin, session_id=0,
        amr="pwd otp mfa" if ways.second_step_due(user) else "pwd",
        second_factor_proved_at=moment, opened_at=moment, last_seen_at=moment,
        expires_at=moment + timedelta(hours=1), idle_seconds=None,
    )  # fmt: skip

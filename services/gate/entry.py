"""A person on the way into an app: is the address one of an app's, and what comes next?

The portal's pages ask here; each request to the app itself is decided by the
gatekeeper, by the same rule (``verdict``).
"""

from dataclasses import dataclass
from enum import StrEnum

from extensions import db, settings
from models import LoginSession
from models_apps import App
from services import apps, ways
from services.clock import now
from services.errors_apps import AppUnknown
from services.gate import app_sessions, targets
from services.gate.facts import Facts, gather
from services.gate.gatekeeper import the_gatekeeper
from services.gate.targets import Target, TargetRefused
from services.gate.verdict import Outcome, Question


class Next(StrEnum):
    """What comes next for a signed-in person who wants to open an app."""

    SHARED_COOKIE = "shared-cookie"
    """In: by the cookie of the domain that portal and app are in."""
    HAND_OVER = "hand-over"
    """In: by a cookie of the app's own host."""
    PROVE = "prove"
    """A second factor is to be proved first."""
    TURN_ON = "turn-on"
    """A second factor is asked for, and the person signs in without."""
    NO_ACCESS = "no-access"
    """The app is not for this person."""


class AddressRefused(Exception):
    """Not an address that anybody is led to; ``reason`` is for the log."""


@dataclass(frozen=True)
class Wanted:
    """An address in an app of ours that somebody wants to open."""

    target: Target
    app: App


def find_wanted(address: str) -> Wanted:
    """The app at an address: only an origin that is registered, exactly, is ever led to.

    Raises ``AddressRefused``.
    """
    try:
        target = targets.read(address)
        if target.host == settings().host or not settings().app_domain_of(target.host):
            raise AddressRefused("not in a domain of apps")
        return Wanted(target, apps.find_by_origin(target.origin))
    except TargetRefused as refused:
        raise AddressRefused(str(refused)) from refused
    except AppUnknown as unknown:
        raise AddressRefused("no app has this address") from unknown


def what_comes_next(login_session: LoginSession, wanted: Wanted) -> Next:
    """What a person needs, or gets, on the way to the app."""
    question, facts = Question(wanted.target), _see(login_session, wanted)
    match the_gatekeeper().judge(question, facts).verdict.outcome:
        case Outcome.ALLOWED:
            return Next.SHARED_COOKIE if shared_domain(wanted) else Next.HAND_OVER
        case Outcome.STEP_UP:
            return Next.PROVE if ways.second_step_due(login_session.user) else Next.TURN_ON
        case _:
            return Next.NO_ACCESS


def shared_domain(wanted: Wanted) -> str:
    """The domain whose cookie lets into the app; "" where it needs one of its own host."""
    shared, own = settings().cookie_domain, settings().app_domain_of(wanted.target.host)
    return "" if wanted.app.own_cookie or own != shared else shared


def keeps_shared_cookie(token: str, login_session: LoginSession) -> bool:
    """Whether a browser's cookie of the apps is a live one of this login session."""
    found = app_sessions.find(token) if token else None
    return found is not None and found.login_session_id == login_session.id


def _see(login_session: LoginSession, wanted: Wanted) -> Facts:
    """The facts as an app session would show them that were opened now."""
    return gather(
        db.session(), login_session.user, scope=wanted.target.origin, session_id=login_session.id,
        amr=login_session.amr, second_factor_proved_at=login_session.second_factor_proved_at,
        opened_at=now(), last_seen_at=login_session.last_seen_at,
        expires_at=login_session.expires_at, idle_seconds=login_session.idle_seconds,
    )  # fmt: skip

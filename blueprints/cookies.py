"""The cookies that carry tokens: their names, their flags, setting and deleting them.

Under https every name has the ``__Host-`` prefix, so that no sibling host can set it.
The one for all apps of a domain cannot: it is ``__Secure-``, and good for apps alone.
"""

from datetime import datetime, timedelta

from flask import Response, request

from blueprints import pending
from config import Config
from extensions import settings
from services.clock import now

LOGIN = "login"
KNOWN_BROWSER = "known"
REMEMBERED_BROWSER = "browser"
SESSION = "session"
APPS = "apps"
"""An app session for a whole domain; the one cookie that other hosts see."""
APP = "app"
"""An app session for one app, on the app's own host."""
HAND_OVER = "hand_over"
"""The browser's secret during hand-overs, on the app's own host."""


def name_of(kind: str, config: Config) -> str:
    """The full name of a cookie; plain http (development on loopback) allows no prefix."""
    prefix = "__Secure-" if kind == APPS else "__Host-"
    return f"{prefix if config.https else ''}gatepost_{kind}"


def read(kind: str) -> str:
    """The value that the browser sent, or ""."""
    return request.cookies.get(name_of(kind, settings()), "")


def write(response: Response, kind: str, value: str, life: timedelta | None = None) -> None:
    """Set a cookie; without ``life`` it ends with the browser."""
    response.set_cookie(
        name_of(kind, settings()), value, max_age=life, path="/", httponly=True, samesite="Lax",
        secure=settings().https, domain=_domain_of(kind),
    )  # fmt: skip


def write_until(response: Response, kind: str, value: str, end: datetime | None) -> None:
    """Set a cookie that is kept until then; None: it ends with the browser."""
    write(response, kind, value, end - now() if end else None)


def remove(response: Response, kind: str) -> None:
    """Delete a cookie, with the same flags it was set with."""
    response.delete_cookie(
        name_of(kind, settings()), path="/", httponly=True, samesite="Lax", secure=settings().https,
        domain=_domain_of(kind),
    )  # fmt: skip


def write_login(response: Response, token: str, *, remember_me: bool) -> None:
    """Set the login cookie: for the browser's life, or for the days of "remember me"."""
    days = timedelta(days=settings().remember_me_days)
    write(response, LOGIN, token, days if remember_me else None)


def write_known(response: Response, known: str) -> None:
    """Let the browser be known, so that strangers' wrong passwords do not keep it waiting."""
    known_for = timedelta(days=settings().known_browser_days)
    write(response, KNOWN_BROWSER, known, known_for)


def forget_login(response: Response) -> Response:
    """Take the login cookie back and start a fresh session."""
    pending.start_afresh()
    remove(response, LOGIN)
    return forget_apps(response)


def forget_apps(response: Response) -> Response:
    """Take back the cookie of the apps where this browser holds one: what it stood for is over."""
    if read(APPS):
        remove(response, APPS)
    return response


def _domain_of(kind: str) -> str | None:
    """The domain that a cookie is shared over; None: its own host alone."""
    return (settings().cookie_domain or None) if kind == APPS else None

"""The cookies that carry tokens: their names, their flags, setting and deleting them.

Under https every name has the ``__Host-`` prefix, so that no sibling host can set it.
"""

from datetime import timedelta

from flask import Response, request

from config import Config
from extensions import settings

LOGIN = "login"
KNOWN_BROWSER = "known"
REMEMBERED_BROWSER = "browser"
SESSION = "session"


def name_of(kind: str, config: Config) -> str:
    """The full name of a cookie; plain http (development on loopback) allows no prefix."""
    return f"__Host-gatepost_{kind}" if config.https else f"gatepost_{kind}"


def read(kind: str) -> str:
    """The value that the browser sent, or ""."""
    return request.cookies.get(name_of(kind, settings()), "")


def write(response: Response, kind: str, value: str, life: timedelta | None = None) -> None:
    """Set a cookie; without ``life`` it ends with the browser."""
    response.set_cookie(
        name_of(kind, settings()), value, max_age=life, path="/", httponly=True, samesite="Lax",
        secure=settings().https,
    )  # fmt: skip


def remove(response: Response, kind: str) -> None:
    """Delete a cookie, with the same flags it was set with."""
    response.delete_cookie(
        name_of(kind, settings()), path="/", httponly=True, samesite="Lax", secure=settings().https
    )

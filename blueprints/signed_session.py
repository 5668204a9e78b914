"""Flask's signed session cookie, as it is; only that what reads and writes it is made once.

What the session carries is told by ``pending``.
"""

from functools import lru_cache

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer


class SignedSessions(SecureCookieSessionInterface):
    """Flask makes a serializer to open a session and another one to save it, at each request."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """The serializer for the app's keys of now."""
        keys = (*(app.config["SECRET_KEY_FALLBACKS"] or ()), app.secret_key)
        return self._with_keys(app, keys)

    @lru_cache(maxsize=16)  # noqa: B019 (one interface for each app, and both last)
    def _with_keys(self, app: Flask, _keys: tuple[object, ...]) -> URLSafeTimedSerializer | None:
        return super().get_signing_serializer(app)

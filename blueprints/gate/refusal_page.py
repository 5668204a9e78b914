"""The page that an app's visitor sees who may not enter, shown on the app's own host.

Nothing of the portal's can be loaded from there, so the page brings its style along, and
a policy under which it can do nothing else.
"""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask
from flask_babel import get_locale
from markupsafe import Markup

from config import Config
from services.gate.registry import AppRules

Headers = list[tuple[str, str]]

_NOTHING_ELSE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class RefusalPage:
    """The page of one portal, with its name and colour."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._config: Config = app.extensions["gatepost"]
        folder = Path(app.static_folder or "") / "css"
        accent = self._config.accent_colour
        self._style = "\n".join(
            [
                (folder / "tokens.css").read_text(),
                f":root {{ --accent: {accent} }}" if accent else "",
                (folder / "refusal.css").read_text(),
            ]
        )
        digest = b64encode(sha256(self._style.encode()).digest()).decode()
        self._headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            (
                "Content-Security-Policy",
                f"default-src 'none'; style-src 'sha256-{digest}'; {_NOTHING_ELSE}",
            ),
        ]

    def render(self, app: AppRules, target: str, *, can_ask: bool) -> tuple[Headers, bytes]:
        """The page and its headers; ``can_ask``: with the way to the portal's page about it."""
        more = f"{self._config.base_url}/no-access?{urlencode({'rd': target})}" if can_ask else ""
        with self._app.app_context():
            page = self._app.jinja_env.get_template("gate/refused.html").render(
                app_name=app.name, no_access=more, language=str(get_locale() or "en"),
                portal_name=self._config.portal_name, portal_url=f"{self._config.base_url}/",
                style=Markup(self._style),  # noqa: S704 - our own files, and a checked colour
            )  # fmt: skip
        return self._headers, page.encode()

"""The page of the docs that lists every setting, made from ``Config`` itself."""

from dataclasses import Field
from typing import Any

from config import names

HEAD = """\
# Configuration

Gatepost reads its settings from the environment, once, when it starts. Each secret can also be
given as `NAME_FILE`, the path of a file that holds it. `flask settings check` lists every problem
at once, names that set nothing and a database that does not answer among them, and ends with
status 0 or 1. This page is made by `make docs` from `config.py`.

Units are in the names. In development (`GATEPOST_ENV=development`, as `make run` sets it) nothing
is needed. In production these are: `GATEPOST_BASE_URL` (https), `GATEPOST_SECRET_KEY`,
`GATEPOST_SMS_GATEWAY` and `GATEPOST_MAIL_GATEWAY`, and what the chosen gateways need.

| setting | default | what it is |
|---|---|---|
"""

MADE_UP = {
    "GATEPOST_BASE_URL": "none; development: `http://127.0.0.1:8000`, or the port in `PORT`",
    "GATEPOST_SECRET_KEY": "none; development: made up and kept in `instance/secret_key`",
    "GATEPOST_DATABASE_URL": "SQLite in `instance/gatepost.db`",
    "GATEPOST_INSTANCE_DIR": "`instance` beside `app.py`",
    "GATEPOST_OUTBOX_DIR": "`instance/outbox`",
    "GATEPOST_SMS_GATEWAY": "none; development: `console`",
    "GATEPOST_MAIL_GATEWAY": "none; development: `console`",
    "GATEPOST_MAIL_FROM": "none; development: `Gatepost <gatepost@example.org>`",
    "GATEPOST_PASSWORD_LEAST_CHARACTERS": "`15`; with `GATEPOST_REQUIRE_TWO_FACTOR=yes`: `8`",
    "GATEPOST_SMS_COUNTRIES": "the sender number's country; development without one: all",
}


def render() -> str:
    """The whole page, as Markdown."""
    return HEAD + "".join(_line(name, about) for name, about in names().items())


def _line(name: str, about: "Field[Any]") -> str:
    secret = f" (secret, also as `{name}_FILE`)" if about.metadata["secret"] else ""
    default = MADE_UP.get(name) or _default(about.default)
    return f"| `{name}` | {default} | {about.metadata['text']}{secret} |\n"


def _default(value: object) -> str:
    if value is True or value is False:
        return "yes" if value else "no"
    return f"`{value}`" if value not in ("", ()) else "none"

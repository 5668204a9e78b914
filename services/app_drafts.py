"""An app as an administrator typed it, checked before it becomes one.

Asks no database: whether a name or an address is taken is for ``services.apps``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from flask_babel import lazy_gettext

from extensions import settings
from services.errors_apps import AppUnsuitable
from services.gate import targets
from services.gate.registry import LEVELS
from services.header_names import check_header_names

MOST_ADDRESSES = 20
MOST_PATHS = 50
LONGEST_PATH = 200

_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()+,=:@-]+)*(?:/|/\*)?")


@dataclass(frozen=True)
class AppDraft:
    """An app without its id: the fields mean what those of ``models_apps.App`` mean."""

    name: str
    addresses: tuple[str, ...]
    icon: str = ""
    level: str = "password"
    for_everyone: bool = False
    requestable: bool = True
    public_paths: tuple[str, ...] = ()
    header_names: Mapping[str, str] = field(default_factory=dict)
    percent_encoded: bool = False
    signed_header: bool = False
    preflight_allowed: bool = False
    cross_site_writes: bool = False
    own_cookie: bool = False


def check(draft: AppDraft) -> AppDraft:
    """The draft with its texts trimmed and its addresses as origins.

    Raises ``AppUnsuitable`` with the field and what to do.
    """
    name, icon = " ".join(draft.name.split()), draft.icon.strip()
    if not 1 <= len(name) <= 60:
        raise AppUnsuitable("name", lazy_gettext("Enter a name of at most 60 characters."))
    if not name.isprintable():
        raise AppUnsuitable("name", lazy_gettext("This has characters that cannot be used here."))
    if not _is_icon(icon):
        raise AppUnsuitable("icon", lazy_gettext("Use one emoji, or one or two letters."))
    if draft.level not in LEVELS:
        raise AppUnsuitable("level", lazy_gettext("Choose one of the levels listed here."))
    return replace(
        draft,
        name=name,
        icon=icon,
        addresses=_check_addresses(draft.addresses),
        public_paths=_check_paths(draft.public_paths),
        header_names=check_header_names(draft.header_names),
    )


def _is_icon(icon: str) -> bool:
    """An emoji may be several code points: skin, joined persons, flags."""
    if not icon.isprintable() and "\u200d" not in icon:
        return False
    if any(c.isspace() for c in icon):
        return False
    return len(icon) <= 2 if any(c.isalnum() for c in icon) else len(icon) <= 8


def _check_addresses(typed: tuple[str, ...]) -> tuple[str, ...]:
    origins = tuple(dict.fromkeys(_check_address(text) for text in typed if text.strip()))
    if not origins:
        raise AppUnsuitable(
            "addresses", lazy_gettext("Enter the app's address, like https://wiki.example.org.")
        )
    if len(origins) > MOST_ADDRESSES:
        raise AppUnsuitable(
            "addresses",
            lazy_gettext("An app has at most %(most)s addresses.", most=MOST_ADDRESSES),
        )
    return origins


def _check_address(text: str) -> str:
    """The origin of a typed address: one of our domains, and never the portal's own host.

    Cookies do not tell ports apart, so another port of the portal's host is no better.
    """
    config = settings()
    if not config.app_domains:
        raise AppUnsuitable(
            "addresses",
            lazy_gettext("First set GATEPOST_APP_DOMAINS to the domains that apps are on."),
        )
    try:
        origin = targets.parse_origin(text.strip(), allow_http=config.development)
    except targets.TargetRefused as refused:
        raise AppUnsuitable(
            "addresses",
            lazy_gettext(
                "%(address)s is not an address like https://wiki.example.org.",
                address=text.strip()[:100],
            ),
        ) from refused
    host = urlsplit(origin).hostname or ""
    if host == config.host:
        raise AppUnsuitable(
            "addresses", lazy_gettext("This is the portal's own address. An app needs another.")
        )
    if not config.app_domain_of(host):
        raise AppUnsuitable(
            "addresses",
            lazy_gettext(
                "%(address)s is not on a domain of GATEPOST_APP_DOMAINS (%(domains)s).",
                address=origin,
                domains=", ".join(config.app_domains),
            ),
        )
    return origin


def _check_paths(typed: tuple[str, ...]) -> tuple[str, ...]:
    paths = tuple(dict.fromkeys(text.strip() for text in typed if text.strip()))
    for path in paths:
        if path == "/*":
            raise AppUnsuitable(
                "public_paths",
                lazy_gettext("/* would open the whole app to everybody. Name the parts instead."),
            )
        if not _is_path(path):
            raise AppUnsuitable(
                "public_paths",
                lazy_gettext(
                    "%(path)s is not a path like /health or /static/*. Use plain characters.",
                    path=path[:100],
                ),
            )
    if len(paths) > MOST_PATHS:
        raise AppUnsuitable(
            "public_paths", lazy_gettext("An app has at most %(most)s paths.", most=MOST_PATHS)
        )
    return paths


def _is_path(path: str) -> bool:
    """Plain, without dot segments: the gate and the app must read it in the same way."""
    segments = path.split("/")
    plain = bool(path) and _PATH.fullmatch(path) is not None
    return plain and len(path) <= LONGEST_PATH and not {".", ".."} & set(segments)

"""The names that an app wants its identity headers under.

A name that means something to a proxy or to HTTP itself is refused: who is
signed in would overwrite it.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from flask_babel import lazy_gettext

from services.errors_apps import AppUnsuitable

IDENTITY = MappingProxyType(
    {"user": "Remote-User", "groups": "Remote-Groups", "email": "Remote-Email",
     "name": "Remote-Name"}
)  # fmt: skip
"""The identity headers, unless an app has other names for them."""

SIGNED = "Remote-Jwt"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")
LONGEST = 40

_WITH_A_MEANING = """
accept accept-charset accept-encoding accept-language age alt-svc authorization cache-control
connection content-disposition content-encoding content-length content-location content-range
content-security-policy content-type cookie date etag expect expires forwarded from host if-match
if-modified-since if-none-match if-range if-unmodified-since keep-alive last-modified link location
max-forwards origin pragma priority range referer retry-after server set-cookie
strict-transport-security te trailer transfer-encoding upgrade upgrade-insecure-requests user-agent
vary via warning www-authenticate x-csrf-token x-csrftoken x-forwarded-for x-forwarded-host
x-forwarded-method x-forwarded-port x-forwarded-prefix x-forwarded-proto x-forwarded-scheme
x-forwarded-server x-forwarded-ssl x-forwarded-uri x-http-method-override x-real-ip x-request-id
x-requested-with x-rewrite-url
"""
_TAKEN = frozenset(_WITH_A_MEANING.split())
_TAKEN_BEGINNINGS = ("access-control-", "proxy-", "sec-", "x-original-", "x-envoy-", "x-accel-")


def check_header_names(typed: Mapping[str, str]) -> dict[str, str]:
    """The names that are not the usual ones, by what they carry.

    Raises ``AppUnsuitable`` (its field is ``header_user``, ``header_groups``, …) for what is
    no name of a header (RFC 9110, 5.1; without characters that proxies drop), for names that
    mean something else, and where two are the same.
    """
    names = {what: typed.get(what, "").strip() or usual for what, usual in IDENTITY.items()}
    seen = {SIGNED.lower()}
    own_last = sorted(names.items(), key=lambda item: item[1] != IDENTITY[item[0]])
    for what, name in own_last:
        if not _is_name(name):
            raise AppUnsuitable(
                f"header_{what}",
                lazy_gettext("Use letters, digits and dashes, like X-Forwarded-User."),
            )
        if name.lower() in _TAKEN or name.lower().startswith(_TAKEN_BEGINNINGS):
            raise AppUnsuitable(
                f"header_{what}",
                lazy_gettext("%(name)s means something else to proxies and apps.", name=name),
            )
        if name.lower() in seen:
            raise AppUnsuitable(
                f"header_{what}", lazy_gettext("Two headers cannot both be %(name)s.", name=name)
            )
        seen.add(name.lower())
    return {what: name for what, name in names.items() if name != IDENTITY[what]}


def complete(own_names: object) -> dict[str, str]:
    """All four names by what they carry: the app's own, as they stand in its row, and the usual
    one for each that is missing or can be no name.
    """
    own = own_names if isinstance(own_names, dict) else {}
    return {
        what: name if isinstance(name := own.get(what), str) and _is_name(name) else usual
        for what, usual in IDENTITY.items()
    }


def list_sent(own_names: Mapping[str, str], signed_header: bool) -> list[str]:
    """The headers that an app gets, by the names that it wants."""
    return [*complete(own_names).values(), *([SIGNED] if signed_header else [])]


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and len(name) <= LONGEST

"""Is this ``next`` safe to send a person to? Only a path of this portal ever is."""

import re

from flask import request, url_for

LONGEST = 2000
"""Characters, where what is not ASCII counts as it is escaped: it travels in addresses."""
_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\x7f-\x9f\\]*")


def is_safe(target: str) -> bool:
    """A path that starts with one slash: no scheme, no host, no backslash, no control character."""
    length = len(target.encode("ascii", "backslashreplace"))
    return length <= LONGEST and _PATH.fullmatch(target) is not None


def checked(target: str) -> str:
    """Where a target that was kept leads now: a page of ours, the gate for an app's address, or "".

    The gate checks the address once more.
    """
    if is_safe(target):
        return target
    is_app = target.startswith(("https://", "http://"))
    return url_for("site.home", rd=target) if is_app else ""


def requested() -> str:
    """The ``next`` of this request where it is safe, else ""."""
    target = request.args.get("next", "")
    return target if is_safe(target) else ""

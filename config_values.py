"""How each kind of setting is read from text: one function a kind, all raise ``ValueError``.

The error's words follow the setting's name in a sentence: "must be a whole number".
"""

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNIX_SOCKET = "unix"
"""Named among the trusted proxies: a peer with no address, over a Unix socket."""


def read_text(value: str) -> str:
    """Any text, trimmed."""
    return value.strip()


def read_whole_number(value: str) -> int:
    """Digits, at most nine."""
    if not re.fullmatch(r"[0-9]{1,9}", value.strip()):
        raise ValueError("must be a whole number")
    return int(value)


def read_yes_or_no(value: str) -> bool:
    """yes, no, true, false, 1 or 0."""
    known = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}
    if value.strip().lower() not in known:
        raise ValueError("must be yes or no")
    return known[value.strip().lower()]


def read_one_of(*choices: str) -> Callable[[str], str]:
    """One of these words."""

    def parse(value: str) -> str:
        if value.strip() not in choices:
            raise ValueError(f"must be one of: {', '.join(choices)}")
        return value.strip()

    return parse


def read_words(value: str) -> tuple[str, ...]:
    """Words between commas or white space."""
    return tuple(word for word in re.split(r"[\s,]+", value) if word)


def read_domains(value: str) -> tuple[str, ...]:
    """Domains, in lower case; what is wrong with them is found when all are known."""
    return tuple(word.lower() for word in read_words(value))


_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+", re.ASCII | re.IGNORECASE)


def read_base_url(value: str) -> str:
    """Scheme and host, in lower case."""
    parts = urlsplit(value.strip())
    extra = parts.query or parts.fragment or not _has_a_good_port(parts)
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.hostname or "") or extra:
        raise ValueError("must look like https://login.example.org")
    if parts.path.strip("/") or "@" in parts.netloc:
        raise ValueError("must be scheme and host only, without a path or a user name")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _has_a_good_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def read_time_zone(value: str) -> str:
    """A name of the IANA time zone database."""
    try:
        name = value.strip()
        if name.startswith(("right/", "posix/")) or name == "Factory":
            raise ValueError
        return name if name == "UTC" else ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be a time zone such as Europe/Berlin or UTC") from error


def read_database_url(value: str) -> str:
    """A SQLAlchemy address; PostgreSQL's short names get our driver's."""
    if not re.match(r"sqlite:///|postgres(ql)?(\+psycopg)?://", value.strip()):
        raise ValueError("must start with postgresql:// or sqlite:///")
    if re.match(r"sqlite:///(file:|:memory:|\?|$)", value.strip()):
        raise ValueError("must name a file, as in sqlite:////var/lib/gatepost/gatepost.db")
    url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", value.strip())
    try:
        make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ValueError("must look like postgresql://user:password@host:5432/name") from error
    return url


def read_networks(value: str) -> tuple[Network | str, ...]:
    """Networks such as 127.0.0.1/32, and ``unix``."""
    return tuple(
        word if word == UNIX_SOCKET else ipaddress.ip_network(word) for word in read_words(value)
    )


def read_countries(value: str) -> tuple[str, ...]:
    """Two-letter countries."""
    countries = tuple(word.upper() for word in read_words(value))
    unknown = [word for word in countries if word not in phonenumbers.SUPPORTED_REGIONS]
    if unknown:
        raise ValueError(f"does not know the country {', '.join(unknown)} (use codes like US,DE)")
    return countries


def read_colour(value: str) -> str:
    """#rrggbb."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value.strip()):
        raise ValueError("must be a colour like #1d4ed8")
    return value.strip().lower()

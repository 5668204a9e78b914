"""What is missing, weak or contradictory in a ``Config``: every problem, in one list.

Only looks; an operator reads the sentences.
"""

import os
import re
from collections.abc import Mapping
from email.utils import getaddresses
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from config_domains import find_domain_problems

if TYPE_CHECKING:
    from config import Config

PUBLISHED_SECRETS = frozenset(
    {"changeme", "secret", "development", "password", "gatepost", "insecure", "example"}
)
"""No word so short that a random key holds it by chance."""

PLACEHOLDER_LOGIN = ("user", "password", "smtp.example.org")
"""The mail server of our own examples."""

_ADDRESS = r"[^@\s,<>]+@[^@\s,<>]+"
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 +&_-]{1,11}")
"""A number (E.164), a short code, or a name as Twilio allows it."""
_EXAMPLE = re.compile(r"(?:^|[@/.])(example\.(?:com|net|org))(?![\w.-])")
"""Domains that are nobody's (RFC 2606, 3)."""


def find_problems(config: "Config", environ: Mapping[str, str]) -> list[str]:
    """A sentence for each problem of the settings, and of what else the environment says."""
    problems = _contradictions(config)
    if not config.development:
        problems += _not_for_production(config)
        if _debugs(environ):
            problems.append("FLASK_DEBUG must not be set in production")
    return problems


def find_notes(config: "Config") -> list[str]:
    """What looks as if it had been left as it stands in an example, and stops nothing."""
    if config.development:
        return []
    return [
        f"GATEPOST_{name.upper()} is in {found[1]}, which is for examples: put your own."
        for name in ("base_url", "app_domains", "smtp_url", "mail_from", "alert_email",
                     "support_contact", "security_contact")
        if (found := _EXAMPLE.search(str(getattr(config, name)).replace("'", "/")))
    ]  # fmt: skip


def can_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder, or it can be made itself."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _contradictions(config: "Config") -> list[str]:
    problems = find_domain_problems(config.app_domains)
    if config.sms_gateway == "twilio":
        problems += _twilio_problems(config)
    problems += _mail_problems(config)
    if not can_be_written(config.instance_dir):
        problems.append(f"GATEPOST_INSTANCE_DIR: {config.instance_dir} cannot be written to")
    if config.remembered_browser_days > 30:
        problems.append("GATEPOST_REMEMBERED_BROWSER_DAYS must be at most 30")
    if config.password_least_characters < 15 and not config.require_two_factor:
        problems.append(
            "GATEPOST_PASSWORD_LEAST_CHARACTERS below 15 needs GATEPOST_REQUIRE_TWO_FACTOR=yes"
        )
    if config.send_gap_most_seconds < config.send_gap_seconds:
        problems.append(
            "GATEPOST_SEND_GAP_MOST_SECONDS must not be below GATEPOST_SEND_GAP_SECONDS"
        )
    if config.portal_logo and not (
        Path(config.portal_logo).is_file() and Path(config.portal_logo).suffix in {".svg", ".png"}
    ):
        problems.append("GATEPOST_PORTAL_LOGO must name an .svg or .png file that exists")
    mark = Path(config.verdict_mark or "/")
    if not mark.is_absolute() or (mark.is_file() and not mark.is_symlink()):
        problems.append("GATEPOST_VERDICT_MARK must be a whole path, and no file that is in use")
    return problems


def _mail_problems(config: "Config") -> list[str]:
    problems = []
    if config.mail_gateway == "smtp":
        problems += [
            f"{name} is needed with the smtp gateway"
            for name, value in (
                ("GATEPOST_SMTP_URL", config.smtp_url),
                ("GATEPOST_MAIL_FROM", config.mail_from),
            )
            if not value
        ]
    if config.smtp_url and not _names_a_mail_server(config.smtp_url):
        problems.append("GATEPOST_SMTP_URL must start with smtp:// or smtps:// and name a server")
    elif config.smtp_url and _is_placeholder(config.smtp_url):
        problems.append("GATEPOST_SMTP_URL is that of the examples; put your mail server's")
    if config.mail_from and not _is_one_sender(config.mail_from):
        problems.append(
            "GATEPOST_MAIL_FROM must be an address like Example Login <login@example.org>"
        )
    if config.alert_email and not re.fullmatch(_ADDRESS, config.alert_email):
        problems.append("GATEPOST_ALERT_EMAIL must be one address like it@example.org")
    if config.security_contact and not _is_contact(config.security_contact):
        problems.append(
            "GATEPOST_SECURITY_CONTACT must be like mailto:security@example.org, or https://…"
        )
    return problems


def _is_one_sender(text: str) -> bool:
    """One address, its name quoted where it holds a comma."""
    found = getaddresses([text])
    return "\n" not in text and len(found) == 1 and bool(re.fullmatch(_ADDRESS, found[0][1]))


def _is_contact(text: str) -> bool:
    """What a ``Contact:`` line can hold (RFC 9116, 2.5.3)."""
    parts = urlsplit(text)
    return (
        bool(re.fullmatch(rf"mailto:{_ADDRESS}|tel:[+0-9().-]+", text))
        or (parts.scheme == "https" and bool(parts.hostname))
    )  # fmt: skip


def _is_placeholder(url: str) -> bool:
    parts = urlsplit(url)
    return (parts.username, parts.password, parts.hostname) == PLACEHOLDER_LOGIN


def _names_a_mail_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _twilio_problems(config: "Config") -> list[str]:
    problems = []
    if not config.twilio_account_sid.startswith("AC"):
        problems.append("TWILIO_ACCOUNT_SID is needed with the twilio gateway and starts with AC")
    if bool(config.twilio_api_key) != bool(config.twilio_api_secret):
        problems.append("TWILIO_API_KEY and TWILIO_API_SECRET belong together")
    if not config.twilio_api_key and not config.twilio_auth_token:
        problems.append(
            "TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_AUTH_TOKEN is needed with twilio"
        )
    if bool(config.twilio_from) == bool(config.twilio_messaging_service_sid):
        problems.append("exactly one of TWILIO_FROM and TWILIO_MESSAGING_SERVICE_SID is needed")
    if config.twilio_from and not _SENDER.fullmatch(config.twilio_from):
        problems.append(
            "TWILIO_FROM must be a number like +12015550100, a short code, or a name of at most"
            " 11 letters, digits and spaces"
        )
    if not config.sms_countries and not config.development:
        problems.append(
            "GATEPOST_SMS_COUNTRIES is needed where the sender is not a number (such as US,DE)"
        )
    base = urlsplit(config.twilio_base_url)
    if (
        config.twilio_base_url
        and base.scheme != "https"
        and base.hostname not in {"127.0.0.1", "::1", "localhost"}
    ):
        problems.append("GATEPOST_TWILIO_BASE_URL must be https, or http on this machine")
    return problems


def _not_for_production(config: "Config") -> list[str]:
    problems = []
    if not config.base_url:
        problems.append(
            "GATEPOST_BASE_URL is needed in production, such as https://login.example.org"
        )
    elif not config.https:
        problems.append("GATEPOST_BASE_URL must be https in production")
    problems += _weak_key_problems("GATEPOST_SECRET_KEY", config.secret_key)
    for fallback in config.secret_key_fallbacks:
        problems += _weak_key_problems("GATEPOST_SECRET_KEY_FALLBACKS", fallback)
    for name, gateway in (
        ("GATEPOST_SMS_GATEWAY", config.sms_gateway),
        ("GATEPOST_MAIL_GATEWAY", config.mail_gateway),
    ):
        if not gateway:
            problems.append(f"{name} is needed in production")
        elif gateway in {"console", "file"}:
            problems.append(f"{name}={gateway} is for development only")
    return problems


def _debugs(environ: Mapping[str, str]) -> bool:
    """Whether Flask would take this environment for one with debugging on."""
    return environ.get("FLASK_DEBUG", "").lower() not in {"", "0", "false", "no"}


def _weak_key_problems(name: str, key: str) -> list[str]:
    if not key:
        return [f"{name} is needed in production"]
    if len(key) < 32 or len(set(key)) < 12 or _repeats(key):
        return [f"{name} is too weak: use at least 32 random characters"]
    if any(word in key.lower() for word in PUBLISHED_SECRETS):
        return [f"{name} contains a word from published examples: use random characters"]
    return []


def _repeats(key: str) -> bool:
    """Whether a key is one shorter text again and again: it is as easy to guess as that text."""
    return any(key[size:] == key[:-size] for size in range(1, len(key) // 2 + 1))

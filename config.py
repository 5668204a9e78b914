"""Gatepost's settings: read once from the environment into a frozen ``Config``.

This module knows no Flask and no database. It reads, checks and explains
settings; it must not act on them. ``load`` never stops at the first mistake:
it gathers every problem, so that an operator mends the file once.
"""

import difflib
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import phonenumbers

from config_checks import can_be_written, find_problems
from config_domains import is_within
from config_values import (
    Network,
    read_base_url,
    read_colour,
    read_countries,
    read_database_url,
    read_domains,
    read_networks,
    read_one_of,
    read_text,
    read_time_zone,
    read_whole_number,
    read_words,
    read_yes_or_no,
)

ROOT = Path(__file__).resolve().parent
PREFIX = "GATEPOST_"

LEAST_CHARACTERS_WITH_TWO_FACTOR = 8
"""The shortest password where it opens nothing by itself; the fewest that can be asked for."""


class SettingsInvalid(Exception):
    """The environment cannot be used; ``problems`` lists all that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def setting(
    default: Any,
    text: str,
    parse: Callable[[str], Any] = read_text,
    *,
    name: str = "",
    secret: bool = False,
    least: int = 0,
) -> Any:
    """Declare one setting: its default, its line in the docs, how its value is read.

    ``name`` replaces the ``GATEPOST_<FIELD>`` name; a ``secret`` can be given as
    ``NAME_FILE`` and is never printed; ``least`` is the smallest number allowed.
    """
    about = {"text": text, "parse": parse, "name": name, "secret": secret, "least": least}
    return field(default=default, repr=not secret, metadata=about)


def number(default: int, text: str, *, least: int = 1) -> Any:
    """Declare a whole-number setting; its unit is in the field's name."""
    return setting(default, text, read_whole_number, least=least)


@dataclass(frozen=True)
class Config:
    """Every setting, under its field's name. Made by ``load``; never changed afterwards."""

    # fmt: off
    env: str = setting("production", "`production` or `development`", read_one_of("production", "development"))
    base_url: str = setting("", "address people open, such as `https://login.example.org`; links in messages start with it", read_base_url)
    secret_key: str = setting("", "at least 32 random characters; `python -c 'import secrets; print(secrets.token_urlsafe(48))'`", secret=True)
    secret_key_fallbacks: tuple[str, ...] = setting((), "earlier keys that still verify, newest first", read_words, secret=True)
    database_url: str = setting("", "SQLAlchemy address; `postgresql://…` or SQLite", read_database_url, secret=True)
    instance_dir: Path = setting(ROOT / "instance", "where SQLite, the development key and the outbox live", Path)
    registration: str = setting("open", "who may register: `open`, `invite` or `closed`", read_one_of("open", "invite", "closed"))
    require_two_factor: bool = setting(False, "`yes`: everybody is asked for a code after the password, and nobody can turn that off", read_yes_or_no)
    trusted_proxies: tuple[Network | str, ...] = setting((), "networks of the proxies, such as `127.0.0.1/32`; `unix` for a Unix socket: their `X-Forwarded-For` is believed, and where any is named, they alone may ask whether a request to an app may enter", read_networks)
    app_domains: tuple[str, ...] = setting((), "domains whose apps the portal stands before, such as `example.org,example.net`; without any, apps cannot be added", read_domains)
    verdict_mark: str = setting("", "path of a link that is moved whenever somebody may have lost access, such as `/run/gatepost/mark`, for an [nginx that keeps verdicts](forward-auth.md#a-faster-nginx)", read_text)

    time_zone: str = setting("UTC", "where days end, as in “until Friday”, and by whose clock mails tell the time, such as `Europe/Berlin`", read_time_zone)

    portal_name: str = setting("Gatepost", "the name on pages and in messages")
    portal_logo: str = setting("", "path of an SVG or PNG file shown beside the name", read_text)
    accent_colour: str = setting("", "colour of buttons and links, such as `#1d4ed8`", read_colour)
    support_contact: str = setting("", "what people read where they need help, such as a mail address")
    security_contact: str = setting("", "the `Contact:` line of `security.txt`: a `mailto:` or `https:` address")

    sms_gateway: str = setting("", "`twilio`, or `none` for a portal without texts; in development also `console` and `file`", read_one_of("console", "file", "twilio", "none"))
    mail_gateway: str = setting("", "`smtp`; in development also `console` and `file`", read_one_of("console", "file", "smtp"))
    outbox_dir: Path = setting(Path(), "where the `file` and `console` gateways append `sms.jsonl` and `mail.jsonl`", Path)
    smtp_url: str = setting("", "`smtp://user:password@host:587` (STARTTLS where offered, required with a login), `smtps://…:465`", secret=True)
    mail_from: str = setting("", "sender of mails, such as `Example Login <login@example.org>`")
    alert_email: str = setting("", "who is told when a limit of the whole portal was reached or texts fail")
    sms_countries: tuple[str, ...] = setting((), "countries that texts may go to, such as `US,DE`; default: the sender number's own", read_countries)

    twilio_account_sid: str = setting("", "starts with `AC`", name="TWILIO_ACCOUNT_SID")
    twilio_auth_token: str = setting("", "checks delivery reports; also signs in where no API key is given", name="TWILIO_AUTH_TOKEN", secret=True)
    twilio_api_key: str = setting("", "starts with `SK`; preferred over the auth token", name="TWILIO_API_KEY")
    twilio_api_secret: str = setting("", "belongs to the API key", name="TWILIO_API_SECRET", secret=True)
    twilio_from: str = setting("", "sender: a number like `+12015550100`, or a name where countries allow it", name="TWILIO_FROM")
    twilio_messaging_service_sid: str = setting("", "starts with `MG`; instead of a sender", name="TWILIO_MESSAGING_SERVICE_SID")
    twilio_base_url: str = setting("", "a compatible provider instead of `https://api.twilio.com`; a path prefix is kept")
    twilio_connect_seconds: int = number(3, "longest wait for a connection")
    twilio_read_seconds: int = number(8, "longest wait for each part of an answer")
    twilio_deadline_seconds: int = number(12, "longest time for one text in all, retries included")

    code_seconds: int = number(600, "life of a security code")
    code_tries: int = number(5, "wrong codes before a code is void")
    pending_sign_in_seconds: int = number(1200, "time between the password and the code")
    code_tries_per_5_minutes: int = number(5, "wrong codes of one person, over all codes")
    code_tries_per_hour: int = number(20, "the same, in an hour")
    code_tries_per_day: int = number(50, "the same, in a day")
    code_failures_in_a_row: int = number(100, "wrong codes in a row that disable the phone or the email way")

    send_gap_seconds: int = number(30, "wait before the same destination gets another code; doubles each time; 0 = none", least=0)
    send_gap_most_seconds: int = number(240, "longest such wait", least=0)
    sends_per_hour: int = number(5, "codes sent to one person in an hour; an entered code gives its place back")
    sends_per_day: int = number(10, "the same, in a day")
    sends_per_day_in_all: int = number(30, "codes sent to one person in a day, entered or not")
    new_numbers_per_hour: int = number(3, "different unproven numbers of one person in an hour; a proven one gives its place back")
    new_numbers_per_address_per_hour: int = number(20, "the same, from one address (IPv6: /64)")
    new_number_prefix_per_10_minutes: int = number(3, "texts to unproven numbers that differ in the last 4 digits only")
    new_number_prefix_per_day: int = number(10, "the same, in a day")
    new_number_country_per_day: int = number(50, "texts to unproven numbers of one country in a day")
    new_number_portal_per_hour: int = number(60, "texts to unproven numbers in all, in an hour")
    new_number_portal_per_day: int = number(300, "the same, in a day")
    proven_number_per_day: int = number(10, "codes texted to one proven number in a day, for all accounts that have it; an entered code gives its place back")
    number_per_day_in_all: int = number(30, "codes texted to one number in a day to sign in, and to prove it, entered or not")
    proven_number_portal_per_day_each: int = number(5, "texts to proven numbers in all in a day, for each such number on average; an entered code gives its place back")
    breaker_texts: int = number(20, "texts to unproven numbers of a country or prefix that the breaker looks at")
    breaker_percent: int = number(30, "percent of those codes that must be entered; below it, texts to that country or prefix pause", least=0)
    breaker_pause_seconds: int = number(3600, "length of that pause")

    password_fails_per_5_minutes: int = number(5, "wrong passwords for one account from unknown browsers before waits begin")
    password_fails_per_hour: int = number(30, "the same, in an hour, before it waits for the hour's end; also of a signed-in person who proves who they are")
    password_fails_per_day: int = number(100, "the same, in a day")
    password_wait_seconds: int = number(30, "the first wait; doubles with each further failure")
    password_wait_most_seconds: int = number(3600, "the longest wait")
    password_fails_per_address_per_5_minutes: int = number(20, "wrong passwords from one address (IPv6: /64)")
    known_browser_fails_per_5_minutes: int = number(10, "wrong passwords in a browser that has signed in to the account before")
    new_browser_notices: bool = setting(True, "`yes`: who signs in with a password alone, in a browser that is not known, is mailed; `no`: they are not", read_yes_or_no)
    known_browser_days: int = number(365, "how long a browser is known")
    reset_seconds: int = number(1800, "life of a password reset link")
    resets_per_hour: int = number(3, "reset mails for one account in an hour, asked for from one address; beyond that, asked for from others, one each time the link before has expired")
    resets_per_day: int = number(5, "the same, in a day")
    confirmation_seconds: int = number(86400, "life of a confirmation link")
    name_changes_per_hour: int = number(10, "how often a person changes their name in an hour")
    confirmations_per_hour: int = number(3, "confirmation mails to one mailbox in an hour that registering it causes, as many that are asked for, and as many to change an account's address to it; also such changes asked for by one person")
    link_mails_per_address_per_hour: int = number(60, "reset and confirmation mails asked for from one address (IPv6: /64)")
    registrations_per_address_per_hour: int = number(30, "registrations from one address (IPv6: /64); ten times as many that are refused for what was typed")
    invitation_days: int = number(7, "life of an invitation, and of a link that an administrator made")

    session_idle_seconds: int = number(3600, "a login session ends after so long without a request")
    session_seconds: int = number(43200, "a login session ends after so long in any case")
    remember_me_days: int = number(14, "life of a login session with “remember me”")
    admin_session_idle_seconds: int = number(1800, "as above, for administrators")
    admin_session_seconds: int = number(43200, "as above, for administrators")
    sessions_per_person: int = number(50, "login sessions of one person; of more, those that were not seen for longest end")
    changes_per_hour: int = number(20, "changes of one account in an hour that nothing else limits: two-factor sign-in on or off, password (not by a mailed link), usual number, other sessions ended, all browsers forgotten")
    reauth_seconds: int = number(600, "how long a proof of identity lasts before a sensitive change")
    remembered_browser_days: int = number(14, "how long a remembered browser skips the second step; at most 30")

    access_requests_per_day: int = number(10, "requests to be let into apps that one person can make in a day")

    password_least_characters: int = number(15, "shortest password; 8 or more, below 15 only with `GATEPOST_REQUIRE_TWO_FACTOR=yes`", least=LEAST_CHARACTERS_WITH_TWO_FACTOR)
    password_most_characters: int = number(256, "longest password", least=64)
    argon2_memory_kib: int = number(19456, "memory of one password hash", least=8)
    argon2_passes: int = number(2, "passes of one password hash")
    hash_threads: int = number(2, "password hashes at once in one process")
    hash_wait_seconds: int = number(10, "longest wait for a place to hash; then 503")

    delivery_threads: int = number(4, "messages of one channel sent at once by one process")
    delivery_lease_seconds: int = number(60, "a message whose sender was silent for so long is given up as unknown")
    mail_tries: int = number(6, "times a mail is tried when the server says “later”")
    smtp_seconds: int = number(10, "longest wait for the mail server's next answer")
    keep_messages_days: int = number(30, "how long delivery records stay")
    keep_unconfirmed_days: int = number(7, "how long a registration waits for its address to be confirmed")
    keep_activity_days: int = number(365, "how long activity stays")
    request_bytes: int = number(65536, "largest request body")
    request_fields: int = number(20, "most fields in one form")
    # fmt: on

    @property
    def development(self) -> bool:
        """Whether this is a development portal: plain http, made-up keys, an open outbox."""
        return self.env == "development"

    @property
    def https(self) -> bool:
        """Whether people reach the portal by https, so that cookies can be `__Host-`."""
        return self.base_url.startswith("https://")

    @property
    def host(self) -> str:
        """The host name people see, without a port."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def cookie_domain(self) -> str:
        """The app domain that the portal's own host is in ("" = none): it can set cookies there."""
        return self.app_domain_of(self.host)

    def app_domain_of(self, host: str) -> str:
        """The app domain that a lower-case host is in, or "" where the portal guards none there."""
        return next((domain for domain in self.app_domains if is_within(host, domain)), "")

    @property
    def sends_texts(self) -> bool:
        """Whether codes can go to phone numbers at all."""
        return self.sms_gateway != "none"

    @property
    def default_region(self) -> str:
        """The country that a number without a country code is read in."""
        return self.sms_countries[0] if self.sms_countries else "US"


def names() -> dict[str, "Field[Any]"]:
    """Every environment name and the field that it sets, in the order of the docs."""
    return {f.metadata["name"] or PREFIX + f.name.upper(): f for f in fields(Config)}


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Read the environment (``os.environ`` unless given) into a ``Config``.

    Raises ``SettingsInvalid`` with every problem at once.
    """
    config, problems = examine(environ)
    if problems:
        raise SettingsInvalid(problems)
    return config


def examine(environ: Mapping[str, str] | None = None) -> tuple[Config, list[str]]:
    """As ``load``, for whoever goes on in any case: what could be read, and every problem."""
    environ = os.environ if environ is None else environ
    values, problems = _read(environ)
    config = _with_defaults(Config(**values), environ)
    return config, problems + find_problems(config, environ)


def unknown_names(environ: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each ``GATEPOST_`` name that sets nothing: most are typing errors."""
    environ = os.environ if environ is None else environ
    known = set(names()) | {f"{n}_FILE" for n, f in names().items() if f.metadata["secret"]}
    sentences = []
    for name in sorted(n for n in environ if n.startswith(PREFIX) and n not in known):
        near = difflib.get_close_matches(name, known, 1)
        sentences.append(f"{name} sets nothing" + (f"; did you mean {near[0]}?" if near else ""))
    return sentences


def hint_for_newcomers(environ: Mapping[str, str] | None = None) -> str:
    """What reaches the portal of ``make run``, where nothing says which portal is meant; or ""."""
    environ = os.environ if environ is None else environ
    if any(environ.get(f"{PREFIX}{name}") for name in ("ENV", "SECRET_KEY", "SECRET_KEY_FILE")):
        return ""
    return "For the portal of make run set GATEPOST_ENV=development (and PORT, if it was moved)."


def _read(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, about in names().items():
        try:
            raw = _raw_value(environ, name, about.metadata["secret"])
            if raw is None or raw == "":
                continue
            values[about.name] = about.metadata["parse"](raw)
            if isinstance(values[about.name], int) and values[about.name] < about.metadata["least"]:
                problems.append(f"{name} must be at least {about.metadata['least']}")
        except (ValueError, OSError) as error:
            problems.append(
                f"{name} {error}"
                if isinstance(error, ValueError)
                else f"{name}_FILE cannot be read: {error.strerror}"
            )
    return values, problems


def _raw_value(environ: Mapping[str, str], name: str, secret: bool) -> str | None:
    path = environ.get(f"{name}_FILE") if secret else None
    if path and name in environ:
        raise ValueError(f"and {name}_FILE are both set; keep one")
    return Path(path).read_text().strip() if path else environ.get(name)


def _with_defaults(config: Config, environ: Mapping[str, str]) -> Config:
    """Fill in what follows from other settings, and what development makes up for itself."""
    values: dict[str, Any] = {}
    if not config.database_url:
        values["database_url"] = f"sqlite:///{config.instance_dir / 'gatepost.db'}"
    if config.outbox_dir == Path():
        values["outbox_dir"] = config.instance_dir / "outbox"
    if config.require_two_factor and not environ.get("GATEPOST_PASSWORD_LEAST_CHARACTERS"):
        values["password_least_characters"] = LEAST_CHARACTERS_WITH_TWO_FACTOR
    if not config.sms_countries and config.twilio_from.startswith("+"):
        values["sms_countries"] = _country_of(config.twilio_from)
    if config.development:
        values |= _development_defaults(config, environ)
    return Config(**{f.name: values.get(f.name, getattr(config, f.name)) for f in fields(Config)})


def _development_defaults(config: Config, environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        "base_url": config.base_url or f"http://127.0.0.1:{environ.get('PORT') or 8000}",
        "secret_key": config.secret_key or _made_up_key(config.instance_dir),
        "sms_gateway": config.sms_gateway or "console",
        "mail_gateway": config.mail_gateway or "console",
        "mail_from": config.mail_from or "Gatepost <gatepost@example.org>",
    }


def _made_up_key(folder: Path) -> str:
    """The development key, the same for every process that starts at once: the first link wins."""
    path = folder / "secret_key"
    if not can_be_written(folder):
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = folder / f".secret_key.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def _country_of(number: str) -> tuple[str, ...]:
    """The country of a sender number; where its range is not known, its country code's main one."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    main = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return (phonenumbers.region_code_for_number(parsed) or main,)

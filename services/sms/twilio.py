"""Texts through Twilio, or a provider with the same interface: the only importer of twilio.

Twilio's library and the HTTP library under it take half a second to load, so
they are loaded by name with the first text. Creating a message is not
idempotent: what may have been sent is never sent again.
"""

import importlib
import logging
import random
import threading
import time
from collections.abc import Mapping
from typing import Any

from twilio.base.exceptions import TwilioException
from twilio.request_validator import RequestValidator

from config import Config
from services import masking, sms
from services.deadline import Deadline
from services.sms import twilio_codes

_PAUSES = (0.3, 0.8)
"""Seconds before each new try after "too many requests", which Twilio never processes."""
_LONGEST_VALIDITY = 36000
_NEVER_SENT = ("failed", "undelivered", "canceled")


def make_gateway(config: Config) -> "TwilioGateway":
    """The gateway of these settings; connects to nothing yet."""
    return TwilioGateway(config)


def check_report(
    config: Config, url: str, form: Mapping[str, str], signature: str
) -> sms.SmsReport | None:
    """Read a delivery report, whose signature Twilio makes with the account's auth token.

    ``url`` is the address that was told to Twilio, with its query; ``form`` everything that
    was posted. None: not signed by Twilio.
    """
    token = config.twilio_auth_token
    if not token or not RequestValidator(token).validate(url, form, signature):
        return None
    status = form.get("MessageStatus") or form.get("SmsStatus")
    return twilio_codes.report(status, form.get("ErrorCode"), form.get("MessageSid"))


class TwilioGateway:
    """One client for the process, made with the first text and shared by its threads."""

    follows_up = True

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._client: Any = None
        self._connections: Any = None

    def send(self, to: str, text: str, *, ttl: int, status_url: str | None) -> sms.SmsResult:
        """Send one text; see ``SmsGateway``."""
        fields = self._fields(to, text, ttl, status_url)
        try:
            messages = self._messages()
            with Deadline(self._config.twilio_deadline_seconds) as deadline:
                return self._send_within(deadline, messages, fields)
        except Exception as error:  # never raises: what broke here may have sent the text
            return sms.SmsResult(sms.UNKNOWN, detail=type(error).__name__)

    def ask(self, message_id: str) -> sms.SmsReport:
        """Ask for a text's status once; see ``SmsGateway``."""
        try:
            messages = self._messages()
            with Deadline(self._config.twilio_deadline_seconds):
                found = messages(message_id).fetch()
            return twilio_codes.report(found.status, found.error_code, message_id)
        except Exception:  # no news
            return sms.SmsReport("")

    def _send_within(
        self, deadline: Deadline, messages: Any, fields: dict[str, Any]
    ) -> sms.SmsResult:
        """Try, and try again only where the text was certainly not sent."""
        connections, pauses = 1, list(_PAUSES)
        while True:
            result, again = self._try(messages, fields)
            if again == "connect" and connections and deadline.left:
                connections -= 1
                continue
            pause = pauses.pop(0) * random.uniform(0.9, 1.1) if pauses else 0.0  # noqa: S311
            if again != "later" or not pause or deadline.left < pause + 0.5:
                return result
            time.sleep(pause)

    def _try(self, messages: Any, fields: dict[str, Any]) -> tuple[sms.SmsResult, str]:
        """One request: its result, and what allows another: ``connect``, ``later`` or nothing."""
        try:
            return _accepted(messages.create(**fields)), ""
        except TwilioException as refusal:
            return _refused(refusal)
        except Exception as error:
            if self._connections.never_connected(error):
                return sms.SmsResult(sms.BUSY, detail="no connection"), "connect"
            refused = self._connections.certificate_refused(error)
            outcome = sms.MISCONFIGURED if refused else sms.UNKNOWN
            return sms.SmsResult(outcome, detail=type(error).__name__), ""

    def _fields(self, to: str, text: str, ttl: int, status_url: str | None) -> dict[str, Any]:
        sender = self._config.twilio_messaging_service_sid
        fields = {
            "to": to,
            "body": text,
            # A code that is late is dropped by Twilio, not delivered dead: its default is 10 hours.
            "validity_period": max(1, min(ttl, _LONGEST_VALIDITY)),
            "risk_check": "enable",
            **(
                {"messaging_service_sid": sender} if sender else {"from_": self._config.twilio_from}
            ),
        }
        return fields | ({"status_callback": status_url} if status_url else {})

    def _messages(self) -> Any:
        with self._lock:
            if self._client is None:
                self._connections = importlib.import_module("services.sms.connections")
                self._client = self._make_client()
        return self._client.api.v2010.account.messages

    def _make_client(self) -> Any:
        config = self._config
        logging.getLogger("twilio.http_client").setLevel(logging.WARNING)
        http = importlib.import_module("twilio.http.http_client").TwilioHttpClient()
        for scheme in ("https://", "http://"):
            http.session.mount(scheme, self._connections.WatchedAdapter())
        # The constructor takes one number for both waits; the session below it takes two.
        http.timeout = (config.twilio_connect_seconds, config.twilio_read_seconds)
        login = (
            (config.twilio_api_key, config.twilio_api_secret)
            if config.twilio_api_key
            else (config.twilio_account_sid, config.twilio_auth_token)
        )
        client = importlib.import_module("twilio.rest").Client(
            *login,
            config.twilio_account_sid,
            http_client=http,
            # Not empty, or the library reads TWILIO_REGION and TWILIO_EDGE from the
            # environment, which turn 127.0.0.1 into 127.dublin.ie1.0.1.
            environment={"GATEPOST": "settings come from config.py"},
        )
        if config.twilio_base_url:
            client.api.base_url = config.twilio_base_url
        return client


def _accepted(message: Any) -> sms.SmsResult:
    """The result of a 2xx answer, which names the message or else proves nothing."""
    if not message.sid:
        return sms.SmsResult(sms.UNKNOWN, detail="an answer without a message id")
    if message.status in _NEVER_SENT:
        news = twilio_codes.report(message.status, message.error_code, message.sid)
        return sms.SmsResult(news.reason, news.message_id, news.code, str(message.status))
    return sms.SmsResult(sms.ACCEPTED, str(message.sid)[:64])


def _refused(refusal: TwilioException) -> tuple[sms.SmsResult, str]:
    status = twilio_codes.as_number(getattr(refusal, "status", 0))
    code = getattr(refusal, "code", None)
    outcome = twilio_codes.refusal_outcome(status, code)
    text = getattr(refusal, "msg", "") or getattr(refusal, "title", "")
    detail = f"HTTP {status} {masking.redact(text)}".strip()
    number = twilio_codes.as_number(code)
    result = sms.SmsResult(outcome, code=str(number)[:10] if number else "", detail=detail)
    return result, "later" if status == 429 or number == 20429 else ""

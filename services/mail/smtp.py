"""Mails through an SMTP server.

Encrypted wherever the server can be asked to, always when a login is sent. A
mail is offered for another try only when the server certainly did not take it.
"""

import re
import smtplib
import socket
import ssl
from email import policy
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from config import Config
from services import deadline, mail, masking
from services.deadline import Deadline
from services.mail import envelope

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def make_gateway(config: Config) -> "SmtpGateway":
    """The gateway of these settings; connects to nothing yet."""
    return SmtpGateway(config)


class _NotEncrypted(Exception):
    """The server offers no encryption, and there is a login to protect."""


class _Refused(Exception):
    """The server answered with an error code."""

    def __init__(self, code: int, text: object, *, about_us: bool = False) -> None:
        self.code, self.text, self.about_us = code, text, about_us


_OURS = (_NotEncrypted, smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError)
"""What only the operator can mend. A plain SMTPException is another: no common way to log in."""


class _Smtp(smtplib.SMTP):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection: socket.socket = super()._get_socket(  # type: ignore[misc]
            host, port, deadline.shorten(timeout)
        )
        try:
            deadline.watch(connection)
        except BaseException:
            connection.close()
            raise
        return connection


class _SmtpTls(smtplib.SMTP_SSL, _Smtp):
    """TLS from the first byte; the socket beneath comes from ``_Smtp``."""


class SmtpGateway:
    """One connection for each mail: a portal sends few, and none goes stale."""

    def __init__(self, config: Config) -> None:
        self._sender = config.mail_from
        self._seconds = config.smtp_seconds
        # Below the lease: nobody else may call this mail lost while it is being sent.
        self._deadline_seconds = max(1.0, config.delivery_lease_seconds * 0.8)
        url = urlsplit(config.smtp_url)
        self._tls_at_once = url.scheme == "smtps"
        self._host = url.hostname or ""
        self._port = url.port or (465 if self._tls_at_once else 587)
        self._login = (unquote(url.username or ""), unquote(url.password or ""))
        self._our_name = config.host or socket.gethostname()

    def send(self, to: str, subject: str, text: str, *, ref: str) -> mail.MailResult:
        """Send one mail; see ``MailGateway``."""
        try:
            message = envelope.compose(self._sender, to, subject, text, ref)
        except envelope.AddressUnusable:
            return mail.MailResult(mail.REFUSED, detail="not one plain address")
        except envelope.SenderUnusable:
            return mail.MailResult(mail.MISCONFIGURED, detail="GATEPOST_MAIL_FROM is unusable")
        reached: list[str] = []
        try:
            with Deadline(self._deadline_seconds):
                self._deliver(message, reached)
        except Exception as error:  # never raises: whatever happened is an outcome
            if not reached:
                return _before_the_end(error)
            if reached == ["offered"]:
                return _while_answering(error)
        return mail.MailResult(mail.ACCEPTED)

    def check(self) -> mail.MailResult:
        """Whether the server greets us, encrypts, and takes our login; sends it nothing.

        Never raises, and ends within the same deadline as ``send``.
        """
        try:
            with Deadline(self._deadline_seconds):
                smtp = self._connect()
                try:
                    self._prepare(smtp)
                    smtp.putcmd("QUIT")
                finally:
                    smtp.close()
        except Exception as error:  # whatever happened is an outcome
            return _before_the_end(error)
        return mail.MailResult(mail.ACCEPTED)

    def _deliver(self, message: EmailMessage, reached: list[str]) -> None:
        """Say it all; ``reached`` tells how far it went: ``offered``, then ``accepted``."""
        smtp = self._connect()
        try:
            self._prepare(smtp)
            self._name_both_ends(smtp, message)
            _expect(354, *smtp.docmd("DATA"))
            smtp.send(_on_the_wire(message))
            reached.append("offered")
            _expect(250, *smtp.getreply())
            reached.append("accepted")
            smtp.putcmd("QUIT")  # whose answer changes nothing and may be long in coming
        finally:
            smtp.close()

    def _connect(self) -> smtplib.SMTP:
        where = (self._host, self._port, self._our_name)
        if self._tls_at_once:
            return _SmtpTls(*where, timeout=self._seconds, context=self._tls())
        return _Smtp(*where, timeout=self._seconds)

    def _prepare(self, smtp: smtplib.SMTP) -> None:
        """Greet, encrypt, log in."""
        _expect_about_us(*smtp.ehlo())
        if not self._tls_at_once:
            if smtp.has_extn("starttls"):
                smtp.starttls(context=self._tls())
                _expect_about_us(*smtp.ehlo())
            elif self._login[0]:
                raise _NotEncrypted
        if self._login[0]:
            smtp.login(*self._login)

    def _name_both_ends(self, smtp: smtplib.SMTP, message: EmailMessage) -> None:
        options = []
        if envelope.needs_utf8(message):
            if not smtp.has_extn("smtputf8"):
                raise _Refused(553, "the server does not know SMTPUTF8")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        _expect_about_us(*smtp.mail(envelope.sender_address(message), options))
        code, answer = smtp.rcpt(envelope.recipient_address(message))
        if code != 251:
            _expect(250, code, answer)

    def _tls(self) -> ssl.SSLContext:
        """Certificates are verified; on this machine's own loopback there is nobody between."""
        context = ssl.create_default_context()
        if self._host in _LOOPBACK:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _expect(wanted: int, code: int, answer: object) -> None:
    if code != wanted:
        raise _Refused(code, answer)


def _expect_about_us(code: int, answer: object) -> None:
    if code != 250:
        raise _Refused(code, answer, about_us=True)


def _on_the_wire(message: EmailMessage) -> bytes:
    """The mail with its leading dots doubled and its end marked (RFC 5321, 4.5.2)."""
    wire = policy.SMTPUTF8 if envelope.needs_utf8(message) else policy.SMTP
    lines = message.as_bytes(policy=wire)
    return re.sub(rb"(?m)^\.", b"..", lines).rstrip(b"\r\n") + b"\r\n.\r\n"


def _while_answering(error: Exception) -> mail.MailResult:
    """The mail was out; only a real answer of the server says that it was not taken."""
    answer = _answered(error) if isinstance(error, _Refused) else None
    return answer or mail.MailResult(mail.UNKNOWN, detail=type(error).__name__)


def _before_the_end(error: Exception) -> mail.MailResult:
    """The end of the mail was never sent, so the server cannot have taken it."""
    if isinstance(error, _OURS) or type(error) is smtplib.SMTPException:
        return mail.MailResult(mail.MISCONFIGURED, detail=type(error).__name__.strip("_"))
    return _answered(error) or mail.MailResult(mail.BUSY, detail=_name(error))


def _name(error: Exception) -> str:
    """The error's kind, and in words what the system says of it: "Connection refused"."""
    said = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _answered(error: Exception) -> mail.MailResult | None:
    """The result of a server's error code: 4xx may pass, 5xx stays; None where none was given."""
    if isinstance(error, _Refused):
        code, text, about_us = error.code, error.text, error.about_us
    elif isinstance(error, smtplib.SMTPResponseException):
        code, text, about_us = error.smtp_code, error.smtp_error, True
    else:
        return None
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    detail = f"SMTP {code} {masking.redact(words)}"
    if 400 <= code < 500:
        return mail.MailResult(mail.BUSY, str(code), detail)
    if 500 <= code < 600:
        return mail.MailResult(mail.MISCONFIGURED if about_us else mail.REFUSED, str(code), detail)
    return None

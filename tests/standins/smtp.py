"""A stand-in for a mail server: a real one on 127.0.0.1, with and without TLS and login.

with SmtpStandin() as server:
    server.refuse("RCPT", "550 5.1.1 No such person")
    ... Config(smtp_url=server.url) ...
    assert server.mails == []
"""

import asyncio
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.standins.certificate import Certificate

HANG = "hang"
BREAK = "break"


@dataclass
class Taken:
    """One mail that the server took, with its envelope."""

    sender: str
    recipients: list[str]
    message: EmailMessage
    raw: bytes
    encrypted: bool
    login: str


class SmtpStandin:
    """The server; ``with`` starts and ends it."""

    def __init__(
        self,
        certificate: Certificate | None = None,
        login: tuple[str, str] | None = None,
        tls_at_once: bool = False,
    ) -> None:
        self.mails: list[Taken] = []
        self.commands: list[str] = []
        """Every command that was seen, such as ``RCPT``; ``END`` stands for the final dot."""
        self._faults: dict[str, list[str]] = {}
        self._login = login
        self._tls_at_once = tls_at_once
        context = certificate.for_server() if certificate else None
        self._controller = _Controller(
            self,
            hostname="127.0.0.1",
            port=0,
            ssl_context=context if tls_at_once else None,
            tls_context=None if tls_at_once else context,
            authenticator=self._check_login if login else None,
            auth_required=False,
            auth_require_tls=bool(certificate) and not tls_at_once,
            enable_SMTPUTF8=True,
        )

    def __enter__(self) -> "SmtpStandin":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._controller.port)

    @property
    def url(self) -> str:
        """What GATEPOST_SMTP_URL has to be."""
        login = f"{self._login[0]}:{self._login[1]}@" if self._login else ""
        scheme = "smtps" if self._tls_at_once else "smtp"
        return f"{scheme}://{login}127.0.0.1:{self.port}"

    def refuse(self, command: str, *answers: str) -> None:
        """Answer the next times ``command`` (MAIL, RCPT, DATA, END, ...) is seen so.

        An answer is a line such as ``451 Later``, or ``HANG``, or ``BREAK``.
        """
        self._faults[command] = list(answers)

    def fault(self, command: str) -> str | None:
        """Note a command; the answer that was ordered for it, if any."""
        self.commands.append(command)
        ordered = self._faults.get(command)
        return ordered.pop(0) if ordered else None

    def _check_login(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        right = (given.login.decode(), given.password.decode()) == self._login
        return AuthResult(success=right, handled=right, auth_data=given.login.decode())


class _Controller(Controller):
    """``aiosmtpd`` on a port that the system chooses, with faults of our own."""

    def __init__(self, standin: SmtpStandin, **options: Any) -> None:
        super().__init__(_Handler(standin), **options)
        self.standin = standin

    def factory(self) -> SMTP:
        return _FaultySmtp(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        self.port = int(self.server.sockets[0].getsockname()[1])
        super()._trigger_server()


class _FaultySmtp(SMTP):
    """Answers as ordered before the real server sees a command."""

    async def _faulty(self, command: str, ordinary: Any, arg: str) -> None:
        answer = self.event_handler.standin.fault(command)
        if answer is None:
            await ordinary(arg)
        else:
            await _answer(self, answer)

    async def smtp_EHLO(self, arg: str) -> None:
        await self._faulty("EHLO", super().smtp_EHLO, arg)

    async def smtp_STARTTLS(self, arg: str) -> None:
        await self._faulty("STARTTLS", super().smtp_STARTTLS, arg)

    async def smtp_AUTH(self, arg: str) -> None:
        await self._faulty("AUTH", super().smtp_AUTH, arg)

    async def smtp_MAIL(self, arg: str) -> None:
        await self._faulty("MAIL", super().smtp_MAIL, arg)

    async def smtp_RCPT(self, arg: str) -> None:
        await self._faulty("RCPT", super().smtp_RCPT, arg)

    async def smtp_DATA(self, arg: str) -> None:
        await self._faulty("DATA", super().smtp_DATA, arg)


class _Handler:
    def __init__(self, standin: SmtpStandin) -> None:
        self.standin = standin

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.standin.fault("END")
        if answer in {HANG, BREAK}:
            await _answer(server, answer)
            return "250 too late"
        if answer:
            return answer
        raw = envelope.original_content or b""
        message = message_from_bytes(raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        login = session.auth_data or ""
        encrypted = session.ssl is not None or self.standin._tls_at_once
        taken = Taken(
            envelope.mail_from or "", envelope.rcpt_tos, message, raw, encrypted, str(login)
        )
        self.standin.mails.append(taken)
        return "250 OK"


async def _answer(server: SMTP, answer: str) -> None:
    if answer == HANG:
        await asyncio.sleep(30)
    elif answer == BREAK:
        server.transport.abort()
    else:
        await server.push(answer)

"""A stand-in for Twilio's message interface: a real server on 127.0.0.1, with Twilio's faults.

    with TwilioStandin() as twilio:
        twilio.next_answers(faults.refuse(400, 21211), faults.drip_body())
        ... Config(twilio_base_url=twilio.base_url) ...
        assert len(twilio.texts) == 1

Also a process of its own: ``python -m tests.standins.twilio --port 4010``. Like Twilio's
test credentials it plays a refusal for some numbers (``MAGIC_NUMBERS``).
"""

import argparse
import base64
import contextlib
import json
import ssl
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.standins.certificate import Certificate

Answer = Callable[["Handler"], None]

SETTINGS = {
    "GATEPOST_SMS_GATEWAY": "twilio",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "the-auth-token",
    "TWILIO_FROM": "+12015550100",
}
"""A portal's settings for this stand-in, but for its address."""

MAGIC_NUMBERS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}


@dataclass
class Received:
    """One request as it came in."""

    method: str
    path: str
    form: dict[str, str]
    login: tuple[str, str]
    headers: dict[str, str]
    at: float = field(default_factory=time.monotonic)


class TwilioStandin:
    """The server; ``with`` starts and ends it. ``prefix`` stands before Twilio's own paths."""

    def __init__(
        self,
        port: int = 0,
        prefix: str = "",
        delay: float = 0.0,
        certificate: Certificate | None = None,
    ) -> None:
        self.prefix = prefix
        self.delay = delay
        self.requests: list[Received] = []
        self.messages: dict[str, dict[str, object]] = {}
        self.login: tuple[str, str] | None = None
        self.closing = threading.Event()
        self.most_at_once = 0
        self._at_once = 0
        self._answers: list[Answer] = []
        self._always: Answer | None = None
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), Handler)
        self._server.standin = self
        scheme, host = ("https", "localhost") if certificate else ("http", "127.0.0.1")
        self.base_url = f"{scheme}://{host}:{self._server.server_port}{prefix}"
        if certificate:
            self._server.tls = certificate.for_server()

    def __enter__(self) -> "TwilioStandin":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def texts(self) -> list[dict[str, str]]:
        """The form fields of every message that was asked for, refused ones too."""
        with self._lock:
            return [request.form for request in self.requests if request.method == "POST"]

    def next_answers(self, *answers: Answer) -> None:
        """Answer the next requests so, one each; later ones well again."""
        self._answers = list(answers)

    def always_answer(self, answer: Answer | None) -> None:
        """Answer every request so, until told otherwise."""
        self._always = answer

    def set_status(self, sid: str, status: str, error_code: int | None = None) -> None:
        """What a later question about this message will be answered."""
        self.messages[sid] |= {"status": status, "error_code": error_code}

    def take(self, request: Received) -> Answer:
        """Record a request and choose its answer."""
        with self._lock:
            self.requests.append(request)
            if self._answers:
                return self._answers.pop(0)
        return self._always or answer_well

    @contextlib.contextmanager
    def count_at_once(self) -> Iterator[None]:
        """Count how many requests are being answered side by side."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def create(self, form: dict[str, str], account: str) -> dict[str, object]:
        """Twilio's JSON for a new message."""
        service = form.get("MessagingServiceSid")
        sid = f"SM{uuid.uuid4().hex}"
        uri = f"/2010-04-01/Accounts/{account}/Messages/{sid}"
        message: dict[str, object] = {
            "account_sid": account, "api_version": "2010-04-01", "body": form["Body"],
            "date_created": formatdate(), "date_sent": None, "date_updated": formatdate(),
            "direction": "outbound-api", "error_code": None, "error_message": None,
            "from": None if service else form["From"], "messaging_service_sid": service,
            "num_media": "0", "num_segments": "0" if service else "1", "price": None,
            "price_unit": "USD", "sid": sid, "status": "accepted" if service else "queued",
            "subresource_uris": {"media": f"{uri}/Media.json"}, "to": form["To"],
            "uri": f"{uri}.json",
        }  # fmt: skip
        with self._lock:
            self.messages[sid] = message
        return message


class _Server(ThreadingHTTPServer):
    standin: TwilioStandin
    tls: ssl.SSLContext | None = None
    daemon_threads = True
    request_queue_size = 128

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread."""
        if self.tls is None:
            return super().finish_request(request, client_address)
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            return super().finish_request(wrapped, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no news."""


class Handler(BaseHTTPRequestHandler):
    """One connection; answers are functions that write to it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    received: Received

    def log_message(self, *_: object) -> None:
        pass

    def handle_one_request(self) -> None:
        with contextlib.suppress(OSError):
            super().handle_one_request()
            return
        self.close_connection = True

    def do_POST(self) -> None:
        self._take()

    def do_GET(self) -> None:
        self._take()

    def reply(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status: int, code: object, words: str = "") -> None:
        body = {
            "code": code,
            "message": words or f"The 'To' number {self.received.form.get('To')} is refused",
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }
        self.reply(status, json.dumps(body).encode())

    def _take(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # whoever sent it was ended meanwhile: no request came in
            self.close_connection = True
            return
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        path = urlsplit(self.path).path
        self.received = Received(self.command, path, form, self._login(), dict(self.headers))
        with self.server.standin.count_at_once():
            answer = self.server.standin.take(self.received)
            time.sleep(self.server.standin.delay)
            answer(self)

    def _login(self) -> tuple[str, str]:
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        if kind != "Basic":
            return "", ""
        name, _, secret = base64.b64decode(value).decode().partition(":")
        return name, secret


def answer_well(handler: Handler) -> None:
    """As Twilio does when nothing is wrong."""
    standin, received = handler.server.standin, handler.received
    if "" in received.login or standin.login not in {None, received.login}:
        return handler.refuse(401, 20003, "Authenticate")
    steps = received.path.removeprefix(standin.prefix).strip("/").split("/")
    if steps[:2] != ["2010-04-01", "Accounts"] or not received.path.startswith(standin.prefix):
        return handler.refuse(404, 20404, f"The requested resource {received.path} was not found")
    if received.method == "POST":
        return _create(handler, steps[2])
    message = standin.messages.get(steps[-1].removesuffix(".json"))
    if message is None:
        return handler.refuse(404, 20404, "The requested resource was not found")
    return handler.reply(200, json.dumps(message).encode())


def _create(handler: Handler, account: str) -> None:
    form = handler.received.form
    for name, code in (("To", 21604), ("Body", 21602)):
        if not form.get(name):
            return handler.refuse(400, code, f"A '{name}' is required.")
    if not form.get("From") and not form.get("MessagingServiceSid"):
        return handler.refuse(400, 21603, "A 'From' number is required.")
    if form["To"] in MAGIC_NUMBERS:
        return handler.refuse(400, MAGIC_NUMBERS[form["To"]])
    return handler.reply(201, json.dumps(handler.server.standin.create(form, account)).encode())


def main() -> None:
    """Run until interrupted; each request is printed as one line of JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args()
    with TwilioStandin(options.port, delay=options.delay) as standin:
        print(standin.base_url, flush=True)
        shown = 0
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(0.1)
                for request in standin.requests[shown:]:
                    print(json.dumps({"method": request.method, **request.form}), flush=True)
                    shown += 1
    sys.exit(0)


if __name__ == "__main__":
    main()

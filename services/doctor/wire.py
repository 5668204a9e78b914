"""The doctor's HTTP: one request at a time, sent exactly as written, wherever it is told to."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

SECONDS = 10
FORGED_CLIENT = "203.0.113.66"
"""An address that nobody has (RFC 5737), for the doctor's lies."""

PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
"""What a browser says when a person opens a page."""

LONGEST = 65536
"""Bytes of an answer that are read; the doctor needs none of a page."""


class Unreachable(Exception):
    """Nothing answers there; the text says why."""


@dataclass(frozen=True)
class Heard:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def text(self) -> str:
        """The body, whatever it is."""
        return self.body.decode("latin-1")

    @property
    def location(self) -> str:
        """Where it leads, or ""."""
        return self.headers.get("location", "")


@dataclass(frozen=True)
class Wire:
    """How addresses are reached: by DNS, or all at ``connect`` (``host:port``).

    ``ca`` is a file with the authorities to trust instead of the system's; where nobody's
    word is wanted, only whether something answers, ``trusting`` takes any certificate.
    """

    connect: str = ""
    ca: str = ""
    trusting: bool = False

    def get(self, url: str, headers: Mapping[str, str]) -> Heard:
        """Ask with these headers and no others but ``Host``. Raises ``Unreachable``."""
        try:
            return self._get(url, headers)
        except ssl.SSLCertVerificationError as error:
            raise Unreachable(f"its certificate is refused ({error.verify_message})") from error
        except ssl.SSLError as error:
            if (error.reason or "").endswith("UNRECOGNIZED_NAME"):
                raise Unreachable("the proxy does not know this name") from error
            raise Unreachable(str(error)) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(str(error) or type(error).__name__) from error

    def _get(self, url: str, headers: Mapping[str, str]) -> Heard:
        parts = urlsplit(url)
        connection = self._open(parts.scheme == "https", parts.hostname or "", parts.port)
        try:
            target = url.partition(f"//{parts.netloc}")[2] or "/"
            connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": parts.netloc, "Connection": "close", **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Heard(answer.status, named, answer.read(LONGEST))
        finally:
            connection.close()

    def _open(self, https: bool, host: str, port: int | None) -> http.client.HTTPConnection:
        usual = (host, port or (443 if https else 80))
        address = split_address(self.connect) if self.connect else usual
        connection = http.client.HTTPConnection(*address, timeout=SECONDS)
        connection.sock = socket.create_connection(address, SECONDS)
        if https:
            context = ssl.create_default_context(cafile=self.ca or None)
            if self.trusting:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
        return connection


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``host:port``; the host of ``[::1]:443`` is ``::1``."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def kind_by_name(heard: Heard) -> str:
    """Which proxy answered, by its own word; "" where it does not say."""
    said = f"{heard.headers.get('server', '')} {heard.headers.get('via', '')}".lower()
    return next((kind for kind in ("nginx", "caddy", "envoy") if kind in said), "")

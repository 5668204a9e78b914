"""A small browser over HTTP for portals that run as processes: cookies, CSRF, no redirects.

Sends exactly what it is told, lies included, and follows nothing by itself, so
that attacks can be written down plainly. Every browser comes from an address of
its own (``X-Forwarded-For``, for portals that trust 127.0.0.1).
"""

import itertools
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape
from http.cookies import SimpleCookie
from typing import Any, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

T = TypeVar("T")
Fields = Mapping[str, Any] | Sequence[tuple[str, Any]]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ANSWER_SECONDS = 30

_numbers = itertools.count(os.getpid() % 200 * 65536)


def new_address() -> str:
    """A network address that no browser of this process has had."""
    number = next(_numbers) % 2**24
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


@dataclass(frozen=True)
class Answer:
    """What a portal answered."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: Mapping[str, str]
    """The cookies that this answer set; "" stands for one that it took back."""
    seconds: float

    @property
    def text(self) -> str:
        """The page."""
        return self.body.decode("utf-8", "replace")

    @property
    def location(self) -> str:
        """Where it redirects to: path and query on this portal, the whole address elsewhere."""
        target = urljoin(self.url, self.headers.get("Location", ""))
        here, there = urlsplit(self.url), urlsplit(target)
        if "Location" not in self.headers or (there.scheme, there.netloc) != (here[0], here[1]):
            return self.headers.get("Location", "")
        return target[len(f"{there.scheme}://{there.netloc}") :]

    @property
    def csrf_token(self) -> str:
        """The token in the page's form."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.text)
        assert found, f"{self!r} has no form:\n{self.text[:2000]}"
        return unescape(found.group(1))

    def __repr__(self) -> str:
        return f"<{self.method} {self.url} → {self.status} {self.headers.get('Location', '')}>"


class Browser:
    """One browser: its cookies, its address, its name."""

    def __init__(self, url: str, *, address: str | None = None, agent: str = FIREFOX) -> None:
        self.url = url
        self.cookies: dict[str, str] = {}
        self.headers = {"X-Forwarded-For": address or new_address(), "User-Agent": agent}
        self._pool = self._connect()

    def twin(self, url: str = "") -> "Browser":
        """Another browser with copies of all cookies, perhaps at another portal: a thief's."""
        twin = Browser(url or self.url)
        twin.headers, twin.cookies = dict(self.headers), dict(self.cookies)
        return twin

    def get(self, path: str, **headers: str) -> Answer:
        """Open a page."""
        return self.request("GET", path, headers=headers)

    def follow(self, answer: Answer) -> Answer:
        """Go where a redirect leads, until there is a page."""
        for _ in range(10):
            if not 300 <= answer.status < 400:
                return answer
            answer = self.get(answer.location)
        raise AssertionError(f"redirected in circles: {answer!r}")

    def open(self, path: str) -> Answer:
        """Open a page as a person would: redirects followed."""
        return self.follow(self.get(path))

    def is_signed_in(self) -> bool:
        """Whether the account page opens."""
        return self.get("/account").status == 200

    def post(self, path: str, *, page: str | None = None, **fields: Any) -> Answer:
        """Open the page that has the form, then post to ``path`` as a browser would."""
        return self.send(path, {"csrf_token": self.open(page or path).csrf_token, **fields})

    def send(self, path: str, fields: Fields, **headers: str) -> Answer:
        """Post these fields and nothing else: no token is added."""
        body = urlencode(fields, doseq=True, errors="surrogatepass").encode()
        return self.request("POST", path, body, headers=headers)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/x-www-form-urlencoded",
    ) -> Answer:
        """Send one request with the browser's cookies and keep those that come back."""
        sent = {**self.headers, **(headers or {})}
        if body is not None:
            sent.setdefault("Content-Type", content_type)
        if self.cookies and "Cookie" not in sent:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        began = time.perf_counter()
        response = self._pool.urlopen(
            method, path, body, sent, redirect=False, assert_same_host=False
        )
        seconds = time.perf_counter() - began
        if response.status == 413:  # the server hangs up a moment later, on what it did not read
            self._pool.close()
            self._pool = self._connect()
        answer = Answer(
            method, self.url + path, response.status, response.headers, response.data,
            _cookies_in(response.headers.getlist("Set-Cookie")), seconds,
        )  # fmt: skip
        self._keep(answer.cookies)
        return answer

    def _connect(self) -> urllib3.HTTPConnectionPool:
        return urllib3.connection_from_url(
            self.url, maxsize=32, timeout=ANSWER_SECONDS, retries=False
        )

    def _keep(self, cookies: Mapping[str, str]) -> None:
        for name, value in cookies.items():
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)


def parallel(calls: Iterable[Callable[[], T]]) -> list[T]:
    """Make all calls at once, one thread each, let go together; results in the same order."""
    waiting = list(calls)
    start = threading.Barrier(len(waiting))

    def wait_and_call(call: Callable[[], T]) -> T:
        start.wait(30)
        return call()

    with ThreadPoolExecutor(len(waiting)) as threads:
        return list(threads.map(wait_and_call, waiting))


def _cookies_in(lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        for name, morsel in SimpleCookie(line).items():
            gone = morsel["max-age"] == "0" or "1970" in morsel["expires"]
            found[name] = "" if gone else morsel.value
    return found

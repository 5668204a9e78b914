"""A browser as far as the portal can tell: cookies, forms with their tokens, one connection."""

import http.client
import re
import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

HEADERS = {
    "User-Agent": (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/141.0.0.0 Safari/537.36"
    ),
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.9",
    "Accept-Encoding": "gzip, deflate, br",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}


class Browser:
    """Opens pages and posts forms; tells ``note`` the path's name and the seconds it took."""

    def __init__(self, url: str, note: Callable[[str, float], None]) -> None:
        address = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(address, timeout=30)
        self._note = note
        self._cookies: dict[str, str] = {}
        self.page = ""

    def get(self, path: str, leads_to: str | None = None) -> None:
        """Open a page; with ``leads_to``, a redirect that leads there."""
        location = self._request("GET", path, None)
        self._expect(location, leads_to, path)

    def post(self, path: str, leads_to: str, **fields: str) -> None:
        """Post the form of the page that is open; it must redirect to ``leads_to``."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.page)
        token = found.group(1) if found else ""
        location = self._request("POST", path, urlencode({"csrf_token": token, **fields}))
        self._expect(location, leads_to, path)

    def forget(self) -> None:
        """Clear the cookies."""
        self._cookies.clear()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _request(self, method: str, path: str, body: str | None) -> str | None:
        headers = {**HEADERS, "Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        begun = time.perf_counter()
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        self.page = answer.read().decode()
        self._note(f"{method} {path}", time.perf_counter() - begun)
        self._keep_cookies(answer)
        if answer.status not in {200, 302, 303}:
            raise AssertionError(f"{method} {path} answered {answer.status}:\n{self.page[:2000]}")
        return answer.headers["Location"]

    def _keep_cookies(self, answer: http.client.HTTPResponse) -> None:
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
            if not value:
                del self._cookies[name]

    def _expect(self, location: str | None, leads_to: str | None, path: str) -> None:
        if location != leads_to:
            raise AssertionError(
                f"{path} led to {location}, not to {leads_to}:\n{self.page[:2000]}"
            )

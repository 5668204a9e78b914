"""Looks over a browser's shoulder: what no page may do, whatever else a test is about."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

REFUSED = "Failed to load resource: the server responded with a status of "


class Watch:
    """Gathers complaints: requests to other hosts, errors and warnings on the console.

    A page's breach of its content security policy is an error on the console too.
    """

    def __init__(self, context: BrowserContext, host: str) -> None:
        self.complaints: list[str] = []
        self._host = host
        self._pages: set[str] = set()
        context.on("request", self._see_request)
        context.on("response", self._see_response)
        context.on("console", self._see_console)
        context.on("weberror", self._see_error)

    def check(self) -> None:
        """Fail with all that was seen."""
        assert not self.complaints, self.complaints

    def _see_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.netloc != self._host and url.scheme not in {"data", "blob", "about"}:
            self.complaints.append(f"a request to another host: {request.url}")

    def _see_response(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self._pages.add(response.url)

    def _see_console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        # A page with the status 422 is meant; Chromium reports it all the same.
        if message.text.startswith(REFUSED) and message.location["url"] in self._pages:
            return
        self.complaints.append(f"{message.type} on {message.location['url']}: {message.text}")

    def _see_error(self, error: WebError) -> None:
        self.complaints.append(f"an uncaught error: {error.error}")

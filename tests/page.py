"""Opens pages as a browser without a face does, and checks what every page owes.

``open_page`` and ``Page.submit`` check each page they meet; ``check`` checks any answer.
"""

import re
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.markup import Element, parse
from tests.page_owes import WITHOUT_VALUE, check_debts

REDIRECTS = 5


class Page:
    """One page as a person meets it: read it, follow its links, fill in and post its forms."""

    def __init__(self, client: FlaskClient, response: TestResponse) -> None:
        self.client = client
        self.response = response
        self.status = response.status_code
        self.path = response.request.path
        query = response.request.query_string.decode()
        self.url = self.path + (f"?{query}" if query else "")
        self.html = response.get_data(as_text=True)
        self.root = parse(self.html)
        self.h1 = self._only("h1").text
        self.title = self._only("title").text
        self.text = self._only("body").text
        self.main = self._only("main").text

    @property
    def problems(self) -> list[str]:
        """The sentences of the error summary, "There is a problem"."""
        summaries = [e for e in self.root.all() if e.get("role") == "alert"]
        return [item.text for summary in summaries for item in summary.all("li")]

    @property
    def notes(self) -> list[str]:
        """What was flashed: "The phone number was added."."""
        banners = (e for e in self.root.all("div") if "banner" in e.get("class").split())
        return [banner.text for banner in banners]

    @property
    def links(self) -> dict[str, str]:
        """Where each link leads, by its text as a screen reader says it."""
        return {a.text: a.get("href") for a in self.root.all("a")}

    @property
    def buttons(self) -> list[str]:
        """The text of each button that posts a form."""
        return [b.text for b in self.root.all("button") if b.get("type") == "submit"]

    @property
    def fields(self) -> dict[str, str]:
        """The name and value of each field that a person can see."""
        inputs = [e for e in self.root.all("input") if e.has("name") and e.get("type") != "hidden"]
        areas = {e.get("name"): e.text for e in self.root.all("textarea")}
        return {e.get("name"): e.get("value") for e in inputs} | areas

    def form_of(self, button: str) -> Element:
        """The form that a button posts; the button is found by the beginning of its text."""
        found = [
            form
            for form in self.root.all("form")
            for b in form.all("button")
            if b.get("type") == "submit" and b.text.startswith(button)
        ]
        assert found, f"no button {button!r} on {self.url}, only {self.buttons}"
        return found[0]

    def submit(self, button: str, *, follow: bool = True, **fields: str | None) -> "Page":
        """Press a button with fields filled in (None: left out); checks the page it leads to."""
        response = self.post(button, **fields)
        if response.status_code >= 400 or not follow:
            return check(self.client, response)
        return _follow(self.client, response)

    def post(self, button: str, **fields: str | None) -> TestResponse:
        """Press a button; returns the answer itself, a redirect as a rule."""
        form = self.form_of(button)
        data = filled_in(form)
        for name, value in fields.items():
            assert name in _names(form), f"no field {name!r} in {button!r}, only {_names(form)}"
            data.poplist(name)
            if value is not None:
                data[name] = value
        elsewhere = [b.get("formaction") for b in form.all("button") if b.text.startswith(button)]
        return self.client.post(elsewhere[0] or form.get("action") or self.url, data=data)

    def follow(self, link: str) -> "Page":
        """Open the page behind a link, found by the beginning of its text."""
        found = [href for text, href in self.links.items() if text.startswith(link)]
        assert found, f"no link {link!r} on {self.url}, only {list(self.links)}"
        return open_page(self.client, found[0])

    def _only(self, tag: str) -> Element:
        found = list(self.root.all(tag))
        assert len(found) == 1, f"{self.url} has {len(found)} <{tag}>"
        return found[0]


def open_page(client: FlaskClient, path: str, status: int = 200) -> Page:
    """Open a page, following redirects, and check what it owes."""
    page = _follow(client, client.get(path))
    assert page.status == status, f"{page.url} answered {page.status}: {page.main}"
    return page


def check(client: FlaskClient, response: TestResponse) -> Page:
    """An answer as a page, once it has been found to owe nothing."""
    page = Page(client, response)
    check_debts(page.root, response, h1=page.h1, title=page.title, url=page.url)
    return page


def filled_in(form: Element) -> "MultiDict[str, str]":
    """What a browser would send if its person changed nothing."""
    data: MultiDict[str, str] = MultiDict()
    for field in form.all("input"):
        unticked = field.get("type") in {"checkbox", "radio"} and not field.has("checked")
        if field.has("name") and not unticked:
            data.add(field.get("name"), field.get("value"))
    for area in form.all("textarea"):
        data.add(area.get("name"), area.text)
    return data


def _names(form: Element) -> set[str]:
    fields = form.all("input", "textarea")
    return {e.get("name") for e in fields if e.get("type") not in WITHOUT_VALUE}


def _follow(client: FlaskClient, response: TestResponse) -> Page:
    for _ in range(REDIRECTS):
        if response.status_code not in {301, 302, 303, 307, 308}:
            return check(client, response)
        location = urlsplit(response.location)
        assert not location.netloc, f"leads off the portal: {response.location}"
        response = client.get(re.sub(r"#.*", "", response.location))
    raise AssertionError(f"more than {REDIRECTS} redirects, the last to {response.location}")

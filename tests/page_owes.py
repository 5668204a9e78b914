"""What every page owes its reader and its security, as checks on its tree and its headers."""

import re
from collections import Counter
from itertools import pairwise
from urllib.parse import urlsplit

from werkzeug.test import TestResponse

from tests.markup import Element

WITHOUT_VALUE = frozenset({"submit", "button", "image", "reset"})
UNSEEN = frozenset({"hidden", *WITHOUT_VALUE})
ERROR = "Error: "


def check_debts(root: Element, response: TestResponse, *, h1: str, title: str, url: str) -> None:
    """Fail with the first thing that a page owes and does not give."""
    _check_headings(root, h1, title, url)
    _check_ids(root, url)
    _check_labels(root, url)
    _check_errors(root, title, url)
    _check_forms(root, url)
    _check_way_back(root, url)
    _check_nothing_inline(root, url)
    check_headers(response)


def check_headers(response: TestResponse) -> None:
    """The headers that every answer carries."""
    headers, url = response.headers, response.request.path
    policy = headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy, (url, policy)
    assert "script-src 'self';" in policy, (url, policy)
    for word in ("unsafe-inline", "unsafe-eval", "*"):
        assert word not in policy, (url, policy)
    assert headers["X-Content-Type-Options"] == "nosniff", url
    assert headers["Referrer-Policy"] in {"no-referrer", "same-origin"}, url
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", url
    assert "otp-credentials=(self)" in headers["Permissions-Policy"], url
    assert headers["Cache-Control"] == "no-store", (url, headers["Cache-Control"])
    for told in ("Server", "X-Powered-By"):
        assert not re.search(r"\d", headers.get(told, "")), (url, headers[told])


def _check_headings(root: Element, h1: str, title: str, url: str) -> None:
    assert h1, f"{url}: the h1 is empty"
    assert title.removeprefix(ERROR).startswith(h1), f"{url}: title {title!r}, h1 {h1!r}"
    levels = [int(e.tag[1]) for e in root.all("h1", "h2", "h3", "h4", "h5", "h6")]
    for above, below in pairwise(levels):
        assert below <= above + 1, f"{url}: a heading skips a level: {levels}"
    assert [e for e in root.all("html") if e.get("lang")], f"{url}: the page names no language"


def _check_ids(root: Element, url: str) -> None:
    ids = [e.get("id") for e in root.all() if e.has("id")]
    twice = [id_ for id_, times in Counter(ids).items() if times > 1]
    assert not twice, f"{url}: ids that stand twice: {twice}"
    for element in root.all():
        for name in ("for", "aria-describedby", "aria-labelledby", "aria-controls"):
            for id_ in element.get(name).split():
                assert id_ in ids, f"{url}: {name}={id_!r} leads nowhere"
    for link in root.all("a"):
        if link.get("href").startswith("#"):
            assert link.get("href")[1:] in ids, f"{url}: {link.get('href')} leads nowhere"


def _check_labels(root: Element, url: str) -> None:
    labelled = {label.get("for") for label in root.all("label") if label.text}
    for field in root.all("input", "select", "textarea"):
        if field.get("type") in UNSEEN:
            continue
        named = field.get("id") in labelled or field.within("label") or field.get("aria-label")
        assert named, f"{url}: a field without a label: {field}"
        if field.get("type") == "radio":
            assert field.within("fieldset"), f"{url}: a radio button outside a fieldset"
        if field.get("type") == "password":
            assert not field.get("value"), f"{url}: a password is sent back"
    for button in root.all("button"):
        assert button.text or button.get("aria-label"), f"{url}: a button without words"
        assert button.get("type") in {"submit", "button"}, f"{url}: {button.text!r} has no type"
    for image in root.all("img"):
        assert image.has("alt"), f"{url}: an image without alt"


def _check_errors(root: Element, title: str, url: str) -> None:
    """Errors stand in the title, in a summary above the h1, and in the same words at the field."""
    fields = root.all("input", "textarea")
    wrong = {e.get("id"): e for e in fields if e.get("aria-invalid") == "true"}
    summaries = [e for e in root.all() if e.get("role") == "alert"]
    assert title.startswith(ERROR) == bool(summaries), f"{url}: {title!r}, but {len(summaries)}"
    assert summaries or not wrong, f"{url}: a wrong field, and no summary"
    for summary in summaries:
        order = list(root.all())
        h1 = next(root.all("h1"))
        assert order.index(summary) < order.index(h1), f"{url}: the summary is below the h1"
        assert list(summary.all("li")), f"{url}: the summary lists nothing"
    notes = {e.get("id"): e.text for e in root.all() if e.has("id")}
    for link in (a for summary in summaries for a in summary.all("a")):
        id_ = link.get("href").removeprefix("#")
        at_field = notes.get(f"{re.sub(r'-[0-9]+$', '', id_)}-error", "")
        assert link.text in at_field, f"{url}: {link.text!r} above, {at_field!r} at the field"


def _check_forms(root: Element, url: str) -> None:
    for form in root.all("form"):
        method = form.get("method").lower()
        assert method in {"get", "post"}, f"{url}: a form without a method"
        tokens = [e for e in form.all("input") if e.get("name") == "csrf_token"]
        if method == "post":
            assert len(tokens) == 1, f"{url}: a form with {len(tokens)} tokens"
            assert tokens[0].get("value"), f"{url}: an empty token"
            assert form.has("novalidate"), f"{url}: a form that the browser checks"
        else:
            assert not tokens, f"{url}: a token that ends up in an address"
        assert not urlsplit(form.get("action")).netloc, f"{url}: posts to another site"
        assert any(b.get("type") == "submit" for b in form.all("button")), f"{url}: no button"


def _check_way_back(root: Element, url: str) -> None:
    """A link to another page of the portal, the name at the top and the outbox aside."""
    for link in root.all("a"):
        href = urlsplit(link.get("href"))
        aside = "brand" in link.get("class").split() or href.path.startswith("/dev/")
        if href.path and not href.netloc and not aside and href.path != urlsplit(url).path:
            return
    raise AssertionError(f"{url}: no way back")


def _check_nothing_inline(root: Element, url: str) -> None:
    for element in root.all():
        events = [name for name in element.attributes if name.startswith("on")]
        assert not events, f"{url}: <{element.tag}> with {events}"
        assert not element.has("style"), f"{url}: <{element.tag}> with inline style"
        assert element.tag not in {"style", "iframe", "object", "base"}, f"{url}: <{element.tag}>"
        for name in ("href", "src", "action"):
            target = element.get(name).strip().lower()
            assert not target.startswith(("javascript:", "data:")), f"{url}: {target}"
            if element.tag in {"script", "link", "img"}:
                assert not urlsplit(target).netloc, f"{url}: loads {target} from elsewhere"
    for script in root.all("script"):
        assert script.get("src"), f"{url}: an inline script"

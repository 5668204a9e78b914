"""Odd input for every field of a form, and what an answer to it must not be."""

import re
from collections.abc import Iterator

from tests.client import Answer, Browser

VALUES = {
    "empty": "",
    "blank": "  ",
    "huge": "x" * 60000,
    "null byte": "a\x00b",
    "line ends": "a\r\nBcc: eve@example.org",
    "other digits": "١٢٣٤٥٦",
    "right to left": "\u202eabc\u202c",
    "emoji": "🦊" * 50,
    "combining": "e" + "\u0301" * 200,
    "lone surrogate": "\ud800",
    "markup": '"><script>alert(1)</script>{{7*7}}',
    "sql": "' OR '1'='1' --",
    "number": "9" * 40,
    "minus": "-1",
    "template": "%s%n%d{0}",
}
FINE = {200, 303, 400, 404, 405, 413, 422, 429}


def fields_of(page: Answer) -> list[str]:
    """The names of the form's fields, the token aside."""
    forms = re.findall(r"<form.*?</form>", page.text, re.DOTALL)
    names = re.findall(r'<(?:input|textarea|select)[^>]*name="([^"]+)"', "".join(forms))
    return sorted(set(names) - {"csrf_token"})


def attack(browser: Browser, path: str, page_path: str = "") -> Iterator[tuple[str, Answer]]:
    """Post each odd value in each field of the form, the other fields being harmless.

    ``page_path`` is where the form stands, where it posts to another address.
    """
    page = browser.get(page_path or path)
    assert page.status == 200, page
    names = fields_of(page)
    assert names, page
    for name in names:
        for kind, value in VALUES.items():
            harmless = dict.fromkeys(names, "harmless")
            fields = {**harmless, name: value, "csrf_token": page.csrf_token}
            yield f"{name} {kind}", browser.send(path, fields)
        doubled = [("csrf_token", page.csrf_token), (name, "a"), (name, "b"), (f"{name}[]", "c")]
        yield f"{name} doubled", browser.send(path, doubled)
        yield f"{name} as a file", send_file(browser, path, name, page.csrf_token)


def send_file(browser: Browser, path: str, name: str, token: str) -> Answer:
    """Post a field as an uploaded file."""
    part = 'Content-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    parts = [
        part.format("csrf_token", "", token),
        part.format(name, '; filename="a.txt"\r\nContent-Type: text/plain', "code"),
    ]
    body = "".join(f"--edge\r\n{text}" for text in parts) + "--edge--\r\n"
    kind = "multipart/form-data; boundary=edge"
    return browser.request("POST", path, body.encode(), content_type=kind)


def check(path: str, results: Iterator[tuple[str, Answer]]) -> None:
    """None of the answers is a failure, or shows what was typed as anything but text."""
    for what, answer in results:
        assert answer.status in FINE, f"{path}: {what}: {answer.status}"
        assert "<script>alert" not in answer.text, f"{path}: {what}"
        assert "{49}" not in answer.text

"""Addresses in apps: read once, strictly; what two readers could read differently is refused."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.gate import targets
from services.gate.targets import Flaw, TargetRefused

ORIGIN = "https://wiki.example.org"


def flaw_of(url: str, method: str = "GET") -> Flaw | None:
    try:
        targets.parse(url, method, allow_http=False)
    except TargetRefused as refused:
        return refused.reason
    return None


@pytest.mark.parametrize(
    ("url", "flaw"),
    [
        ("", Flaw.CHARACTERS),
        ("/page", Flaw.NOT_AN_ADDRESS),
        ("//evil.example.net", Flaw.NOT_AN_ADDRESS),
        ("/\\evil.example.net", Flaw.NOT_AN_ADDRESS),
        ("https:evil.example.net", Flaw.NOT_AN_ADDRESS),
        ("https:/evil.example.net", Flaw.NOT_AN_ADDRESS),
        ("https:///evil.example.net", Flaw.HOST),
        ("javascript://wiki.example.org/%0aalert(1)", Flaw.NOT_AN_ADDRESS),
        ("javascript:alert(1)", Flaw.NOT_AN_ADDRESS),
        ("http://wiki.example.org/", Flaw.PLAIN_HTTP),
        ("ws://wiki.example.org/", Flaw.PLAIN_HTTP),
        ("https://login.example.org@evil.example.net/", Flaw.USER),
        ("https://ann:word@wiki.example.org/", Flaw.USER),
        ("https://evil.example.net#.example.org", Flaw.FRAGMENT),
        ("https://wiki.example.org/#", Flaw.FRAGMENT),
        ("https://wiki.example.org\\@evil.example.net/", Flaw.PATH),
        ("https://wiki.example.org/\\evil", Flaw.PATH),
        ("https://wiki.example.org./", Flaw.HOST),
        ("https://wiki..example.org/", Flaw.HOST),
        ("https://.example.org/", Flaw.HOST),
        ("https://[::1]/", Flaw.HOST),
        ("https://wiki.example.org,evil.example.net/", Flaw.HOST),
        ("https://wiki.example.org%2fevil.example.net/", Flaw.HOST),
        ("https://wiki.example.org:/", Flaw.PORT),
        ("https://wiki.example.org:0/", Flaw.PORT),
        ("https://wiki.example.org:65536/", Flaw.PORT),
        ("https://wiki.example.org:80:80/", Flaw.PORT),
        ("https://wіki.example.org/", Flaw.CHARACTERS),  # a Cyrillic і
        ("htt\tps://wiki.example.org/", Flaw.CHARACTERS),
        ("https://wiki.example.org/\n", Flaw.CHARACTERS),
        ("https://wiki.example.org/a b", Flaw.CHARACTERS),
        ("https://wiki.example.org/" + "a" * 8000, Flaw.TOO_LONG),
    ],
)
def test_what_is_refused(url: str, flaw: Flaw) -> None:
    assert flaw_of(url) is flaw


@pytest.mark.parametrize("method", ["", "get", "GET POST", "GET\n", "M-X", "A" * 21])
def test_methods_are_capital_letters(method: str) -> None:
    assert flaw_of(ORIGIN, method) is Flaw.METHOD


@pytest.mark.parametrize(
    ("url", "origin", "raw_path", "path", "query"),
    [
        ("https://Wiki.Example.ORG", ORIGIN, "/", "/", ""),
        ("https://wiki.example.org:443/a?b=c?d", ORIGIN, "/a", "/a", "b=c?d"),
        ("wss://wiki.example.org/live", ORIGIN, "/live", "/live", ""),
        ("https://wiki.example.org:8443/", f"{ORIGIN}:8443", "/", "/", ""),
        ("https://wiki.example.org?x=1", ORIGIN, "/", "/", "x=1"),
        ("https://wiki.example.org/a%20b/..%2fc", ORIGIN, "/a%20b/..%2fc", "/a b/../c", ""),
        ("https://wiki.example.org//a", ORIGIN, "//a", "//a", ""),
        ("https://wiki.example.org/%zz%ff", ORIGIN, "/%zz%ff", "/%zz\ufffd", ""),
    ],
)
def test_what_is_read(url: str, origin: str, raw_path: str, path: str, query: str) -> None:
    target = targets.parse(url, "POST", allow_http=False)

    assert (target.origin, target.raw_path, target.path, target.query) == (
        origin, raw_path, path, query,
    )  # fmt: skip
    assert target.method == "POST"


def test_plain_http_is_for_development() -> None:
    target = targets.parse("http://wiki.localhost:8000/a", allow_http=True)

    assert (target.origin, target.port) == ("http://wiki.localhost:8000", 8000)
    assert targets.parse("http://wiki.localhost:80/", allow_http=True).origin == (
        "http://wiki.localhost"
    )


@pytest.mark.parametrize(
    "path",
    ["/a%2fb", "/..%2fa", "/%2e/a", "//a", "/a//b", "/a;b", "/./a", "/a/..", "/a/../b", "/a,/b"],
)
def test_paths_that_two_readers_read_differently_are_not_plain(path: str) -> None:
    assert not targets.parse(ORIGIN + path, allow_http=False).has_plain_path


@pytest.mark.parametrize("path", ["/", "/a/b.c", "/.well-known/x", "/a..b/c", "/a,b"])
def test_plain_paths(path: str) -> None:
    assert targets.parse(ORIGIN + path, allow_http=False).has_plain_path


@given(
    st.from_regex(
        r"(?:https?|wss|javascript|//)?:?/{0,3}[a-z.@:\\#?%0-9\x00-\x20\x7f/é-]{0,60}",
        fullmatch=True,
    )
    | st.text(max_size=80)
)
@example("https://wiki.example.org\\.evil.example.net")
def test_no_address_that_is_read_leads_to_another_host(url: str) -> None:
    try:
        target = targets.parse(url, allow_http=False)
    except TargetRefused:
        return
    assert target.url.startswith(target.origin)
    rest = target.url[len(target.origin) :]
    assert rest[0] == "/"
    assert "\\" not in rest
    assert target.url.isascii()
    assert target.url.isprintable()
    assert targets.parse(target.url, allow_http=False).origin == target.origin


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        (" Wiki.example.org/ ", ORIGIN),
        ("https://wiki.example.org:443", ORIGIN),
        ("https://bücher.example.org", "https://xn--bcher-kva.example.org"),
        ("wiki.example.org:8443", f"{ORIGIN}:8443"),
    ],
)
def test_addresses_that_administrators_type(typed: str, origin: str) -> None:
    assert targets.parse_origin(typed, allow_http=False) == origin


@pytest.mark.parametrize(
    "typed", ["", "https://", "wiki.example.org/page", "wiki.example.org?x", "http://a.b", "a b"]
)
def test_what_is_no_origin(typed: str) -> None:
    with pytest.raises(TargetRefused):
        targets.parse_origin(typed, allow_http=False)

"""Where a person may be sent after a step: to a path of this portal, and nowhere else."""

import pytest

from blueprints.next_url import LONGEST, is_safe


@pytest.mark.parametrize(
    "target", ["/", "/account", "/account?before=7", "/a//b", "/%2F", "/a?next=//b", "/ä", "/a#b"]
)
def test_a_path_of_this_portal_is_safe(target: str) -> None:
    assert is_safe(target)


@pytest.mark.parametrize(
    "target",
    [
        "", "account", "//example.net", "///example.net", "/\\example.net", "\\/example.net",
        "\\\\example.net", "http://example.net", "HTTPS://example.net", "javascript:alert(1)",
        "data:text/html,x", "mailto:a@example.org", " /account", "/\taccount", "/\nexample.net",
        "/\r\nSet-Cookie: a=b", "/a\0b", "/a\x7fb", "/a\x85b", "/a b", "/a\\b", "?next=/", "#a",
        "/" + "a" * LONGEST,
    ],
)  # fmt: skip
def test_anything_else_is_not(target: str) -> None:
    assert not is_safe(target)


def test_the_longest_that_is_safe_fits_an_address() -> None:
    assert is_safe("/" + "a" * (LONGEST - 1))
    assert not is_safe("/" + "\u4e2d" * (LONGEST // 2))

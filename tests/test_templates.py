"""What every template keeps to: words wrapped for translation, nothing unescaped, and small."""

import re
from collections.abc import Callable, Sequence
from html.parser import HTMLParser

import pytest
from flask import Flask
from jinja2 import Environment

from config import ROOT

FOLDER = ROOT / "templates"
PAGES = sorted(path for path in FOLDER.rglob("*.html") if path.name)
READ_ALOUD = ("aria-label", "title", "alt", "placeholder")
NOT_WORDS = {"UTC"}
CLASS_OF_BODY = re.compile(r"{% block layout %}\w+{% endblock %}")
UNESCAPED = re.compile(r"\|\s*safe\b|autoescape\s+false|Markup\(")


class _Words(HTMLParser):
    """Collects the words of a template that stand outside of every ``{{ … }}``."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found += re.findall(r"[^\W\d_]{2,}", data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in READ_ALOUD and value:
                self.found += re.findall(r"[^\W\d_]{2,}", value)


def find_bare_words(template: str) -> list[str]:
    """The words that a template shows without ``_()``."""
    template = CLASS_OF_BODY.sub("", template)
    tokens = Environment(autoescape=True).lex(template)
    words = _Words()
    words.feed("".join(text if kind == "data" else " " for _, kind, text in tokens))
    return [word for word in words.found if word not in NOT_WORDS]


def breaches(find: Callable[[str], Sequence[object]]) -> dict[str, object]:
    """What was found in each template where anything was."""
    found = {p.relative_to(FOLDER).as_posix(): find(p.read_text()) for p in PAGES}
    return {path: what for path, what in found.items() if what}


def test_every_word_on_a_page_can_be_translated() -> None:
    assert breaches(find_bare_words) == {}


def test_no_page_leaves_its_values_unescaped() -> None:
    assert breaches(UNESCAPED.findall) == {}


def test_a_template_stays_small() -> None:
    assert breaches(lambda text: text.splitlines()[79:]) == {}


@pytest.mark.parametrize(
    "template",
    ["<p>Hello</p>", '<img alt="Our logo">', "{{ _('Hi') }} there", '<a title="Go">x</a>'],
)
def test_a_bare_word_is_found(template: str) -> None:
    assert find_bare_words(template)


def test_a_wrapped_word_is_no_breach() -> None:
    assert not find_bare_words('<p class="lead">{{ _("Hello") }} – {# a remark #} 12 UTC</p>')


def test_pages_escape_and_messages_do_not(app: Flask) -> None:
    assert app.jinja_env.autoescape("account/overview.html")  # type: ignore[operator]
    assert not app.jinja_env.autoescape("messages/sms/test.txt")  # type: ignore[operator]


def test_templates_share_one_set_of_globals_unless_they_bring_their_own(app: Flask) -> None:
    shared = app.jinja_env.globals
    assert app.jinja_env.get_template("components/brand.html").globals is shared

    own = app.jinja_env.from_string("{{ mine }}", globals={"mine": "own"})
    assert own.render() == "own"
    assert "mine" not in shared

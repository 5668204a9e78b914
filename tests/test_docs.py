"""The documentation speaks of what is there: links, files, settings, commands, addresses."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask

import config_docs
from blueprints.gate import proxy_requests
from config import names
from tests.portal import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FOLDERS = "blueprints|services|templates|static|tests|deploy|docs|migrations|bench"
OF_THE_TESTS = {"GATEPOST_TEST_DATABASE_URL", "GATEPOST_TEST_POSTGRES"}
ROUTE_PARAMETER = re.compile(r"<[^>]+>")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors_of(page: Path) -> set[str]:
    """The anchors that a page's headings get."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links_of(page: Path) -> Iterator[tuple[Path, str]]:
    """Every file that a page links to or shows, with the anchor in it."""
    text = page.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text):
        link = "".join(target)
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            yield (page.parent / path if path else page), anchor


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in links_of(page):
        assert target.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors_of(target), f"{target.name} has no #{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_it_names_is_there(page: Path) -> None:
    for path in re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", page.read_text()):
        assert (ROOT / path).exists(), f"{path} is not there"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_setting_it_names_is_one(page: Path) -> None:
    known = set(names()) | {f"{name}_FILE" for name in names()} | OF_THE_TESTS
    named = set(re.findall(r"\b(?:GATEPOST|TWILIO)_[A-Z0-9_]+\b", page.read_text()))
    assert named <= known


def test_every_command_of_the_operators_page_is_one(app: Flask) -> None:
    text = (ROOT / "docs/operations.md").read_text()
    said = re.findall(
        r"(?:gatepost|flask)"
        r" ((?:user|sms|mail|settings|db|app|group) [a-z-]+|deliver|sweep|doctor)\b",
        text,
    )
    assert said
    for words in said:
        command: click.Command | None = app.cli
        for word in words.split():
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word)
        assert command, f"{words} is no command"


def test_every_address_it_names_is_one(app: Flask) -> None:
    rules = {ROUTE_PARAMETER.sub("*", rule.rule) for rule in app.url_map.iter_rules()}
    rules |= {proxy_requests.PREFIX + family for family in proxy_requests.FAMILIES}
    for page in PAGES:
        for said in re.findall(r"`(?:GET |POST )?(/[a-z][a-z0-9/.-]*)`", page.read_text()):
            if not said.startswith(("/etc/", "/opt/", "/var/", "/run/", "/usr/")):
                assert said in rules, f"{page.name} names {said}"


def test_the_page_of_settings_is_current() -> None:
    assert (ROOT / "docs/configuration.md").read_text() == config_docs.render(), "make docs"

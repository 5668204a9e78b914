"""What messages say."""

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from services import message_texts
from services.message_texts import Rendered

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "messages"
KINDS = {
    channel: sorted(p.stem for p in (TEMPLATES / channel).glob("[a-z]*.txt"))
    for channel in ("sms", "mail")
}
LINK = "https://login.example.org/confirm-email/abc"
VALUES: dict[str, str | int] = {
    "code": "123456", "minutes": 10, "life": "24 hours", "days": 7, "link": LINK,
    "sign_in_link": LINK, "reset_link": LINK, "when": "2026-11-24 05:00 UTC", "ending": "34",
    "new_ending": "56", "new_masked": "b••@example.org", "what": "Texts do not work.",
    "earlier": "ann@example.org", "new": "b••@example.org",
    "app": "Wiki", "who": "Ann", "email": "ann@example.org", "reason": "For work.", "until": "",
    "browser": "Firefox on Linux", "network": "192.0.2.7",
}  # fmt: skip
PUBLIC = {"GATEPOST_BASE_URL": "https://login.example.org"}

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_DOUBLE = frozenset("^{}\\[~]|€\f")

pytestmark = pytest.mark.usefixtures("context")


def render(channel: str, kind: str, **changes: str | int) -> Rendered:
    return message_texts.render(channel, kind, {**VALUES, **changes})


def parts_of(text: str) -> int:
    """How many texts a text is billed as: in GSM-7 where every character allows, else in UCS-2."""
    if all(char in GSM_BASIC or char in GSM_DOUBLE for char in text):
        length = len(text) + sum(char in GSM_DOUBLE for char in text)
        return 1 if length <= 160 else -(-length // 153)
    length = len(text.encode("utf-16-be")) // 2
    return 1 if length <= 70 else -(-length // 67)


@pytest.mark.settings(**PUBLIC)
def test_a_code_text_is_exactly_this() -> None:
    assert render("sms", "sign_in_code").text == (
        "123456 is your Gatepost sign-in code. It works for 10 minutes. Never share it.\n\n"
        "@login.example.org #123456"
    )


@pytest.mark.parametrize(
    "base_url", ["http://login.example.org", "https://192.0.2.7", "https://[2001:db8::1]"]
)
@pytest.mark.parametrize("kind", ["sign_in_code", "identity_code", "phone_code"])
def test_the_host_line_is_left_out_without_https_or_a_name(
    app: Flask, base_url: str, kind: str
) -> None:
    app.extensions["gatepost"] = replace(app.extensions["gatepost"], base_url=base_url)
    assert "@" not in render("sms", kind).text


def test_one_minute_is_said_so() -> None:
    assert "It works for 1 minute. Never" in render("sms", "sign_in_code", minutes=1).text


@pytest.mark.settings(**PUBLIC)
@pytest.mark.parametrize("kind", KINDS["sms"])
def test_every_text_is_one_part_without_links(kind: str) -> None:
    text = render("sms", kind).text
    assert parts_of(text) == 1
    assert "http" not in text
    assert text == text.strip()


@pytest.mark.parametrize("kind", KINDS["mail"])
def test_every_mail_has_a_subject_and_names_the_portal(kind: str) -> None:
    mail = render("mail", kind)
    assert "Gatepost" in mail.subject
    assert "\n" not in mail.subject
    assert "Subject:" not in mail.text
    assert "Gatepost" in mail.text
    assert "\n\n\n" not in mail.text
    assert mail.text.endswith("\n")


NOTICES = sorted(
    {k for k in KINDS["mail"] if '{{ _("Time:' in (TEMPLATES / "mail" / f"{k}.txt").read_text()}
)


@pytest.mark.settings(**PUBLIC, GATEPOST_SUPPORT_CONTACT="help@example.org")
@pytest.mark.parametrize("kind", NOTICES)
def test_every_notice_says_when_and_what_to_do_about_it(kind: str) -> None:
    text = render("mail", kind).text
    assert "Time: 2026-11-24 05:00 UTC" in text
    assert "help@example.org" in text
    useless = {"email_changed", "account_closed", "account_disabled"}  # a reset leads nowhere
    assert ("https://login.example.org/reset-password" in text) == (kind not in useless)


@pytest.mark.parametrize(
    "kind",
    [
        "account_disabled", "account_enabled", "administrator_ended", "administrator_made",
        "two_factor_reset",
    ],
)  # fmt: skip
def test_a_notice_of_what_an_administrator_did_says_so_and_asks_nobody_whether_it_was_them(
    kind: str,
) -> None:
    text = render("mail", kind).text
    assert "dministrator" in text.splitlines()[0]
    assert "If this was you" not in text
    assert "ask the people" in text or "tell the people" in text


def test_there_are_notices() -> None:
    assert len(NOTICES) >= 13


@pytest.mark.parametrize(
    "kind",
    sorted(
        set(KINDS["mail"]) & {"confirm_email", "reset_password", "invitation", "confirm_new_email"}
    ),
)
def test_a_link_stands_on_a_line_of_its_own(kind: str) -> None:
    assert LINK in render("mail", kind).text.splitlines()


def test_a_network_address_that_nobody_knows_is_not_told_of() -> None:
    assert "Network address: 2001:db8::" in render("mail", "new_browser", network="2001:db8::").text
    lines = render("mail", "new_browser", browser="Firefox", network="").text.splitlines()
    assert lines[lines.index("Browser: Firefox") + 1].startswith("Time: ")


def test_values_are_text_and_never_templates() -> None:
    assert "{{ 7 * 7 }}" in render("mail", "phone_added", ending="{{ 7 * 7 }}").text
    assert "<b>" in render("mail", "phone_added", ending="<b>").text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1),
        ("€" * 81, 2), ("ş" * 70, 1), ("ş" * 71, 2), ("😀" * 35, 1), ("😀" * 36, 2), ("", 1),
    ],
)  # fmt: skip
def test_parts_are_counted_as_they_are_billed(text: str, parts: int) -> None:
    assert parts_of(text) == parts

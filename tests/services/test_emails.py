"""Addresses: which are taken, how they are stored, and which two are the same."""

import pytest

from services.emails import canonicalize, lower, parse
from services.errors import EmailInvalid


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ann@example.org", "ann@example.org"),
        ("  ann@example.org\t", "ann@example.org"),
        ("Ann.Archer@EXAMPLE.Org", "Ann.Archer@example.org"),
        ("ann+tag@example.org", "ann+tag@example.org"),
        ("u\u0308mit@example.org", "\u00fcmit@example.org"),
        ("ann@m\u00fcller.example.org", "ann@m\u00fcller.example.org"),
        ("ann@xn--mller-kva.example.org", "ann@m\u00fcller.example.org"),
        ("ann@mail.Team.TEST", "ann@mail.team.test"),
        ("Ann@team.local", "Ann@team.local"),
        ("ann@home.arpa", "ann@home.arpa"),
        ("ann@xn--mller-kva.home.arpa", "ann@m\u00fcller.home.arpa"),
    ],
)
def test_an_address_is_stored_as_mail_can_be_sent_to_it(typed: str, stored: str) -> None:
    assert parse(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "ann", "@example.org", "ann@", "ann@@example.org", "ann@example", "ann@localhost",
        "ann@local", "ann@.local", "ann@-.test", "ann@test", "ann@mail.invalid", "ann@mail.onion",
        "ann@mail.localhost", "ann@192.in-addr.arpa", "ann@a..home.arpa", "@team.test",
        "ann@example.org, bob@example.org", "ann@example.org;bob@example.org",
        "Ann <ann@example.org>", "<ann@example.org>", '"ann smith"@example.org',
        "ann@example.org\nBcc: bob@example.org", "ann\r\n@example.org", "an\x00n@example.org",
        "ann@exam ple.org", "ann@[192.0.2.1]", "ann@-example.org", "ann..archer@example.org",
        ".ann@example.org", "ann@example..org", "a" * 250 + "@example.org",
        "ann@" + "a." * 130 + "org", "ann(comment)@example.org", "ann\u202e@example.org",
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_refused(typed: str) -> None:
    with pytest.raises(EmailInvalid):
        parse(typed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@example.org", "ANN@Example.ORG"),
        ("ann@example.org", " ann@example.org "),
        ("stra\u00dfe@example.org", "STRASSE@example.org"),
        ("\u00fcmit@example.org", "u\u0308mit@example.org"),
        ("\u00fcmit@example.org", "\u00dcMIT@example.org"),
        ("ann@m\u00fcller.example.org", "ann@xn--mller-kva.example.org"),
        ("ann@m\u00fcller.example.org", "ann@M\u00dcLLER.example.org"),
    ],
)
def test_two_ways_to_write_one_address_are_the_same(one: str, other: str) -> None:
    assert canonicalize(one) == canonicalize(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@example.org", "ann@example.net"),
        ("ann@example.org", "ann@login.example.org"),
        ("ann@example.org", "ann+tag@example.org"),
        ("ann@fa\u00df.example.org", "ann@fass.example.org"),
        (
            "ann@\u03b2\u03cc\u03bb\u03bf\u03c2.example.org",
            "ann@\u03b2\u03cc\u03bb\u03bf\u03c3.example.org",
        ),
        ("ann@example.org", "a.nn@example.org"),
        ("mike@example.org", "m\u0131ke@example.org"),
        ("ann@example.org", "\u0430nn@example.org"),
    ],
)
def test_two_mailboxes_are_never_the_same(one: str, other: str) -> None:
    assert canonicalize(one) != canonicalize(other)


@pytest.mark.parametrize(
    ("email", "written"),
    [
        ("Ann@Example.ORG", "ann@example.org"),
        ("Stra\u00dfe@m\u00fcller.example.org", "stra\u00dfe@xn--mller-kva.example.org"),
        ("\ufb01ona@example.org", "\ufb01ona@example.org"),
        ("U\u0308mit@example.org", "\u00fcmit@example.org"),
    ],
)
def test_in_lower_case_an_address_is_still_the_same_mailbox(email: str, written: str) -> None:
    assert lower(email) == written


@pytest.mark.parametrize("email", ["ann@example.org", "STRASSE@M\u00fcller.Example.org"])
def test_the_compared_form_compares_to_itself(email: str) -> None:
    assert canonicalize(canonicalize(email)) == canonicalize(email)

"""Which passwords may be chosen: their length in characters, and what is easy to guess."""

import contextlib
import time

import pytest
import zxcvbn
from flask import Flask
from zxcvbn import matching

from services import password_rules
from services.errors import PasswordUnsuitable, SeveralRefusals
from tests.threads import run_together

pytestmark = pytest.mark.usefixtures("context")

FIFTEEN = "wombat kite 7ü!"
EIGHT = "7kü!wQ9z"


def refused(password: str, *personal_words: str) -> str:
    """The reason."""
    with pytest.raises(PasswordUnsuitable) as caught:
        password_rules.check(password, *personal_words)
    assert caught.value.field == "password"
    return str(caught.value)


def test_fifteen_characters_are_the_least() -> None:
    assert len(FIFTEEN) == 15
    password_rules.check(FIFTEEN)
    assert "at least 15" in refused(FIFTEEN[:-1])


def test_256_characters_are_the_most() -> None:
    password = (FIFTEEN * 20)[:256]
    password_rules.check(password)
    assert "at most 256" in refused(password + "x")


def test_characters_are_counted_and_not_bytes() -> None:
    letters = "äöüßéèêñçøåœæþð"
    assert len(letters) == 15
    password_rules.check(letters)
    password_rules.check("🦒🥕🎻🧦🌵🪁🛶🧊🍍🎪🐙🪵🧭🎷🥨")


def test_a_letter_and_its_accent_are_one_character() -> None:
    decomposed = "wombat kite 7u\u0308"
    assert len(decomposed) == 15
    assert "at least 15" in refused(decomposed)
    password_rules.check(decomposed + "!")


@pytest.mark.settings(GATEPOST_REQUIRE_TWO_FACTOR="yes", GATEPOST_PASSWORD_LEAST_CHARACTERS="8")
def test_eight_are_enough_where_everyone_has_a_second_step() -> None:
    password_rules.check(EIGHT)
    assert "at least 8" in refused(EIGHT[:-1])


@pytest.mark.parametrize(
    "password",
    ["correct horse battery staple", "tangle lantern voyage", "nur kleine buchstaben hier",
     "UPPER CASE ONLY WORKS", "90210 44871 23377 x"],
)  # fmt: skip
def test_no_mixture_of_kinds_is_asked_for(password: str) -> None:
    password_rules.check(password)


@pytest.mark.parametrize(
    "password",
    ["aaaaaaaaaaaaaaaaaaaa", "passwordpassword", "123456789012345678", "qwertyuiopasdfghjkl",
     "abcabcabcabcabcabc", "!@#$%^&*()1234567890", "1234567890!@#$%^&*()"],
)  # fmt: skip
def test_what_is_easy_to_guess_is_refused(password: str) -> None:
    assert "easy to guess" in refused(password)


LONG = "georgina.elizabeth.montgomery@department-of-agriculture.example.org"
"""Longer than what is estimated."""


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("annabelle.archer@example.org", ("annabelle.archer@example.org", "")),
        ("annabelle.archer", ("annabelle.archer@example.org", "")),
        ("Annabelle Archer", ("a@example.org", "Annabelle Archer")),
        (LONG, (LONG, "")),
        (LONG.upper(), (LONG, "")),
    ],
)
def test_one_s_own_name_and_address_are_easy_to_guess(
    password: str, words: tuple[str, ...]
) -> None:
    password_rules.check(password)
    assert "easy to guess" in refused(password, *words)


@pytest.mark.settings(GATEPOST_PORTAL_NAME="Zanzibarium Gate")
def test_the_portal_s_name_is_easy_to_guess() -> None:
    assert "easy to guess" in refused("zanzibarium gate")


SIGNS = "4@8({[<6913!|1705$5+7%2z"
"""All that can be read as another letter: in hundreds of ways, where they stand together."""
DEAR = {
    "signs": SIGNS * 3,
    "signs, repeated": SIGNS[:18] * 4,
    "signs, repeated in repeats": (SIGNS[:6] * 2 + SIGNS[6:18]) * 4,
    "signs at the end": FIFTEEN * 2 + SIGNS,
    "signs in words": "p@$$w0rd {[<|>]} 5un5h1n3 +17%" * 3,
    "digits": "4863917052" * 8,
    "words": "passwordmonkeydragonletmeinsunshine" * 3,
    "dates": "11/11/1991 19911911" * 4,
    "a keyboard": '1qaz!QAZ2wsx@WSX3edc#EDC4rfv$RFV%TGB^YHN&UJM*IK<(OL>){:?"}' * 2,
    "one letter": "a" * 256,
    "two letters": "ab" * 128,
    "other scripts": "äöü🦒İŸ\u0661\u0662" * 32,
}


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many parts of a password were looked up in all lists, each time it was searched."""
    search, made = matching.dictionary_match, list[int]()

    def counting(password: str, *args: object, **named: object) -> object:
        made.append(len(password) * (len(password) + 1) // 2)
        return search(password, *args, **named)

    monkeypatch.setattr(matching, "dictionary_match", counting)
    return made


@pytest.mark.parametrize("password", DEAR.values(), ids=DEAR)
def test_the_dearest_costs_no_more_than_a_moment(lookups: list[int], password: str) -> None:
    with contextlib.suppress(PasswordUnsuitable):
        password_rules.check(password[:256])

    assert 0 < sum(lookups) <= 30_000, "about 80 ms; all signs, searched in full, were 2 500 ms"


@pytest.mark.parametrize("password", ["4nnabelle.ar(her{1!", "{[<({[<({[<(1!|1!|", SIGNS[:2] * 9])
def test_many_signs_make_nothing_harder_to_guess(password: str) -> None:
    assert "easy to guess" in refused(password, "annabelle.archer@example.org")


def test_nobody_else_s_words_are_taken_for_one_s_own(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate, at_work, most = zxcvbn.zxcvbn, list[str](), list[int]()

    def counting(password: str, **named: object) -> object:
        at_work.append(password)
        time.sleep(0.01)
        most.append(len(at_work))
        result = estimate(password, **named)
        at_work.remove(password)
        return result

    monkeypatch.setattr(zxcvbn, "zxcvbn", counting)
    run_together(app, 4, lambda _: password_rules.check(FIFTEEN, "ann@example.org"))

    assert most == [1] * 4


def test_name_address_and_password_are_judged_together() -> None:
    with pytest.raises(SeveralRefusals) as caught:
        password_rules.check_account("nonsense", "short", "bob@example.org")

    assert [refusal.field for refusal in caught.value.parts] == ["name", "email", "password"]

"""Which passwords may be chosen: their length in characters, and what is easy to guess."""

import pytest

from services import password_rules
from services.errors import PasswordUnsuitable

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
     "abcabcabcabcabcabc"],
)  # fmt: skip
def test_what_is_easy_to_guess_is_refused(password: str) -> None:
    assert "easy to guess" in refused(password)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("annabelle.archer@example.org", ("annabelle.archer@example.org", "")),
        ("annabelle.archer", ("annabelle.archer@example.org", "")),
        ("Annabelle Archer", ("a@example.org", "Annabelle Archer")),
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


def test_the_longest_costs_no_more_than_a_moment() -> None:
    password_rules.check("wombat kite 7ü! " * 16)

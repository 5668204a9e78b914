"""Which passwords may be chosen: long enough and not easy to guess; no composition rules.

SP 800-63B-4, section 3.1.1.2. Knows nothing of hashing or storing.
"""

import importlib
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from flask_babel import lazy_gettext

from extensions import settings
from services import people
from services.emails import parse
from services.errors import PasswordUnsuitable, Refusal, SeveralRefusals

LONGEST_ESTIMATED = 48
"""zxcvbn's time grows with the square of the length; what is longer is judged by its beginning."""

MOST_READINGS = 8
"""zxcvbn searches its lists once for each way to read all signs as letters: hundreds of times
for a password of such signs. Digits alone can be read in 6 ways.
"""

WEAKEST_ALLOWED = 2
"""zxcvbn's score, 0 to 4: below this it falls to a few million guesses."""

_AS_LETTERS = str.maketrans("@({[<!|$+%", "accccilstx")
_AS_KEYS = {**_AS_LETTERS, **str.maketrans("!@#$%^&*()", "1234567890")}
"""Where signs are on the keyboard: a row of them is as easy as its digits."""

_one_at_a_time = threading.Lock()
"""zxcvbn keeps one person's words where another's estimate would read them."""


def check_account(email: str, password: str, name: str) -> str:
    """The typed address as it is to be stored, once it, the name and the password will do.

    Raises ``NameUnsuitable``, ``EmailInvalid``, ``PasswordUnsuitable``, or several at once as
    ``SeveralRefusals``.
    """
    address, wrong = email, list[Refusal]()
    with _noting(wrong):
        people.check_name(name)
    with _noting(wrong):
        address = parse(email)
    with _noting(wrong):
        check(password, address, name)
    if wrong:
        raise wrong[0] if len(wrong) == 1 else SeveralRefusals(*wrong)
    return address


@contextmanager
def _noting(wrong: list[Refusal]) -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        wrong.append(refusal)


def check(password: str, *personal_words: str) -> None:
    """Raise ``PasswordUnsuitable`` with the reason; ``personal_words`` are the name and address."""
    password = unicodedata.normalize("NFC", password)
    least, most = settings().password_least_characters, settings().password_most_characters
    if len(password) < least:
        raise PasswordUnsuitable(
            lazy_gettext(
                "Use at least %(least)s characters. Three or four words will do.", least=least
            )
        )
    if len(password) > most:
        raise PasswordUnsuitable(lazy_gettext("Use at most %(most)s characters.", most=most))
    if _is_easy_to_guess(password, personal_words):
        raise PasswordUnsuitable(
            lazy_gettext("This password is easy to guess. Use words that do not belong together.")
        )


def _is_easy_to_guess(password: str, personal_words: tuple[str, ...]) -> bool:
    parts = [part for word in personal_words for part in (word, word.partition("@")[0]) if part]
    known = [*parts, settings().portal_name, settings().host]
    known += [word[:LONGEST_ESTIMATED] for word in known if len(word) > LONGEST_ESTIMATED]
    library, password = importlib.import_module("zxcvbn"), password[:LONGEST_ESTIMATED]
    readings = [password]
    if _count_readings(library.matching, password) > MOST_READINGS:
        readings = [password.translate(table) for table in (_AS_LETTERS, _AS_KEYS)]
        known += [word.translate(table) for word in known for table in (_AS_LETTERS, _AS_KEYS)]
    with _one_at_a_time:
        scores = [library.zxcvbn(reading, user_inputs=known)["score"] for reading in readings]
    return bool(min(scores) < WEAKEST_ALLOWED)


def _count_readings(matching: ModuleType, password: str) -> int:
    signs = matching.relevant_l33t_subtable(password, matching.L33T_TABLE)
    return len(matching.enumerate_l33t_subs(signs))

"""Challenges as a browser meets them: issued, answered rightly and wrongly."""

import pytest

from extensions import db, writing
from models import Challenge, User
from services import challenges
from services.challenges import Purpose, Reference
from services.errors import TooManyTries
from services.errors_codes import ChallengeClosed, CodeIncorrect
from tests.people import CLIENT

NO_PERSON_LIMIT = {
    "GATEPOST_CODE_TRIES_PER_5_MINUTES": "100000",
    "GATEPOST_CODE_TRIES_PER_HOUR": "100000",
    "GATEPOST_CODE_TRIES_PER_DAY": "100000",
}
"""Settings for tests of what a single challenge counts."""


def issue(
    user: User,
    purpose: Purpose = Purpose.SIGN_IN,
    replaces: Reference | None = None,
    **kwargs: object,
) -> Reference:
    """Make a challenge in a transaction of its own; returns what the browser keeps."""
    with writing() as session:
        return challenges.issue(session, user, purpose, replaces, **kwargs)[1]  # type: ignore[arg-type]


def row(reference: Reference) -> Challenge:
    """The challenge's row as it is now."""
    found = db.session.get(Challenge, reference.challenge_id, populate_existing=True)
    assert found is not None
    return found


def code_of(reference: Reference) -> str:
    """The right code."""
    return challenges.derive_code(row(reference), reference)


def wrong_code(reference: Reference) -> str:
    """A code of the right shape that is not the right one."""
    return f"{(int(code_of(reference)) + 1) % 10**6:06}"


def check(
    user: User, reference: Reference | None, code: str, purpose: Purpose = Purpose.SIGN_IN
) -> Challenge:
    """Spend a try, as the use cases do first."""
    return challenges.check_code(user, purpose, reference, code, CLIENT)


def enter(user: User, reference: Reference, code: str, purpose: Purpose = Purpose.SIGN_IN) -> None:
    """As the use cases do: check the code, then use the challenge up."""
    challenge = check(user, reference, code, purpose)
    with writing() as session:
        challenges.use_up(session, user, challenge)


def fail(user: User, reference: Reference) -> CodeIncorrect | ChallengeClosed | TooManyTries:
    """Enter a wrong code; returns the refusal."""
    with pytest.raises((CodeIncorrect, ChallengeClosed, TooManyTries)) as caught:
        check(user, reference, wrong_code(reference))
    return caught.value

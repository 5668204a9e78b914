"""Refusals of changes to accounts; as in ``errors``, each with its sentence."""

from flask_babel import lazy_gettext

from services.errors import Refusal, TooManyTries, describe_wait


class LastAdministrator(Refusal):
    """Nobody else could administer the portal."""

    sentence = lazy_gettext(
        "This is the last administrator who can sign in. "
        "Make another person one first: flask user promote EMAIL."
    )


class TooManyChanges(TooManyTries):
    """This person has changed so much of the account lately that its notices would be a flood."""

    def __init__(self, retry_after: int, rule: str) -> None:
        super().__init__(retry_after, rule)
        self.sentence = lazy_gettext(
            "Too much was changed on this account. Wait %(wait)s, then try again.",
            wait=describe_wait(retry_after),
        )

"""Refusals of changes to accounts; as in ``errors``, each with its sentence."""

from flask_babel import lazy_gettext

from services.errors import Refusal, TooManyTries, describe_wait
from services.errors_apps import PersonUnknown


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


class PersonUnconfirmed(PersonUnknown):
    """For the command line only: the address was registered, and nobody confirmed it yet."""

    def __init__(self, since: str, until: str) -> None:
        super().__init__()
        self.sentence = lazy_gettext(
            "No account has this email address yet. It was registered at %(since)s, and the link "
            "that was mailed to it has not been followed. The registration is kept until "
            "%(until)s.",
            since=since, until=until,
        )  # fmt: skip


class PersonInvited(PersonUnknown):
    """For the command line only: the address was invited, and nobody has registered it yet."""

    def __init__(self, since: str, until: str) -> None:
        super().__init__()
        self.sentence = lazy_gettext(
            "No account has this email address yet. It was invited at %(since)s; the link works "
            "until %(until)s.",
            since=since, until=until,
        )  # fmt: skip

"""Refusals: every "no" that a service can say, with the sentence a person may read.

Each is named as a fact. ``field`` names the form field it belongs to, if any;
``status`` is what the page answers with; ``retry_after`` is in seconds.
"""

from flask_babel import LazyString, lazy_gettext, ngettext


class Refusal(Exception):
    """A service said no. The parent of all that may be shown to a person."""

    sentence: "str | LazyString" = ""
    field: str | None = None
    status = 422
    retry_after: int | None = None

    @property
    def parts(self) -> "tuple[Refusal, ...]":
        """Each single refusal, to be shown at its own field."""
        return (self,)

    def __str__(self) -> str:
        return str(self.sentence)


class SeveralRefusals(Refusal):
    """More than one thing is wrong with what was typed: people mend it all at once."""

    def __init__(self, *parts: Refusal) -> None:
        self._parts = parts

    @property
    def parts(self) -> tuple[Refusal, ...]:
        """Each single refusal, to be shown at its own field."""
        return self._parts

    def __str__(self) -> str:
        return " ".join(map(str, self._parts))


def describe_wait(seconds: int) -> str:
    """A wait in words: seconds below two minutes, minutes below two hours, then hours."""
    if seconds < 120:
        return str(ngettext("%(num)d second", "%(num)d seconds", max(1, seconds)))
    if seconds < 7200:
        minutes = -(-seconds // 60)
        return str(ngettext("%(num)d minute", "%(num)d minutes", minutes))
    hours = -(-seconds // 3600)
    return str(ngettext("%(num)d hour", "%(num)d hours", hours))


class TooManyTries(Refusal):
    """A limit was reached; it opens again after ``retry_after`` seconds."""

    status = 429

    def __init__(self, retry_after: int, rule: str = "") -> None:
        self.retry_after = max(1, retry_after)
        self.rule = rule
        self.sentence = lazy_gettext(
            "Too many tries. Wait %(wait)s, then try again.", wait=describe_wait(retry_after)
        )


class ServiceBusy(Refusal):
    """No place to hash a password in time; nothing was decided."""

    status = 503
    retry_after = 5
    sentence = lazy_gettext("The portal is busy. Wait a few seconds, then try again.")


class CredentialsIncorrect(Refusal):
    """Email and password do not belong together; also said of unknown addresses."""

    sentence = lazy_gettext("The email address or the password is not right.")


class CurrentPasswordIncorrect(Refusal):
    """The signed-in person's password was not right."""

    sentence = lazy_gettext("The password is not right.")

    def __init__(self, field: str = "password") -> None:
        self.field = field


class EmailUnconfirmed(Refusal):
    """The password was right, but the address was never confirmed."""

    sentence = lazy_gettext("Confirm your email address before you sign in.")


class AccountDisabled(Refusal):
    """The password was right, but an administrator has disabled the account."""

    sentence = lazy_gettext("This account is disabled. Ask the people who run this portal.")


class EmailInvalid(Refusal):
    """Not an address that mail can be sent to."""

    field = "email"
    sentence = lazy_gettext("Enter an email address like name@example.org.")


class EmailTaken(Refusal):
    """For the command line only: an account with this address exists."""

    field = "email"
    sentence = lazy_gettext("There is an account with this address already.")


class EmailUnchanged(Refusal):
    """The new address is the old one."""

    field = "email"
    sentence = lazy_gettext("This is your address already.")


class PasswordUnsuitable(Refusal):
    """Too short, too long or easy to guess; the sentence says which."""

    field = "password"

    def __init__(self, sentence: "str | LazyString") -> None:
        self.sentence = sentence


class NameUnsuitable(Refusal):
    """A name that others could take for an address."""

    field = "name"
    sentence = lazy_gettext("Enter a name without @: others could take it for an address.")


class RegistrationClosed(Refusal):
    """Nobody may register here, or only by invitation."""

    status = 403
    sentence = lazy_gettext("You need an invitation to register here.")


class LinkInvalid(Refusal):
    """The link was used, has expired, or never was one of ours."""

    sentence = lazy_gettext("This link no longer works.")


class SetupTokenIncorrect(Refusal):
    """Not the token that the log shows."""

    field = "token"
    sentence = lazy_gettext("This is not the setup token. Look in the portal's log.")


class PendingSignInOver(Refusal):
    """No password was given lately, or it no longer counts."""

    sentence = lazy_gettext("Too much time has passed. Sign in again.")


class LoginSessionOver(Refusal):
    """The login session ended while it was used."""

    sentence = lazy_gettext("You were signed out. Sign in again.")


class NoUsableWay(Refusal):
    """Two-factor sign-in cannot be turned on: no way for codes works now."""

    sentence = lazy_gettext(
        "No way to send you a code works at the moment. Add a phone number first."
    )


class LastWay(Refusal):
    """Two-factor sign-in would be left without a usable way; ``may_turn_off`` is one way out."""

    def __init__(self, *, may_turn_off: bool) -> None:
        self.sentence = (
            lazy_gettext(
                "Two-factor sign-in needs this number: email cannot be used for codes at the "
                "moment. Add another number first, or turn two-factor sign-in off."
            )
            if may_turn_off
            else lazy_gettext(
                "Two-factor sign-in needs this number: email cannot be used for codes at the "
                "moment. Add another number first."
            )
        )


class TwoFactorRequired(Refusal):
    """The portal requires two-factor sign-in of everyone."""

    sentence = lazy_gettext("This portal requires two-factor sign-in.")


class NotFound(Refusal):
    """No such thing, or it is not this person's."""

    status = 404
    sentence = lazy_gettext("There is no such thing on your account.")

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


class TooSoonToResend(TooManyTries):
    """The same destination was sent a code a moment ago: this one, or (``earlier``) one that
    somebody asked for in another browser, or that no longer works.
    """

    def __init__(self, retry_after: int, *, earlier: bool = False) -> None:
        super().__init__(retry_after, "send_gap")
        wait = describe_wait(retry_after)
        self.sentence = lazy_gettext(
            "We have just sent a code. Wait %(wait)s before you ask for another.", wait=wait
        )
        if earlier:
            self.sentence = lazy_gettext(
                "An earlier code went there a moment ago, and does not work here. "
                "Wait %(wait)s, then ask for a new one.",
                wait=wait,
            )


class TooManyMessages(TooManyTries):
    """This person, network address, number or prefix has had its messages for now."""

    def __init__(self, retry_after: int, rule: str) -> None:
        super().__init__(retry_after, rule)
        self.sentence = lazy_gettext(
            "Too many codes were asked for. Wait %(wait)s, then try again.",
            wait=describe_wait(retry_after),
        )


class TooManyTexts(TooManyMessages):
    """This proven number has had its texts for now, for whichever account."""

    def __init__(self, retry_after: int, rule: str) -> None:
        super().__init__(retry_after, rule)
        self.sentence = lazy_gettext(
            "This number has had as many texts as it can get for now. "
            "Use another way, or wait %(wait)s.",
            wait=describe_wait(retry_after),
        )


class TextsPaused(TooManyTries):
    """Texts to this number's country or prefix, or all texts, have stopped for a time."""

    def __init__(self, retry_after: int, rule: str) -> None:
        super().__init__(retry_after, rule)
        self.field = "number"
        self.sentence = lazy_gettext(
            "We cannot send a text to this number right now. Try later, or use email instead."
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


class WayUnavailable(Refusal):
    """Not one of the person's own confirmed ways."""

    field = "method"
    sentence = lazy_gettext("Choose one of the ways listed here.")


class CodeMissing(Refusal):
    """The code field was empty; costs no try."""

    field = "code"
    sentence = lazy_gettext("Enter the security code.")


class CodeIncorrect(Refusal):
    """Not the code; ``tries_left`` more may be tried, or, with none, after ``wait`` seconds."""

    field = "code"

    def __init__(self, tries_left: int, shape: str = "", wait: int = 0) -> None:
        self.tries_left = tries_left
        left = ngettext("%(num)d try left.", "%(num)d tries left.", tries_left)
        if wait:
            left = lazy_gettext("Wait %(wait)s, then try again.", wait=describe_wait(wait))
        what = {
            "digits": lazy_gettext("The code is made of digits only."),
            "length": lazy_gettext("The code has 6 digits."),
            "": lazy_gettext("The code is not right."),
        }[shape]
        self.sentence = f"{what} {left}"


class ChallengeClosed(Refusal):
    """The code has expired, was tried too often, or was replaced."""

    field = "code"
    sentence = lazy_gettext("This code no longer works. Send a new code.")


class CodeExpired(ChallengeClosed):
    """The code's time is over."""

    sentence = lazy_gettext("This code has expired. Send a new code.")


class CodeTriesUsed(ChallengeClosed):
    """Every try of this code was used; the person may try a new one after ``wait`` seconds."""

    sentence = lazy_gettext("There were too many tries with this code. Send a new code.")

    def __init__(self, wait: int = 0) -> None:
        if wait:
            self.sentence = lazy_gettext(
                "There were too many tries with this code. Wait %(wait)s, then send a new code.",
                wait=describe_wait(wait),
            )


class NothingSent(Refusal):
    """A code was asked for in a browser that never asked for one to be sent."""

    sentence = lazy_gettext("Send a code first.")


class ChallengeConsumed(Exception):
    """The right code, a second time: the first has done all there was to do.

    ``leads_to`` is where the pending sign-in led, if it was one; to be checked again.
    """

    def __init__(self, leads_to: str = "") -> None:
        super().__init__()
        self.leads_to = leads_to


class NumberInvalid(Refusal):
    """Not a phone number."""

    field = "number"
    sentence = lazy_gettext(
        "This phone number does not look right. Check the country code and the digits."
    )


class NumberUnsuitable(Refusal):
    """A number that cannot, or should not, be sent codes."""

    field = "number"
    sentence = lazy_gettext(
        "This number cannot receive text messages from us. Use a mobile number."
    )


class CountryNotAllowed(Refusal):
    """The operator does not send texts to this country."""

    field = "number"
    sentence = lazy_gettext("We cannot send texts to numbers of this country.")


class NumberAlreadyYours(Refusal):
    """The number is on the account already."""

    field = "number"
    sentence = lazy_gettext("This number is on your account already.")


class TooManyNumbers(Refusal):
    """An account holds only so many numbers."""

    field = "number"
    sentence = lazy_gettext("You have as many numbers as an account can hold. Remove one first.")


class TextsOff(Refusal):
    """This portal sends no texts."""

    sentence = lazy_gettext("This portal does not send text messages.")


class LastWay(Refusal):
    """Two-factor sign-in would be left without a usable way."""

    sentence = lazy_gettext(
        "Two-factor sign-in needs this number: email cannot be used for codes at the moment. "
        "Add another number first, or turn two-factor sign-in off."
    )


class TwoFactorRequired(Refusal):
    """The portal requires two-factor sign-in of everyone."""

    sentence = lazy_gettext("This portal requires two-factor sign-in.")


class NotFound(Refusal):
    """No such thing, or it is not this person's."""

    status = 404
    sentence = lazy_gettext("There is no such thing on your account.")

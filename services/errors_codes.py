"""Refusals around security codes, to send one or to take it; as in ``errors``."""

from flask_babel import lazy_gettext, ngettext

from services.errors import Refusal, TooManyTries, describe_wait


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


class WayUnavailable(Refusal):
    """Not one of the person's own confirmed ways."""

    field = "method"
    sentence = lazy_gettext("Choose one of the ways listed here.")


class WayClosed(WayUnavailable):
    """The way that the code went last: codes no longer go there."""

    sentence = lazy_gettext("Codes no longer go there. Choose another way.")


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
            self.status, self.retry_after = 429, wait
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

"""Refusals of phone numbers; as in ``errors``, each with its sentence."""

from flask_babel import lazy_gettext

from services.errors import Refusal


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

"""Refusals of what operators ask for accounts; as in ``errors``, each with its sentence."""

from flask_babel import lazy_gettext

from services.errors import Refusal


class LastAdministrator(Refusal):
    """Nobody else could administer the portal."""

    sentence = lazy_gettext(
        "This is the last administrator who can sign in. "
        "Make another person one first: flask user promote EMAIL."
    )

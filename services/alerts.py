"""Mails to the operator when something needs mending, the same one at most once an hour."""

from datetime import timedelta

from sqlalchemy.orm import Session

from extensions import settings
from services import clock, limits, outbox, sms
from services.limits import HOUR

_ONCE_AN_HOUR = limits.Window("alert", most=1, seconds=HOUR)
_LIFE = timedelta(days=1)
_ABOUT_TEXTS = {
    sms.MISCONFIGURED: "Text messages do not work: the provider refuses them because of the "
    "account or the settings. Look at the account there and at the settings TWILIO_...; "
    "“flask sms test NUMBER” says whether that helped.",
    sms.BLOCKED: "The provider blocks text messages because it suspects fraud. Look at the "
    "activity of your account there.",
}
_GO_ON = "Codes by email, and to numbers that were confirmed before, go on. "
_OWN_OR_OTHERS = (
    "If your own people are adding their numbers, raise it. If not, somebody runs up the bill: "
    "name in GATEPOST_SMS_COUNTRIES only the countries that your people are in."
)
_ABOUT_LIMITS = {
    "country_day": "Texts to new numbers of one country have stopped for up to a day: "
    f"GATEPOST_NEW_NUMBER_COUNTRY_PER_DAY was reached. {_GO_ON}{_OWN_OR_OTHERS}",
    "new_texts_hour": "Texts to new numbers have stopped for up to an hour: "
    f"GATEPOST_NEW_NUMBER_PORTAL_PER_HOUR was reached. {_GO_ON}{_OWN_OR_OTHERS}",
    "new_texts_day": "Texts to new numbers have stopped for up to a day: "
    f"GATEPOST_NEW_NUMBER_PORTAL_PER_DAY was reached. {_GO_ON}{_OWN_OR_OTHERS}",
    "texts_to_proven_day": "Codes by text to sign in with have stopped for up to a day: "
    "GATEPOST_PROVEN_NUMBER_PORTAL_PER_DAY_EACH was reached. Codes by email go on. If your own "
    "people sign in so often, raise it. If not, somebody who knows their passwords asks for the "
    "codes: “flask user show EMAIL” shows an account's latest.",
    "breaker": "Texts to new numbers of one country, or of one range of numbers, pause for "
    "GATEPOST_BREAKER_PAUSE_SECONDS, as their codes are not entered: fewer than "
    f"GATEPOST_BREAKER_PERCENT percent of the last GATEPOST_BREAKER_TEXTS. {_GO_ON}Either texts "
    "do not arrive there, which the provider's logs show, or somebody runs up the bill: name in "
    "GATEPOST_SMS_COUNTRIES only the countries that your people are in.",
}


def alert_about_limit(session: Session, rule: str) -> None:
    """Alert the operator in the caller's transaction that this limit stops texts for everybody."""
    _raise_alert(session, _ABOUT_LIMITS[rule])


def is_serious(reason: str) -> bool:
    """Whether a text that failed for this reason needs the operator at once."""
    return reason in _ABOUT_TEXTS


def alert_about_texts(session: Session, reason: str, code: str) -> None:
    """Alert the operator in the caller's transaction if texts fail for a serious reason."""
    if not is_serious(reason):
        return
    about = f" Code {code}: https://www.twilio.com/docs/errors/{code}" if code else ""
    _raise_alert(session, _ABOUT_TEXTS[reason] + about)


def _raise_alert(session: Session, what: str) -> None:
    """Queue the alert of this text, without anybody's number or address, where one is told."""
    address = settings().alert_email
    if address and limits.try_take(session, [(_ONCE_AN_HOUR, what)]):
        outbox.enqueue(
            session, channel="mail", kind="alert", to=address, user_id=None,
            values={"what": what}, expires_at=clock.now() + _LIFE,
        )  # fmt: skip

"""Mails to the operator when something needs mending, the same one at most once an hour."""

from datetime import timedelta

from sqlalchemy.orm import Session

from extensions import settings
from services import clock, limits, outbox, sms
from services.errors import TooManyTries

_ONCE_AN_HOUR = limits.Window("alert", most=1, seconds=3600)
_LIFE = timedelta(days=1)
_ABOUT_TEXTS = {
    sms.MISCONFIGURED: "Text messages do not work: the provider refuses them because of the "
    "account or the settings.",
    sms.BLOCKED: "The provider blocks text messages because it suspects fraud.",
}


def raise_alert(session: Session, what: str) -> bool:
    """Queue an alert in the caller's transaction; False when this hour had the same one.

    ``what`` is the mail's text, for the operator, without anybody's number or address.
    Does nothing where no alert address is set.
    """
    address = settings().alert_email
    if not address:
        return False
    try:
        with session.begin_nested():
            limits.take(session, [(_ONCE_AN_HOUR, what)])
    except TooManyTries:
        return False
    outbox.enqueue(
        session,
        channel="mail",
        kind="alert",
        to=address,
        user_id=None,
        values={"what": what},
        expires_at=clock.now() + _LIFE,
    )
    return True


def is_serious(reason: str) -> bool:
    """Whether a text that failed for this reason needs the operator at once."""
    return reason in _ABOUT_TEXTS


def alert_about_texts(session: Session, reason: str, code: str) -> None:
    """Alert the operator in the caller's transaction if texts fail for a serious reason."""
    if not is_serious(reason):
        return
    about = f" Code {code}: https://www.twilio.com/docs/errors/{code}" if code else ""
    raise_alert(session, _ABOUT_TEXTS[reason] + about)

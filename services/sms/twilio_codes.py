"""Twilio's error codes and message statuses, in outcomes of our own.

Twilio warns that codes come and go: an unknown one falls back on the HTTP status.
A table and two look-ups; nothing here talks to anybody.
"""

from services import sms

_OUTCOMES = {
    sms.BAD_NUMBER: {21211, 21217, 21265, 21266, 60200},
    sms.UNSUPPORTED: {21268, 21614, 21635, 30006, 60205},
    sms.OPTED_OUT: {21610},
    sms.ROUTE_OFF: {21215, 21408, 21612, 60605},
    sms.BLOCKED: {21216, 30450, 30453, 60410},
    sms.UNDELIVERED: {30001, 30003, 30005, 30008, 30036},
    sms.BUSY: {20429, 21611, 60003, 60203, 60212},
    sms.MISCONFIGURED: {
        10001, 20003, 21212, 21603, 21606, 21608, 21617, 21659, 21660, 21703, 21704,
        30002, 30007, 30032, 30034, 30040, 30041, 60223,
    },
}  # fmt: skip
_BY_CODE = {code: outcome for outcome, codes in _OUTCOMES.items() for code in codes}

_STATES = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}


def refusal_outcome(status: int, code: object) -> str:
    """The outcome of an answer that is not 2xx, from its HTTP status and Twilio's code, if any."""
    if status >= 500:
        return sms.UNKNOWN
    if status == 429:
        return sms.BUSY
    known = _BY_CODE.get(as_number(code))
    if known:
        return known
    if status == 408:
        return sms.BUSY
    if status in {401, 403, 404, 405} or status < 400:
        return sms.MISCONFIGURED
    return sms.ROUTE_OFF


def report(status: object, code: object, message_id: object) -> sms.SmsReport:
    """A status that Twilio told later, in a report or when asked; "" as state = no news."""
    state = _STATES.get(str(status or "").lower(), "")
    number = as_number(code)
    reason = _BY_CODE.get(number, sms.UNDELIVERED) if state == "failed" else ""
    shown = str(number) if number and state == "failed" else ""
    return sms.SmsReport(state, reason, shown, str(message_id or "")[:64])


def as_number(code: object) -> int:
    """A code as a number: Twilio has sent it as text and left it out; 0 = none."""
    try:
        return int(str(code))
    except ValueError:
        return 0

"""Delivery reports of text messages, as Twilio posts them."""

from flask import abort, request
from flask.typing import ResponseReturnValue

from blueprints import guard
from blueprints.hooks import hooks
from extensions import csrf
from services import delivery_reports


@hooks.post("/sms/<key>")
@csrf.exempt  # type: ignore[untyped-decorator]
@guard.public
def sms_report(key: str) -> ResponseReturnValue:
    """Take in a signed report; an unknown key is answered like a known one."""
    query = request.query_string.decode("latin-1")
    signature = request.headers.get("X-Twilio-Signature", "")
    try:
        delivery_reports.accept(key, query, request.form, signature)
    except delivery_reports.ReportNotSigned:
        abort(403)
    return "", 204

"""Confirming an address: GET shows a button (mail scanners follow links), POST confirms."""

from flask import Response, flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import guard, pending
from blueprints.auth import auth
from blueprints.auth.forms import ConfirmForm, EmailForm
from blueprints.forms import refusals_on
from blueprints.gate import entry
from blueprints.pages import page, refuse, see_other, with_login
from services import registration
from services.errors import LinkInvalid


@auth.route("/confirm-email/resend", methods=["GET", "POST"], endpoint="resend_confirmation")
@guard.public
def resend_confirmation() -> ResponseReturnValue:
    """Ask for the confirmation link again; the same answer whoever asks."""
    form = EmailForm()
    if form.validate_on_submit():
        with refusals_on(form):
            registration.request_confirmation(form.email.data)
            entry.keep_for_detour()
            return see_other(url_for("auth.check_email", rd=entry.onward().get("rd")))
    return page("auth/check_email", form=form, sent=False)


@auth.get("/confirm-email/sent")
@guard.public
def check_email() -> ResponseReturnValue:
    """Tell the person to look into their mailbox."""
    return page("auth/check_email", form=EmailForm(), sent=True)


@auth.route("/confirm-email/<token>", methods=["GET", "POST"])
@guard.public
def confirm_email(token: str) -> ResponseReturnValue:
    """Confirm the address that the link was mailed to."""
    form = ConfirmForm()
    if not form.validate_on_submit():
        return page("auth/confirm_email", form=form)
    acting = guard.login_session_or_none()
    try:
        renewed = registration.confirm_email(token, acting, guard.client())
    except LinkInvalid as refusal:
        refuse(refusal)
        return page("auth/link_invalid", what="confirm")
    if acting and renewed:
        flash(gettext("Your email address was changed."), "success")
        return with_login(see_other(url_for("account.overview")), renewed, acting)
    return _to_sign_in()


def _to_sign_in() -> Response:
    flash(gettext("Your email address is confirmed. You can sign in now."), "success")
    return see_other(url_for("auth.sign_in", rd=pending.wanted() or None))

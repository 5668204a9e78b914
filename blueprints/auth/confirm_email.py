"""Confirming an address: GET shows a button (mail scanners follow links), POST confirms."""

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import guard, pending
from blueprints.auth import auth
from blueprints.auth.forms import EmailForm
from blueprints.forms import ConfirmForm, refusals_on
from blueprints.gate import entry
from blueprints.pages import page, refuse, see_other, with_login
from extensions import settings
from services import registration
from services.errors import LinkInvalid


@auth.route("/confirm-email/resend", methods=["GET", "POST"], endpoint="resend_confirmation")
@guard.public
def resend_confirmation() -> ResponseReturnValue:
    """Ask for the confirmation link again; the same answer whoever asks."""
    form = EmailForm()
    if form.validate_on_submit():
        with refusals_on(form):
            registration.request_confirmation(form.email.data, guard.client())
            entry.keep_for_detour()
            return see_other(url_for("auth.check_email", again=1, rd=entry.onward().get("rd")))
    return page("auth/check_email", form=form, sent=False)


@auth.get("/confirm-email/sent")
@guard.public
def check_email() -> ResponseReturnValue:
    """Tell the person to look into their mailbox, and which, where this browser registered it."""
    again = "again" in request.args
    email = "" if again else registration.registered_email(pending.registration_token())
    return page("auth/check_email", form=EmailForm(email=email), sent=True, email=email)


@auth.route("/confirm-email/<token>", methods=["GET", "POST"])
@guard.public
def confirm_email(token: str) -> ResponseReturnValue:
    """Confirm the address that the link was mailed to."""
    form, held = ConfirmForm(), pending.registration_token()
    if not form.validate_on_submit():
        about = registration.find_confirmation(token, held)
        return page("auth/confirm_email", form=form, about=about)
    acting = guard.login_session_or_none()
    try:
        confirmed = registration.confirm_email(token, held, acting, guard.client())
    except LinkInvalid as refusal:
        refuse(refusal)
        return page("auth/link_invalid", what="confirm")
    if confirmed.choose_password:
        flash(gettext("Your email address is confirmed. Choose your password now."), "success")
        return see_other(confirmed.choose_password.removeprefix(settings().base_url))
    if acting and confirmed.login:
        flash(gettext("Your email address was changed."), "success")
        return with_login(see_other(url_for("account.overview")), confirmed.login, acting)
    return _to_sign_in()


def _to_sign_in() -> Response:
    flash(gettext("Your email address is confirmed. You can sign in now."), "success")
    return see_other(url_for("auth.sign_in", rd=pending.wanted() or None))

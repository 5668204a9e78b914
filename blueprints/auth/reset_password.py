"""Resetting a password by a mailed link. Never signs in, never skips the second step."""

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import cookies, guard, pending
from blueprints.auth import auth
from blueprints.auth.forms import ChoosePasswordForm, EmailForm
from blueprints.forms import refusals_on
from blueprints.gate import entry
from blueprints.pages import page, refuse, see_other
from extensions import settings
from services import passwords
from services.errors import LinkInvalid


@auth.route("/reset-password", methods=["GET", "POST"])
@guard.public
def reset_password() -> ResponseReturnValue:
    """Ask for a link; the same answer whoever asks."""
    form = EmailForm()
    if form.validate_on_submit():
        with refusals_on(form):
            passwords.request_reset(form.email.data, guard.client())
            entry.keep_for_detour()
            return see_other(url_for("auth.reset_password", sent=1, rd=entry.onward().get("rd")))
    return page("auth/reset_password", form=form, sent="sent" in request.args)


@auth.route("/reset-password/<token>", methods=["GET", "POST"])
@guard.public
def choose_password(token: str) -> ResponseReturnValue:
    """Choose a new password with the link."""
    form = ChoosePasswordForm()
    try:
        first = passwords.is_first(passwords.find_reset_link(token))
        if form.validate_on_submit():
            with refusals_on(form):
                known = passwords.reset(token, form.password.data, guard.client())
                flash(_done(first), "success")
                came_for = pending.wanted() or None
                answer = cookies.forget_login(see_other(url_for("auth.sign_in", rd=came_for)))
                cookies.write_known(answer, known)
                return answer
    except LinkInvalid as refusal:
        refuse(refusal)
        return page("auth/link_invalid", what="reset")
    least = settings().password_least_characters
    return page("auth/choose_password", form=form, least=least, first=first)


def _done(first: bool) -> str:
    if first:
        return str(gettext("Your password is set. Sign in with it."))
    return str(gettext("Your password was changed. Sign in with the new one."))

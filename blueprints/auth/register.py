"""Registering: the same answer for every address, known or not."""

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user

from blueprints import guard, pending
from blueprints.auth import auth
from blueprints.auth.forms import RegisterForm
from blueprints.forms import refusals_on
from blueprints.gate import entry
from blueprints.pages import page, refuse, see_other
from extensions import settings
from services import registration
from services.errors import LinkInvalid, RegistrationClosed


@auth.route("/register", methods=["GET", "POST"])
@guard.public
def register() -> ResponseReturnValue:
    """Register with email and password."""
    if current_user.is_authenticated:
        return redirect(url_for("site.home"))
    invitation = request.args.get("invitation", "")
    try:
        invited_email = _invited_email(invitation)
    except RegistrationClosed as refusal:
        refuse(refusal)
        return page("auth/register_closed")
    except LinkInvalid as refusal:
        refuse(refusal)
        return page("auth/link_invalid", what="invitation")
    return _register(invitation, invited_email)


def _register(invitation: str, invited_email: str | None) -> Response:
    form = RegisterForm(email=invited_email)
    if form.validate_on_submit():
        with refusals_on(form):
            token = registration.register(
                form.email.data,
                form.password.data,
                form.name.data or "",
                invitation,
                pending.registration_token(),
                guard.client(),
            )
            pending.keep_registration(token)
            entry.keep_for_detour()
            then = "auth.sign_in" if invited_email else "auth.check_email"
            if invited_email:  # it was proved by the invitation that came there
                flash(gettext("Your account is made. You can sign in now."), "success")
            return see_other(url_for(then, rd=entry.onward().get("rd")))
    least = settings().password_least_characters
    return page("auth/register", form=form, invited_email=invited_email, least=least)


def _invited_email(invitation: str) -> str | None:
    if settings().registration == "closed":
        raise RegistrationClosed
    if invitation:
        return registration.find_invitation(invitation).email
    if settings().registration == "invite":
        raise RegistrationClosed
    return None

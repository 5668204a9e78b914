"""The first account of an empty portal, made with the token that the log shows."""

from flask import abort, flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import guard
from blueprints.auth import auth
from blueprints.auth.forms import SetupForm
from blueprints.forms import refusals_on
from blueprints.pages import page, see_other
from extensions import settings
from services import first_account


@auth.route("/setup", methods=["GET", "POST"])
@guard.public
def setup() -> ResponseReturnValue:
    """Make the first administrator; afterwards there is no such page."""
    if not first_account.is_empty():
        abort(404)
    form = SetupForm()
    if form.validate_on_submit():
        with refusals_on(form):
            first_account.set_up(
                form.token.data,
                form.email.data,
                form.password.data,
                form.name.data or "",
                guard.client(),
            )
            flash(gettext("The first account is made. Sign in with it."), "success")
            return see_other(url_for("auth.sign_in"))
    return page("auth/setup", form=form, least=settings().password_least_characters)

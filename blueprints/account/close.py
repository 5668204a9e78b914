"""Closing one's account for good."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import cookies, guard
from blueprints.account import account
from blueprints.account.forms import PasswordForm
from blueprints.forms import refusals_on
from blueprints.pages import page, see_other
from services import accounts


@account.route("/account/close", methods=["GET", "POST"])
@guard.recently_authenticated
def close() -> ResponseReturnValue:
    """Close the account, with the password once more."""
    form = PasswordForm()
    if form.validate_on_submit():
        with refusals_on(form):
            accounts.close(guard.the_user(), form.password.data, guard.client())
            flash(gettext("Your account is closed."), "success")
            return cookies.forget_login(see_other(url_for("auth.sign_in")))
    return page("account/close", form=form)

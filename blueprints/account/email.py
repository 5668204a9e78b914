"""Changing the email address: the new one is confirmed before it replaces the old."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import guard
from blueprints.account import account
from blueprints.account.forms import ChangeEmailForm
from blueprints.forms import refusals_on
from blueprints.pages import page, see_other
from services import email_changes


@account.route("/account/email", methods=["GET", "POST"])
@guard.recently_authenticated
def email() -> ResponseReturnValue:
    """Ask for a link to the new address."""
    form = ChangeEmailForm()
    if form.validate_on_submit():
        with refusals_on(form):
            email_changes.request(guard.the_user(), form.email.data, guard.client())
            flash(gettext("We have sent a link to the new address. Open it to finish."), "success")
            return see_other(url_for("account.overview"))
    return page("account/email", form=form, user=guard.the_user())

"""Changing the name."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import guard
from blueprints.account import account
from blueprints.account.forms import NameForm
from blueprints.forms import refusals_on
from blueprints.pages import page, see_other
from services import people


@account.route("/account/name", methods=["GET", "POST"])
def name() -> ResponseReturnValue:
    """Change the name, or take it away."""
    form = NameForm(name=guard.the_user().name)
    if form.validate_on_submit():
        with refusals_on(form):
            people.rename(guard.the_user(), form.name.data or "", guard.client())
            flash(gettext("Your name was saved."), "success")
            return see_other(url_for("account.overview"))
    return page("account/name", form=form)

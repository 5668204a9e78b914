"""Turning two-factor sign-in on because an app asks for it, and back to the app."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import guard
from blueprints.forms import ConfirmForm, refusals_on
from blueprints.gate import entry, gate
from blueprints.pages import page, see_other, with_login
from extensions import settings
from services import two_factor, ways


@gate.route("/turn-on-two-factor", methods=["GET", "POST"])
@guard.recently_authenticated
def turn_on_two_factor() -> ResponseReturnValue:
    """Say that the app asks for two-factor sign-in, and turn it on."""
    app, acting, form = entry.wanted_card(), guard.current_login_session(), ConfirmForm()
    if app is None or ways.second_step_due(guard.the_user()):
        return see_other(_home())
    if form.validate_on_submit():
        with refusals_on(form):
            token = two_factor.enable(guard.the_user(), acting, guard.client())
            flash(gettext("Two-factor sign-in is on."), "success")
            return with_login(see_other(_home()), token, acting)
    return page("gate/turn_on_two_factor", form=form, app=app, sends_texts=settings().sends_texts)


def _home() -> str:
    return url_for("site.home", rd=entry.onward().get("rd"))

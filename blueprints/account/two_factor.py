"""Turning two-factor sign-in on and off."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import guard
from blueprints.account import account
from blueprints.account.overview import refused_on_overview
from blueprints.pages import see_other, with_login
from services import two_factor


@account.post("/account/two-factor/enable")
@guard.recently_authenticated
@refused_on_overview
def enable_two_factor() -> ResponseReturnValue:
    """Turn two-factor sign-in on."""
    acting = guard.current_login_session()
    token = two_factor.enable(guard.the_user(), acting, guard.client())
    flash(gettext("Two-factor sign-in is on."), "success")
    return with_login(see_other(url_for("account.overview")), token, acting)


@account.post("/account/two-factor/disable")
@guard.recently_authenticated
@refused_on_overview
def disable_two_factor() -> ResponseReturnValue:
    """Turn two-factor sign-in off."""
    acting = guard.current_login_session()
    token = two_factor.disable(guard.the_user(), acting, guard.client())
    flash(gettext("Two-factor sign-in is off."), "success")
    return with_login(see_other(url_for("account.overview")), token, acting)

"""Forgetting remembered browsers."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import guard
from blueprints.account import account
from blueprints.account.overview import refused_on_overview
from blueprints.pages import see_other
from services import browsers


@account.post("/account/browsers/<int:browser_id>/forget")
@refused_on_overview
def forget_browser(browser_id: int) -> ResponseReturnValue:
    """Forget one remembered browser."""
    browsers.forget(guard.the_user(), browser_id, guard.client())
    flash(gettext("The browser was forgotten."), "success")
    return see_other(url_for("account.overview"))


@account.post("/account/browsers/forget-all")
@refused_on_overview
def forget_all_browsers() -> ResponseReturnValue:
    """Forget every remembered browser."""
    browsers.forget_all(guard.the_user(), guard.client())
    flash(gettext("All browsers were forgotten."), "success")
    return see_other(url_for("account.overview"))

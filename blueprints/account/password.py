"""Changing the password."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import cookies, guard
from blueprints.account import account
from blueprints.account.forms import ChangePasswordForm
from blueprints.forms import refusals_on
from blueprints.pages import page, see_other, with_login
from extensions import settings
from services import browsers, passwords


@account.route("/account/password", methods=["GET", "POST"])
@guard.recently_authenticated
def password() -> ResponseReturnValue:
    """Change the password; every other browser is signed out."""
    form, acting = ChangePasswordForm(), guard.current_login_session()
    if form.validate_on_submit():
        with refusals_on(form):
            token = passwords.change(
                acting, form.current_password.data, form.password.data, guard.client()
            )
            flash(gettext("Your password was changed."), "success")
            answer = with_login(see_other(url_for("account.overview")), token, acting)
            cookies.write_known(answer, browsers.make_known(guard.the_user()))
            return answer
    return page("account/password", form=form, least=settings().password_least_characters)

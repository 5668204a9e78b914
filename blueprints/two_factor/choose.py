"""Choosing where the security code goes. Only the POST sends."""

from flask import url_for
from flask.typing import ResponseReturnValue

from blueprints import guard, pending
from blueprints.code_pages import WayForm
from blueprints.forms import refusals_on
from blueprints.pages import page, see_other
from blueprints.two_factor import two_factor
from services import codes
from services.challenges import Purpose


@two_factor.route("", methods=["GET", "POST"])
@guard.public
@guard.pending_sign_in
def choose() -> ResponseReturnValue:
    """Always shown after the password, with the usual way chosen beforehand."""
    user, form = guard.current_pending().user, WayForm()
    if form.validate_on_submit():
        with refusals_on(form):
            reference = codes.send(
                user,
                Purpose.SIGN_IN,
                pending.code(Purpose.SIGN_IN),
                form.method.data or "",
                guard.client(),
            )
            pending.keep_code(Purpose.SIGN_IN, reference)
            return see_other(url_for("two_factor.verify"))
    if not form.offer(user):
        return page("two_factor/no_way")
    return page("two_factor/choose", form=form)

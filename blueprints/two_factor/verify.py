"""Entering the security code at sign-in, and sending it again. A reload sends nothing."""

from flask import Response, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import code_pages, guard, pending
from blueprints.auth.sign_in import enter
from blueprints.code_pages import SignInCodeForm
from blueprints.forms import Form, refusals_on
from blueprints.pages import page, see_other
from blueprints.two_factor import two_factor
from extensions import settings
from services import codes
from services import sign_in as signing_in
from services.challenges import Purpose


@two_factor.route("/verify", methods=["GET", "POST"])
@guard.public
@guard.pending_sign_in
def verify() -> ResponseReturnValue:
    """Enter the code: signed in."""
    form = SignInCodeForm()
    if guard.current_pending().user.is_admin:
        del form.remember_browser
    if form.validate_on_submit():
        with refusals_on(form):
            signed_in = signing_in.with_code(
                guard.current_pending(), pending.code(Purpose.SIGN_IN), form.code.data or "",
                bool(form.data.get("remember_browser")), guard.client(),
            )  # fmt: skip
            attempt = guard.current_pending()
            return enter(signed_in, attempt.next_url, attempt.remember_me)
    return _show(form)


@two_factor.post("/resend")
@guard.public
@guard.pending_sign_in
def resend() -> ResponseReturnValue:
    """Send the code again, the way it went last."""
    form = SignInCodeForm(formdata=None)
    with refusals_on(form):
        reference = codes.send_again(
            guard.current_pending().user,
            Purpose.SIGN_IN,
            pending.code(Purpose.SIGN_IN),
            guard.client(),
        )
        pending.keep_code(Purpose.SIGN_IN, reference)
        flash(gettext("We have sent the code again."), "success")
        return see_other(url_for("two_factor.verify"))
    return _show(form)


@two_factor.get("/delivery")
@guard.public
@guard.pending_sign_in
def delivery() -> ResponseReturnValue:
    """Where the message is now, as JSON."""
    return code_pages.delivery_json(guard.current_pending().user, Purpose.SIGN_IN)


def _show(form: Form) -> Response:
    urls: dict[str, str | None] = {
        "resend": url_for("two_factor.resend"),
        "delivery": url_for("two_factor.delivery"),
        "other_way": url_for("two_factor.choose"),
    }
    code_page = code_pages.describe(guard.current_pending().user, Purpose.SIGN_IN, urls)
    if code_page is None:
        return redirect(url_for("two_factor.choose"), 303)  # type: ignore[return-value]
    days = settings().remembered_browser_days
    return page("two_factor/verify", form=form, code_page=code_page, remember_days=days)

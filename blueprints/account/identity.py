"""Reauthentication: one address that asks for whatever proof is still missing."""

from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import code_pages, guard, next_url, pending
from blueprints.account import account
from blueprints.account.forms import PasswordForm
from blueprints.code_pages import CodeForm, WayForm
from blueprints.forms import Form, refusals_on
from blueprints.gate import entry
from blueprints.pages import page, see_other, with_login
from services import codes, identity
from services.challenges import Purpose
from services.gate.entry import Next, what_comes_next
from services.identity import Missing

PURPOSE = Purpose.CONFIRM_IDENTITY


@account.route("/confirm-identity", methods=["GET", "POST"])
def confirm_identity() -> ResponseReturnValue:
    """Ask for the password, then where to send a code, then for the code.

    On the way into an app (``rd``) only for what that asks for: a code.
    """
    missing = _what_is_missing()
    if missing is Missing.NOTHING:
        return redirect(_target(), 303)
    if missing is Missing.PASSWORD:
        return _ask_password()
    wants_another_way = "another" in request.args and request.method == "GET"
    if "method" in request.form or not pending.code(PURPOSE) or wants_another_way:
        return _ask_way()
    return _ask_code()


@account.post("/confirm-identity/resend")
def resend_identity_code() -> ResponseReturnValue:
    """Send the code again, the way it went last."""
    form = CodeForm(formdata=None)
    with refusals_on(form):
        reference = codes.send_again(
            guard.the_user(), PURPOSE, pending.code(PURPOSE), guard.client()
        )
        pending.keep_code(PURPOSE, reference)
        flash(gettext("We have sent the code again."), "success")
        return see_other(_here())
    return _show_code(form)


@account.get("/confirm-identity/delivery")
def identity_code_delivery() -> ResponseReturnValue:
    """Where the message is now, as JSON."""
    return code_pages.delivery_json(guard.the_user(), PURPOSE)


def _what_is_missing() -> Missing:
    acting, wanted = guard.current_login_session(), entry.find_wanted()
    if wanted is None:
        return identity.what_is_missing(acting)
    return Missing.CODE if what_comes_next(acting, wanted) is Next.PROVE else Missing.NOTHING


def _ask_password() -> Response:
    form, acting = PasswordForm(), guard.current_login_session()
    if form.validate_on_submit():
        with refusals_on(form):
            token = identity.prove_password(acting, form.password.data, guard.client())
            return with_login(see_other(_here()), token, acting)
    return page("account/confirm_identity", stage="password", form=form)


def _ask_way() -> Response:
    form, user = WayForm(), guard.the_user()
    if form.validate_on_submit():
        with refusals_on(form):
            reference = codes.send(
                user, PURPOSE, pending.code(PURPOSE), form.method.data or "", guard.client()
            )
            pending.keep_code(PURPOSE, reference)
            return see_other(_here())
    app = entry.wanted_card()
    if not form.offer(user):
        return page("account/confirm_identity", stage="no_way", app=app)
    return page("account/confirm_identity", stage="method", form=form, app=app)


def _ask_code() -> Response:
    form, acting = CodeForm(), guard.current_login_session()
    if form.validate_on_submit():
        with refusals_on(form):
            token = identity.prove_code(
                acting, pending.code(PURPOSE), form.code.data or "", guard.client()
            )
            pending.drop_code(PURPOSE)
            return with_login(see_other(_target()), token, acting)
    return _show_code(form)


def _show_code(form: Form) -> Response:
    where = _where()
    urls: dict[str, str | None] = {
        "resend": url_for("account.resend_identity_code", **where),
        "delivery": url_for("account.identity_code_delivery"),
        "other_way": url_for("account.confirm_identity", **where, another="1"),
    }
    code_page = code_pages.describe(guard.the_user(), PURPOSE, urls)
    if code_page is None:
        pending.drop_code(PURPOSE)
        return see_other(_here())
    return page(
        "account/confirm_identity", stage="code", form=form, code_page=code_page,
        app=entry.wanted_card(),
    )  # fmt: skip


def _here() -> str:
    return url_for("account.confirm_identity", **_where())


def _where() -> dict[str, Any]:
    """What leads on after the proof, as the query of this page's address."""
    onward = entry.onward()
    return {**onward} if onward else {"next": next_url.requested() or None}


def _target() -> str:
    if "rd" in entry.onward():
        return url_for("site.home", **_where())
    return next_url.requested() or url_for("account.overview")

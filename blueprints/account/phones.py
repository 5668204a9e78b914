"""Adding, confirming, changing and removing phone numbers."""

from flask import Response, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import code_pages, guard, pending
from blueprints.account import account
from blueprints.account.forms import NumberForm
from blueprints.account.overview import refused_on_overview
from blueprints.code_pages import CodeForm
from blueprints.forms import refusals_on
from blueprints.pages import page, see_other, with_login
from extensions import settings
from services import phones
from services.challenges import Purpose


@account.route("/account/phones/add", methods=["GET", "POST"])
@guard.recently_authenticated
def add_phone() -> ResponseReturnValue:
    """Type a number; a code is sent to it."""
    form = NumberForm()
    if form.validate_on_submit():
        with refusals_on(form):
            reference = phones.start_adding(
                guard.the_user(), form.number.data, pending.code(Purpose.ADD_PHONE), guard.client()
            )
            pending.drop_code(Purpose.CHANGE_PHONE)
            pending.keep_code(Purpose.ADD_PHONE, reference)
            return see_other(url_for("account.confirm_phone"))
    return page("account/phones/add", form=form, sends_texts=settings().sends_texts)


@account.route("/account/phones/<int:phone_id>/change", methods=["GET", "POST"])
@guard.recently_authenticated
@refused_on_overview
def change_phone(phone_id: int) -> ResponseReturnValue:
    """Type the number that is to take the place of this one."""
    phone, form = phones.show(guard.the_user(), phone_id), NumberForm()
    if form.validate_on_submit():
        with refusals_on(form):
            reference = phones.start_changing(
                guard.the_user(), phone_id, form.number.data,
                pending.code(Purpose.CHANGE_PHONE), guard.client(),
            )  # fmt: skip
            pending.drop_code(Purpose.ADD_PHONE)
            pending.keep_code(Purpose.CHANGE_PHONE, reference)
            return see_other(url_for("account.confirm_phone"))
    return page("account/phones/change", form=form, phone=phone, sends_texts=settings().sends_texts)


@account.route("/account/phones/confirm", methods=["GET", "POST"])
@guard.recently_authenticated
def confirm_phone() -> ResponseReturnValue:
    """Enter the code: the number is added, or takes the old one's place."""
    form, purpose = CodeForm(), _purpose()
    if form.validate_on_submit():
        with refusals_on(form):
            token = phones.confirm(
                guard.the_user(), purpose, pending.code(purpose), form.code.data or "",
                guard.current_login_session(), guard.client(),
            )  # fmt: skip
            pending.drop_code(purpose)
            flash(_done(purpose), "success")
            return _renewed(token)
    return _show_confirm(form)


@account.post("/account/phones/resend")
@guard.recently_authenticated
def resend_phone_code() -> ResponseReturnValue:
    """Send the code to the number again."""
    form, purpose = CodeForm(formdata=None), _purpose()
    with refusals_on(form):
        reference = phones.resend(guard.the_user(), purpose, pending.code(purpose), guard.client())
        pending.keep_code(purpose, reference)
        flash(gettext("We have sent the code again."), "success")
        return see_other(url_for("account.confirm_phone"))
    return _show_confirm(form)


@account.get("/account/phones/delivery")
def phone_code_delivery() -> ResponseReturnValue:
    """Where the text to the number is now, as JSON."""
    return code_pages.delivery_json(guard.the_user(), _purpose())


@account.post("/account/phones/<int:phone_id>/primary")
@guard.recently_authenticated
@refused_on_overview
def make_phone_primary(phone_id: int) -> ResponseReturnValue:
    """Make this number the usual one."""
    token = phones.make_primary(
        guard.the_user(), phone_id, guard.current_login_session(), guard.client()
    )
    flash(gettext("Codes go to this number first now."), "success")
    return _renewed(token)


@account.post("/account/phones/<int:phone_id>/remove")
@guard.recently_authenticated
@refused_on_overview
def remove_phone(phone_id: int) -> ResponseReturnValue:
    """Remove this number."""
    token = phones.remove(guard.the_user(), phone_id, guard.current_login_session(), guard.client())
    flash(gettext("The phone number was removed."), "success")
    return _renewed(token)


def _purpose() -> Purpose:
    """Changing, where this browser is about to change a number; else adding."""
    return Purpose.CHANGE_PHONE if pending.code(Purpose.CHANGE_PHONE) else Purpose.ADD_PHONE


def _done(purpose: Purpose) -> str:
    if purpose is Purpose.ADD_PHONE:
        return str(gettext("The phone number was added."))
    return str(gettext("The phone number was changed."))


def _renewed(token: str) -> Response:
    answer = see_other(url_for("account.overview"))
    return with_login(answer, token, guard.current_login_session())


def _show_confirm(form: CodeForm) -> ResponseReturnValue:
    user, purpose = guard.the_user(), _purpose()
    urls: dict[str, str | None] = {
        "resend": url_for("account.resend_phone_code"),
        "delivery": url_for("account.phone_code_delivery"),
        "other_way": None,
    }
    code_page = code_pages.describe(user, purpose, urls)
    if code_page is None:
        return redirect(url_for("account.add_phone"), 303)
    number = phones.destination_of(user, purpose, pending.code(purpose))
    return page(
        "account/phones/confirm", form=form, code_page=code_page,
        number_shown=phones.format_for_people(number),
    )  # fmt: skip

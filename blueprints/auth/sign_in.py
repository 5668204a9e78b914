"""Signing in with email and password, and signing out."""

from datetime import timedelta

from flask import Response, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user

from blueprints import cookies, guard, next_url, pending
from blueprints.auth import auth
from blueprints.auth.forms import SignInForm
from blueprints.forms import refusals_on
from blueprints.gate import entry
from blueprints.pages import page, see_other
from extensions import settings
from services import login_sessions
from services import sign_in as signing_in
from services.errors import EmailUnconfirmed, TooManyTries, describe_wait
from services.sign_in import Browser, SecondStepDue, SignedIn


@auth.route("/sign-in", methods=["GET", "POST"])
@guard.public
def sign_in() -> ResponseReturnValue:
    """Sign in, or go on to the second step."""
    form = SignInForm()
    if form.validate_on_submit():
        with refusals_on(form):
            outcome = signing_in.with_password(
                form.email.data, form.password.data, form.remember_me.data, _browser(),
                leads_to=entry.leads_to(),
            )  # fmt: skip
            return enter(outcome, entry.leads_to(), form.remember_me.data)
    elif current_user.is_authenticated and not form.is_submitted():
        return redirect(next_url.checked(entry.leads_to()) or url_for("site.home"))
    why = g.get("refusal")
    return page(
        "auth/sign_in", form=form, unconfirmed=isinstance(why, EmailUnconfirmed),
        must_wait=isinstance(why, TooManyTries), app=entry.wanted_card(),
        lost_post=entry.is_lost_post(), refused=entry.is_refused(),
        remember_days=settings().remember_me_days,
    )  # fmt: skip


@auth.route("/sign-out", methods=["GET", "POST"])
@guard.public
def sign_out() -> ResponseReturnValue:
    """End this login session, and with it every app session.

    A browser that is signed out already is no error. Apps link here: GET shows a button.
    """
    if request.method != "POST":
        return page("auth/sign_out")
    login_session = guard.login_session_or_none()
    if login_session:
        login_sessions.sign_out(login_session, guard.client())
    flash(gettext("You are signed out."), "success")
    return cookies.forget_login(see_other(url_for("auth.sign_in")))


def enter(outcome: SignedIn | SecondStepDue, leads_to: str, remember_me: bool) -> Response:
    """Give the browser its cookies and send it on; an earlier login of this browser ends.

    ``remember_me`` is what was asked for: whoever does not get it is told, once signed in.
    """
    earlier = guard.login_session_or_none()
    if earlier:
        login_sessions.sign_out(earlier, guard.client())
    if isinstance(outcome, SecondStepDue):
        pending.keep_sign_in(outcome.token)
        response = see_other(url_for("two_factor.choose"))
        cookies.remove(response, cookies.LOGIN)
        return cookies.forget_apps(response)
    pending.start_afresh()
    if remember_me and not outcome.remember_me:
        flash(_why_not_remembered(), "notice")
    response = cookies.forget_apps(see_other(next_url.checked(leads_to) or url_for("site.home")))
    _write_cookies(response, outcome)
    return response


def _why_not_remembered() -> str:
    return str(gettext(
        "Administrators are not kept signed in. You are signed out after %(whole)s, "
        "or once you do nothing here for %(idle)s.",
        whole=describe_wait(settings().admin_session_seconds),
        idle=describe_wait(settings().admin_session_idle_seconds),
    ))  # fmt: skip


def _browser() -> Browser:
    return Browser(
        guard.client(),
        known=cookies.read(cookies.KNOWN_BROWSER),
        remembered=cookies.read(cookies.REMEMBERED_BROWSER),
    )


def _write_cookies(response: Response, signed_in: SignedIn) -> None:
    cookies.write_login(response, signed_in.login, remember_me=signed_in.remember_me)
    cookies.write_known(response, signed_in.known)
    if signed_in.remembered:
        remembered_for = timedelta(days=settings().remembered_browser_days)
        cookies.write(response, cookies.REMEMBERED_BROWSER, signed_in.remembered, remembered_for)

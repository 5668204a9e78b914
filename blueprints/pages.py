"""Answering with a page: the status it owes, and redirects that renew the login cookie."""

from datetime import timedelta
from typing import Any

from flask import Response, g, make_response, redirect, render_template, request

from blueprints import cookies, pending
from blueprints.forms import Form
from extensions import settings
from models import LoginSession
from services.errors import Refusal


def page(template: str, *, form: Form | None = None, **context: Any) -> Response:
    """Render a page: 200, or 422 with the form's errors, or what a refusal says (429, 503, …)."""
    refusal: Refusal | None = g.get("refusal")
    response = make_response(render_template(f"{template}.html", form=form, **context))
    if refusal is not None:
        return mark_refused(response, refusal)
    if form is not None and form.errors:
        response.status_code = 422
    return response


def read_text(name: str) -> str:
    """A word of the address, such as ``?q=``: without characters that no database takes."""
    text = request.args.get(name, "")[:200]
    return "".join(c for c in text if c.isprintable())


def mark_refused(response: Response, refusal: Refusal) -> Response:
    """Give an answer the status of a refusal, and how long to wait, in seconds."""
    response.status_code = refusal.status
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def refuse(refusal: Refusal) -> None:
    """Note a refusal of a request without a form; the page that is rendered takes its status."""
    g.refusal = refusal


def see_other(location: str) -> Response:
    """Redirect after a POST (RFC 9110, 15.4.4)."""
    return make_response(redirect(location, 303))


def with_login(response: Response, token: str, login_session: LoginSession) -> Response:
    """Hand the login session's new token to the browser, with a fresh session beside it."""
    write_login(response, token, remember_me=login_session.remember_me)
    return response


def write_login(response: Response, token: str, *, remember_me: bool) -> None:
    """Set the login cookie: for the browser's life, or for the days of "remember me"."""
    days = timedelta(days=settings().remember_me_days)
    cookies.write(response, cookies.LOGIN, token, days if remember_me else None)


def write_known(response: Response, known: str) -> None:
    """Let the browser be known, so that strangers' wrong passwords do not keep it waiting."""
    known_for = timedelta(days=settings().known_browser_days)
    cookies.write(response, cookies.KNOWN_BROWSER, known, known_for)


def forget_login(response: Response) -> Response:
    """Take the login cookie back and start a fresh session."""
    pending.start_afresh()
    cookies.remove(response, cookies.LOGIN)
    return forget_apps(response)


def forget_apps(response: Response) -> Response:
    """Take back the cookie of the apps where this browser holds one: what it stood for is over."""
    if cookies.read(cookies.APPS):
        cookies.remove(response, cookies.APPS)
    return response

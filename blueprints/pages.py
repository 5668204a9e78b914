"""Answering with a page: the status it owes, and redirects that renew the login cookie."""

from typing import Any

from flask import Response, g, make_response, redirect, render_template, request

from blueprints import cookies
from blueprints.forms import Form
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
    cookies.write_login(response, token, remember_me=login_session.remember_me)
    return response

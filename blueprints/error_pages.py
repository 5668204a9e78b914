"""Error pages that look like the rest, and what becomes of exceptions that views do not catch."""

import structlog
from flask import (
    Flask,
    Response,
    g,
    jsonify,
    make_response,
    render_template,
    request,
    url_for,
)
from flask_babel import lazy_gettext
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm.exc import ObjectDeletedError
from werkzeug.exceptions import BadHost, HTTPException

from blueprints import guard, next_url
from blueprints.pages import see_other
from extensions import db
from services.errors import LoginSessionOver, Refusal
from services.errors_codes import ChallengeConsumed

log = structlog.get_logger("gatepost.web")

WORDS = {
    400: (
        lazy_gettext("This request cannot be used"),
        lazy_gettext("The page may have been open for too long. Go back, reload it and try again."),
    ),
    403: (
        lazy_gettext("You may not open this page"),
        lazy_gettext("If you should, ask the people who run this portal."),
    ),
    404: (
        lazy_gettext("Page not found"),
        lazy_gettext("There is nothing at this address. The link may be old or cut short."),
    ),
    405: (
        lazy_gettext("This does not work here"),
        lazy_gettext("Go back and use the buttons on the page."),
    ),
    413: (
        lazy_gettext("Too much at once"),
        lazy_gettext("You sent more than this portal accepts."),
    ),
    422: (
        lazy_gettext("That did not work"),
        lazy_gettext("Go back, check what you entered and try again."),
    ),
    429: (lazy_gettext("Too many tries"), lazy_gettext("Wait a little, then try again.")),
    500: (
        lazy_gettext("Something went wrong"),
        lazy_gettext("This is our mistake, and it was logged. Try again in a moment."),
    ),
    503: (
        lazy_gettext("Back in a moment"),
        lazy_gettext("The portal cannot serve right now. Nothing was changed. Try again shortly."),
    ),
}

_SIGNED_OUT = lazy_gettext("You are not signed in any more. Sign in, then fill in the form again.")


def register(app: Flask) -> None:
    """Hang the handlers into the app."""
    app.register_error_handler(HTTPException, _show_http_error)
    app.register_error_handler(CSRFError, _show_csrf_error)
    app.register_error_handler(Refusal, _show_refusal)
    app.register_error_handler(ChallengeConsumed, _go_where_it_led)
    app.register_error_handler(LoginSessionOver, _look_again)
    app.register_error_handler(ObjectDeletedError, _ask_to_sign_in)
    app.register_error_handler(OperationalError, _show_unavailable)
    app.register_error_handler(NoConnection, _show_unavailable)
    app.register_error_handler(Exception, _show_failure)


def show(code: int, text: str | None = None, retry_after: int | None = None) -> Response:
    """An error page of its own; asks nothing of the database."""
    title, usual = WORDS.get(code, WORDS[400 if code < 500 else 500])
    if _wants_json():
        response = jsonify(error=str(title), text=str(text or usual))
    else:
        response = make_response(
            render_template("errors/error.html", code=code, title=title, text=text or usual)
        )
    response.status_code = code
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _show_http_error(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return make_response(error.get_response())
    if isinstance(error, BadHost):  # with such a Host no address can be made, so no page either
        return make_response(str(WORDS[400][0]), 400, {"Content-Type": "text/plain"})
    code = error.code if error.code in WORDS else (400 if error.code < 500 else 500)
    response = show(code)
    if error.code == 405:
        response.headers["Allow"] = dict(error.get_headers()).get("Allow", "")
    return response


def _show_csrf_error(_error: CSRFError) -> Response:
    """A page that was open for too long; or the second click of a double submit, late enough to
    carry the first one's new cookies: that browser is signed in, and this must undo nothing.

    Whose form is from before signing out in another tab is told so.
    """
    if request.blueprint == "two_factor" and current_user.is_authenticated:
        return see_other(url_for("site.home"))
    signed_out = guard.asks_for_login() and not current_user.is_authenticated
    return show(400, str(_SIGNED_OUT) if signed_out else None)


def _show_refusal(refusal: Refusal) -> Response:
    return show(refusal.status, str(refusal), refusal.retry_after)


def _go_where_it_led(consumed: ChallengeConsumed) -> Response:
    """The second click of a double submit: the first has done it all, and this must undo nothing.

    So no cookie is set here, and no flash is kept.
    """
    if request.blueprint == "two_factor":
        leads_to = consumed.leads_to or g.get("leads_to", "")
        return see_other(next_url.checked(leads_to) or url_for("site.home"))
    return see_other(next_url.requested() or url_for("account.overview"))


def _look_again(_over: LoginSessionOver) -> Response:
    """Another request of this browser renewed the login session, or ended it, while this one was
    answered: with the newest cookie the page shows what came of it, or asks to sign in.
    """
    return see_other(guard.page_of_request())


def _ask_to_sign_in(_gone: Exception) -> Response:
    """The login session or pending sign-in of this request ended while it was answered."""
    db.session.rollback()
    return see_other(url_for("auth.sign_in"))


def _show_unavailable(error: Exception) -> Response:
    """Fail closed: no database, no sign-in."""
    db.session.rollback()
    return _log_and_show(503, error, retry_after=5)


def _show_failure(error: Exception) -> Response:
    db.session.rollback()
    return _log_and_show(500, error)


def _log_and_show(code: int, error: Exception, retry_after: int | None = None) -> Response:
    """The log gets the trace and the view, not the path, which may hold a live link's token."""
    log.error("request_failed", status=code, view=request.endpoint, exc_info=error)
    return show(code, retry_after=retry_after)


def _wants_json() -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"

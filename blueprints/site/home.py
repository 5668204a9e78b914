"""The front door, and the look that the operator chose."""

from pathlib import Path

from flask import Response, abort, make_response, redirect, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import guard
from blueprints.site import site
from extensions import settings


@site.get("/")
@guard.public
def home() -> ResponseReturnValue:
    """Signed in: the account page. Signed out: the sign-in page."""
    where = "account.overview" if current_user.is_authenticated else "auth.sign_in"
    return redirect(url_for(where))


@site.get("/theme.css")
@guard.public
def theme() -> Response:
    """The accent colour as a style sheet of its own: no page carries inline style."""
    response = make_response(f":root {{ --accent: {settings().accent_colour or '#1d4ed8'}; }}\n")
    response.content_type = "text/css; charset=utf-8"
    response.cache_control.max_age = 3600
    response.add_etag()
    return response


@site.get("/logo")
@guard.public
def logo() -> ResponseReturnValue:
    """The operator's logo."""
    if not settings().portal_logo:
        abort(404)
    response = send_file(Path(settings().portal_logo).resolve(), max_age=3600)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )
    return response

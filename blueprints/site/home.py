"""The front door, and the look that the operator chose."""

from pathlib import Path

from flask import Response, abort, make_response, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import guard
from blueprints.gate import entry
from blueprints.pages import page, read_text
from blueprints.site import site
from extensions import settings
from services import apps, groups, own_apps


@site.get("/")
@guard.public
def home() -> ResponseReturnValue:
    """With ``rd`` the way into an app. Else, signed in: the person's own apps.

    The account page where there are no apps at all.
    """
    if entry.requested():
        return entry.front_door()
    if not current_user.is_authenticated:
        return redirect(url_for("auth.sign_in"))
    if not apps.any_there():
        return redirect(url_for("account.overview"))
    user = guard.the_user()
    own = own_apps.list_own(user, read_text("after"))
    others = own_apps.list_requestable(user, read_text("others"))
    return page(
        "site/home", own=own.rows, others=others.rows, manages_groups=groups.manages_any(user),
        more_url=url_for("site.home", after=own.next_after) if own.next_after else None,
        more_others=url_for("site.home", others=others.next_after) if others.next_after else None,
    )  # fmt: skip


@site.get("/theme.css")
@guard.public
def theme() -> Response:
    """The accent colour as a style sheet of its own: no page carries inline style."""
    response = make_response(f":root {{ --accent: {settings().accent_colour or '#1d4ed8'}; }}\n")
    response.content_type = "text/css; charset=utf-8"
    response.cache_control.max_age = 3600
    response.add_etag()
    response.make_conditional(request)
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

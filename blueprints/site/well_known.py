"""Addresses that programs look for (RFC 8615)."""

from datetime import timedelta

from flask import Response, abort, make_response, redirect, url_for
from flask.typing import ResponseReturnValue

from blueprints import guard
from blueprints.site import site
from extensions import settings
from services.clock import now


@site.get("/.well-known/change-password")
@guard.public
def change_password() -> ResponseReturnValue:
    """Where password managers send people (W3C, A Well-Known URL for Changing Passwords)."""
    return redirect(url_for("account.password"))


@site.get("/.well-known/security.txt")
@guard.public
def security_txt() -> Response:
    """Whom to tell of a weakness (RFC 9116); there only where the operator set a contact."""
    if not settings().security_contact:
        abort(404)
    expires = (now() + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z")
    lines = [
        f"Contact: {settings().security_contact}",
        f"Expires: {expires}",
        f"Canonical: {settings().base_url}/.well-known/security.txt",
    ]
    response = make_response("\n".join(lines) + "\n")
    response.content_type = "text/plain; charset=utf-8"
    return response


@site.get("/favicon.ico")
@guard.public
def favicon() -> ResponseReturnValue:
    """Where browsers look that read no icon from the page."""
    return redirect(url_for("static", filename="img/favicon.svg"), 301)


@site.get("/robots.txt")
@guard.public
def robots_txt() -> Response:
    """Nothing here is for search engines."""
    response = make_response("User-agent: *\nDisallow: /\n")
    response.content_type = "text/plain; charset=utf-8"
    return response

"""The headers that every answer carries."""

from flask import Response, g, request

from extensions import settings
from services.gate import targets

FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "otp-credentials=(self), publickey-credentials-get=(self), camera=(), geolocation=(),"
        " microphone=(), payment=(), usb=()"
    ),
}

TOKEN_PATHS = ("/confirm-email/", "/reset-password/", "/register", "/.gatepost/", "/hand-over")
"""Pages whose address may hold a token: nothing may learn it from a Referer."""

AT_APPS = "/.gatepost/hand-over"
"""Answered on the apps' own hosts, whose policy for https is not ours to set."""


def protect(response: Response) -> Response:
    """After every request."""
    for name, value in FIXED.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", _policy())
    token_page = request.path.startswith(TOKEN_PATHS)
    response.headers["Referrer-Policy"] = "no-referrer" if token_page else "same-origin"
    if settings().https and request.path != AT_APPS:
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    file = request.endpoint == "static" and response.status_code < 400
    if not file and "max-age" not in response.headers.get("Cache-Control", ""):
        response.headers["Cache-Control"] = "no-store"
    return response


def _policy() -> str:
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        f" connect-src 'self'; form-action {_form_targets()}; base-uri 'none';"
        " frame-ancestors 'none'"
    )


def _form_targets() -> str:
    """Where this page's forms may lead: to ourselves and, where the page is for an app, there.

    Chromium holds the redirects after a form to the policy of the page that had it.
    """
    try:
        target = targets.read(g.get("form_target", ""))
    except targets.TargetRefused:
        return "'self'"
    return f"'self' {target.origin}"

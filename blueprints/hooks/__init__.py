"""What other machines call by themselves: no login, no CSRF token, a signature instead."""

from flask import Blueprint

hooks = Blueprint("hooks", __name__, url_prefix="/hooks")

from blueprints.hooks import sms  # noqa: E402, F401

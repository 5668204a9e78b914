"""For development only, never registered in production: the outbox and the style guide."""

from flask import Blueprint

dev = Blueprint("dev", __name__, url_prefix="/dev")

from blueprints.dev import outbox, styleguide  # noqa: E402, F401

"""The second step of signing in: choose where the code goes, enter it, send it again."""

from flask import Blueprint

two_factor = Blueprint("two_factor", __name__, url_prefix="/two-factor")

from blueprints.two_factor import choose, verify  # noqa: E402, F401

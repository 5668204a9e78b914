"""What belongs to the portal as a whole: home, health, the well-known addresses, the theme."""

from flask import Blueprint

site = Blueprint("site", __name__)

from blueprints.site import health, home, well_known  # noqa: E402, F401

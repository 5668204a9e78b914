"""What people and programs meet on the way to an app that the portal stands before."""

from flask import Blueprint

gate = Blueprint("gate", __name__)

from blueprints.gate import hand_over, jwks, no_access, turn_on  # noqa: E402, F401

"""The signed-out doors: register, confirm an address, sign in and out, reset a password, set up."""

from flask import Blueprint

auth = Blueprint("auth", __name__)

from blueprints.auth import confirm_email, register, reset_password, setup, sign_in  # noqa: E402, F401

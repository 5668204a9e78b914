"""What a person manages for themselves: one module for each thing."""

from flask import Blueprint

account = Blueprint("account", __name__)

from blueprints.account import (  # noqa: E402, F401
    activity,
    browsers,
    close,
    email,
    identity,
    name,
    overview,
    password,
    phones,
    sessions,
    two_factor,
)

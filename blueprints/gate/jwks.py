"""The public keys that apps check ``Remote-Jwt`` with."""

from flask import Response, jsonify

from blueprints import guard
from blueprints.gate import gate
from extensions import settings
from services.gate import signed_identity


@gate.get("/.well-known/jwks.json")
@guard.public
def jwks() -> Response:
    """The JWK set (RFC 7517)."""
    response = jsonify(signed_identity.public_keys(settings()))
    response.cache_control.max_age = 300
    return response

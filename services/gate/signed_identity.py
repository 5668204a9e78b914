"""``Remote-Jwt``: the identity headers once more, signed, so that an app need not trust its proxy.

ES256 (RFC 7518, 3.4), good for a minute and for one app. The keys are derived from the
portal's secret keys: the newest signs, earlier ones stay published. Nothing is stored.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from config import Config
from services import sealing
from services.gate.facts import Facts

LIFETIME_SECONDS = 60
REUSED_SECONDS = 30

_LABEL = b"gatepost signed identity"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256 (SEC 2, 2.4.2): private keys are between 1 and this."""


def sign(
    config: Config, person: Facts, groups: tuple[str, ...], origin: str, moment: datetime
) -> str:
    """The token that tells the app at ``origin`` who asks (RFC 7519).

    The same for half a minute, since a signature costs more than the whole verdict:
    it is good for half a minute more at least.
    """
    issued_at = int(moment.timestamp()) // REUSED_SECONDS * REUSED_SECONDS
    claims = (
        ("iss", config.base_url), ("aud", origin), ("sub", str(person.user_id)),
        ("iat", issued_at), ("exp", issued_at + LIFETIME_SECONDS), ("email", person.email),
        ("name", person.name), ("groups", groups), ("amr", tuple(person.amr.split())),
    )  # fmt: skip
    return _sign(config.secret_key, claims)


def public_keys(config: Config) -> dict[str, Any]:
    """The JWK set (RFC 7517, 5) that apps check tokens with: the newest key first."""
    keys = [_key(key).as_dict(private=False) for key in sealing.secret_keys(config)]
    return {"keys": [{**key, "alg": "ES256", "use": "sig"} for key in keys]}


@lru_cache(maxsize=4096)
def _sign(secret_key: str, claims: tuple[tuple[str, Any], ...]) -> str:
    key = _key(secret_key)
    return jwt.encode({"alg": "ES256", "kid": key.kid}, dict(claims), key)


@lru_cache(maxsize=16)
def _key(secret_key: str) -> ECKey:
    number = int.from_bytes(sealing.derive_key(_LABEL, secret_key)) % (_ORDER - 1) + 1
    private = ec.derive_private_key(number, ec.SECP256R1())
    return ECKey.import_key(private, {"kid": sealing.key_id(secret_key)})

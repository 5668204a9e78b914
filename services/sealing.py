"""Keys made from the secret key, and sealed (encrypted, authenticated) pieces of data.

Every use has a key of its own, derived under its own label, so that one that
leaks opens nothing else. Earlier secret keys still open what they sealed. This
module must not store or log anything.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from config import Config
from extensions import settings

_KEY_ID = b"gatepost key id"
_SIGNING = b"gatepost signing"
_CODES = b"gatepost security codes"


class SealBroken(Exception):
    """Sealed with a key that is no longer known, or altered since."""


@lru_cache(maxsize=64)
def derive_key(label: bytes, key: str) -> bytes:
    """The 32 bytes that stand for ``key`` under ``label`` (HKDF-SHA256)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=label).derive(key.encode())


def key_id(key: str) -> str:
    """Eight hexadecimal characters that name ``key`` in a row and tell nothing about it."""
    return derive_key(_KEY_ID, key).hex()[:8]


def secret_keys(config: Config) -> tuple[str, ...]:
    """The secret key, then the earlier ones that still verify, newest first."""
    return (config.secret_key, *config.secret_key_fallbacks)


def signing_keys() -> list[str]:
    """The running app's keys for itsdangerous: oldest first, the last one signs."""
    return list(_signing_keys(secret_keys(settings())))


def code_keys() -> Mapping[str, bytes]:
    """The running app's keys that codes are derived with, by ``key_id``; the newest comes first."""
    return _code_keys(secret_keys(settings()))


@lru_cache(maxsize=16)
def _signing_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(derive_key(_SIGNING, key).hex() for key in reversed(keys))


@lru_cache(maxsize=16)
def _code_keys(keys: tuple[str, ...]) -> Mapping[str, bytes]:
    return MappingProxyType({key_id(key): derive_key(_CODES, key) for key in keys})


def seal(config: Config, label: bytes, values: dict[str, Any]) -> bytes:
    """Encrypt JSON-able ``values`` with the newest key."""
    return _box(label, secret_keys(config)).encrypt(json.dumps(values).encode())


def unseal(config: Config, label: bytes, sealed: bytes) -> dict[str, Any]:
    """Decrypt what ``seal`` made, with any key still known. Raises ``SealBroken``."""
    try:
        values: dict[str, Any] = json.loads(_box(label, secret_keys(config)).decrypt(sealed))
    except InvalidToken as broken:
        raise SealBroken from broken
    return values


@lru_cache(maxsize=16)
def _box(label: bytes, keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_fernet_key(label, key)) for key in keys])


def _fernet_key(label: bytes, key: str) -> bytes:
    return urlsafe_b64encode(derive_key(label, key))

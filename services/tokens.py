"""Random tokens and their digests: what a cookie or a link carries, and what a row keeps."""

import hashlib
import secrets


def new_token(bits: int = 128) -> str:
    """A fresh URL-safe token of that many random bits."""
    return secrets.token_urlsafe(bits // 8)


def digest(token: str) -> str:
    """The SHA-256 of a token, in hex. Enough for random tokens; never for passwords."""
    return hashlib.sha256(token.encode()).hexdigest()

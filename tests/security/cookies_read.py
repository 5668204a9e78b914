"""What an attacker reads in cookies without any key: every layer that decodes, decoded."""

import re
import zlib
from base64 import urlsafe_b64decode

LAYERS = 6


def read(value: str) -> str:
    """The cookie's value and all that can be decoded in it, in one text."""
    found, waiting = [value], [value]
    for _ in range(LAYERS):
        waiting = [text for value in waiting for text in _decode(value)]
        found += waiting
    return "\n".join(found)


def _decode(value: str) -> list[str]:
    return [
        text
        for piece in re.findall(r"[A-Za-z0-9_-]{4,}", value)
        for raw in _unpack(piece)
        if (text := raw.decode("utf-8", "ignore")) and text != piece
    ]


def _unpack(piece: str) -> list[bytes]:
    try:
        raw = urlsafe_b64decode(piece + "=" * (-len(piece) % 4))
    except ValueError:
        return []
    try:
        return [raw, zlib.decompress(raw)]
    except zlib.error:
        return [raw]

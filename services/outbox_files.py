"""The messages of development and of tests, as lines of JSON in two files.

What the ``file`` and ``console`` gateways append here holds codes and links in
clear: config.py refuses both gateways in production.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services import clock

_TAIL_BYTES = 512 * 1024
_CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")
_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class WrittenMessage:
    """One message as it was written; ``code`` and ``link`` are the first in its text, if any."""

    at: str
    channel: str
    to: str
    subject: str
    text: str
    code: str | None
    link: str | None


def append(directory: Path, channel: str, to: str, subject: str, text: str) -> None:
    """Append one message to ``sms.jsonl`` or ``mail.jsonl``; raises ``OSError``.

    One write of one line at the end of the file, which only the owner may read:
    lines of several processes do not mix.
    """
    directory.mkdir(parents=True, exist_ok=True)
    at = clock.now().isoformat(timespec="microseconds")
    fields = {"at": at, "to": to, "subject": subject, "text": text}
    line = (json.dumps(fields, ensure_ascii=False) + "\n").encode()
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(_path(directory, channel), flags, 0o600)
    try:
        written = os.write(descriptor, line)
    finally:
        os.close(descriptor)
    if written != len(line):
        raise OSError("the disk took only a part of the message")


def read_newest(directory: Path, most: int) -> list[WrittenMessage]:
    """The newest ``most`` messages of both channels, newest first."""
    messages = [m for channel in ("sms", "mail") for m in _read(directory, channel)]
    return sorted(messages, key=lambda message: message.at, reverse=True)[:most]


def _path(directory: Path, channel: str) -> Path:
    return directory / f"{channel}.jsonl"


def _read(directory: Path, channel: str) -> list[WrittenMessage]:
    path = _path(directory, channel)
    if not path.exists():
        return []
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        lines = file.read().splitlines()
    # Later lines first: the sort above keeps that order within one microsecond.
    return [message for line in reversed(lines) if (message := _parse(channel, line))]


def _parse(channel: str, line: bytes) -> WrittenMessage | None:
    """One line as a message; None for a line that was cut where reading began."""
    try:
        fields: dict[str, Any] = json.loads(line)
        text = str(fields["text"])
        at, to, subject = (str(fields[name]) for name in ("at", "to", "subject"))
    except (ValueError, KeyError, TypeError):
        return None
    code, link = _CODE.search(text), _LINK.search(text)
    return WrittenMessage(
        at, channel, to, subject, text, code and code.group(), link and link.group()
    )

"""What a portal sent, read from the files of its ``file`` gateways."""

import json
import re
import time
from pathlib import Path
from typing import Any

from flask import Flask

from extensions import settings
from services import delivery


def read(folder: Path, channel: str, to: str | None = None) -> list[dict[str, Any]]:
    """Every message of a channel, the oldest first; none of which only a part is there yet."""
    path = folder / f"{channel}.jsonl"
    whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
    messages = [json.loads(line) for line in whole.splitlines()]
    return [message for message in messages if to is None or message["to"] == to]


def wait_for(
    folder: Path, channel: str, count: int, to: str | None = None, seconds: float = 30
) -> list[dict[str, Any]]:
    """The messages of a channel once there are ``count`` of them; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        messages = read(folder, channel, to)
        if len(messages) >= count:
            return messages
        time.sleep(0.02)
    raise AssertionError(f"{len(read(folder, channel, to))} of {count} messages came to {to}")


def code_in(message: dict[str, Any]) -> str:
    """The security code in a message."""
    found = re.search(r"(?<!\d)\d{6}(?!\d)", message["text"])
    assert found, message
    return found.group()


def link_in(message: dict[str, Any]) -> str:
    """The first link in a message."""
    found = re.search(r"https?://\S+", message["text"])
    assert found, message
    return found.group()


class Outbox:
    """The outbox of a portal in this process; delivers before it reads."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def deliver(self) -> None:
        """Send all that is due."""
        delivery.run(self.app, until_idle=True)

    def messages(self, channel: str, to: str | None = None) -> list[dict[str, Any]]:
        """Every message of a channel, the oldest first."""
        self.deliver()
        with self.app.app_context():
            folder = settings().outbox_dir
        return read(folder, channel, to)

    def newest(self, channel: str, to: str | None = None) -> dict[str, Any]:
        """The newest message of a channel."""
        messages = self.messages(channel, to)
        assert messages, f"no {channel} to {to}"
        return messages[-1]

    def code(self, channel: str = "sms", to: str | None = None) -> str:
        """The code in the newest message."""
        return code_in(self.newest(channel, to))

    def link(self, to: str | None = None) -> str:
        """The link in the newest mail."""
        return link_in(self.newest("mail", to))

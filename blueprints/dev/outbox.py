"""Every message that the ``console`` and ``file`` gateways kept, newest first."""

from datetime import datetime
from typing import Any

from flask import Response

from blueprints import guard
from blueprints.dev import dev
from blueprints.pages import page
from extensions import settings
from services.outbox_files import WrittenMessage, read_newest

MOST = 100


@dev.get("/outbox")
@guard.public
def outbox() -> Response:
    """List the messages, each with its code or link."""
    return page(
        "dev/outbox", messages=[_show(row) for row in read_newest(settings().outbox_dir, MOST)]
    )


def _show(message: WrittenMessage) -> dict[str, Any]:
    return {
        "at": datetime.fromisoformat(message.at),
        "channel": message.channel,
        "to": message.to,
        "subject": message.subject,
        "text": message.text,
        "code": message.code,
        "link": message.link,
    }

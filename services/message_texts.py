"""What messages say: the templates under ``templates/messages``, filled in.

A mail's template begins with ``Subject: ...`` and a blank line; everything is
plain text. Must not know where a message goes or how it travels.
"""

from dataclasses import dataclass
from typing import Any

from flask import current_app

from extensions import settings
from services import sms

_SUBJECT = "Subject: "


@dataclass(frozen=True)
class Rendered:
    """A message in words; a text message has no subject."""

    subject: str
    text: str


def render(channel: str, kind: str, values: dict[str, Any]) -> Rendered:
    """Fill in the template of a message; needs an app, not a request.

    Raises ``jinja2.TemplateNotFound`` for a kind that has no template.
    """
    config = settings()
    template = current_app.jinja_env.get_template(f"messages/{channel}/{kind}.txt")
    text = template.render(
        portal=config.portal_name,
        base_url=config.base_url,
        host=sms.host_of(config),
        support_contact=config.support_contact,
        time_zone=config.time_zone,
        **values,
    )
    return _split(text) if channel == "mail" else Rendered("", text.strip())


def _split(text: str) -> Rendered:
    head, _, body = text.lstrip().partition("\n\n")
    return Rendered(" ".join(head.removeprefix(_SUBJECT).split()), body.strip() + "\n")

"""What every page that asks for a security code shows, whichever step it belongs to."""

from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify
from flask_babel import LazyString, lazy_gettext
from wtforms import BooleanField, RadioField, StringField

from blueprints import pending
from blueprints.forms import Form, at_most
from extensions import db
from models import User
from services import codes, ways
from services.challenges import Purpose


@dataclass(frozen=True)
class CodePage:
    """Where the code went, how long it works, and what else can be done. Times in seconds."""

    channel: str
    sent_to: "str | LazyString"
    minutes_left: int
    resend_in: int
    resend_url: str
    delivery_url: str
    other_way_url: str | None
    delivery: dict[str, Any] | None


class CodeForm(Form):
    """A security code; only its presence is a matter of shape, for a wrong one is counted."""

    code = StringField(lazy_gettext("Security code"), [at_most(1000)])


class SignInCodeForm(CodeForm):
    """A security code at sign-in."""

    remember_browser = BooleanField()


class WayForm(Form):
    """Where to send the code."""

    method = RadioField(lazy_gettext("Send my security code"), validate_choice=False)

    def offer(self, user: User) -> bool:
        """Fill in the person's usable ways, the usual one chosen beforehand.

        False: none is left.
        """
        usable = ways.usable(db.session(), user)
        self.method.choices = [(way.id, way.label) for way in usable]
        if usable and self.method.data not in {way.id for way in usable}:
            self.method.data = usable[0].id
        return bool(usable)


def describe(user: User, purpose: Purpose, urls: dict[str, str | None]) -> CodePage | None:
    """The code page of a purpose, or None where this browser was sent nothing.

    Another way is offered only to who has one.
    """
    progress = codes.show_progress(user, purpose, pending.code(purpose))
    if progress is None:
        return None
    return CodePage(
        channel=progress.channel,
        sent_to=progress.sent_to,
        minutes_left=-(-progress.seconds_left // 60),
        resend_in=progress.resend_in,
        resend_url=urls["resend"] or "",
        delivery_url=urls["delivery"] or "",
        other_way_url=urls["other_way"] and _if_there_is(urls["other_way"], user, progress),
        delivery=progress.delivery.as_dict() if progress.delivery else None,
    )


def _if_there_is(url: str, user: User, progress: codes.Progress) -> str | None:
    """The address of the other ways, where one leads elsewhere than the code went."""
    usable = ways.usable(db.session(), user)
    return url if any(way.to != progress.destination for way in usable) else None


def delivery_json(user: User, purpose: Purpose) -> Response:
    """Where the message is now, for the page's script."""
    progress = codes.show_progress(user, purpose, pending.code(purpose))
    if progress is None or progress.delivery is None:
        return jsonify(status="none", text="", reason="", done=True)
    return jsonify(progress.delivery.as_dict())

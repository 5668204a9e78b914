"""Ending what a restored copy of the database brings back to life."""

from sqlalchemy import delete, update

from extensions import Base, change_rows, writing
from models import (
    Challenge,
    EmailLink,
    LoginSession,
    Message,
    PendingSignIn,
    RememberedBrowser,
)
from services.clock import now
from services.gate import registry

_ENDED: tuple[tuple[type[Base], str], ...] = (
    (LoginSession, "login_sessions"),
    (RememberedBrowser, "remembered_browsers"),
    (PendingSignIn, "pending_sign_ins"),
    (Challenge, "codes"),
)


def end_all() -> dict[str, int]:
    """End every login session (and what apps see of it), remembered browser, pending sign-in,
    code and unused link, and drop the messages that wait; returns how many of each.

    What was ended, used or sent since the copy was made is live in it. Spent links stay
    spent, above all that of the set-up.
    """
    with writing() as session:
        ended = {name: change_rows(session, delete(table)) for table, name in _ENDED}
        unused = delete(EmailLink).where(EmailLink.used_at.is_(None))
        ended["links"] = change_rows(session, unused)
        waiting = update(Message).where(Message.state.in_(("queued", "sending")))
        dropped = waiting.values(state="dropped", payload=None, done_at=now())
        ended["messages"] = change_rows(session, dropped)
        registry.touch(session)
        return ended

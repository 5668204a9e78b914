"""Telling people that a password alone opened their account where it never did before.

Where a code is asked for, the code itself tells them: so this costs nothing there.
"""

from sqlalchemy.orm import Session

from extensions import settings
from models import User
from services import limits
from services.audit import Client
from services.limits import DAY, Window
from services.notices import notify
from services.user_agents import name_browser

MOST_A_DAY = Window("new_browser_notices", 5, DAY)
"""Whoever signs in by a program that keeps no cookies is not mailed each time."""


def tell(session: Session, user: User, client: Client) -> None:
    """Queue a notice of a sign-in in a browser that is not known, in the caller's transaction.

    Nobody is told of their first sign-in. Must run before this one is noted.
    """
    if user.last_sign_in_at is None or not settings().new_browser_notices:
        return
    if limits.count(session, MOST_A_DAY, f"user {user.id}") <= MOST_A_DAY.most:
        browser = name_browser(client.user_agent)
        notify(session, user, "new_browser", browser=browser, network=client.address)

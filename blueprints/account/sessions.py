"""Where a person is signed in, and ending it there."""

from typing import Any

from flask import Response, flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import guard
from blueprints.account import account
from blueprints.pages import page, refuse, see_other, with_login
from services import credentials, login_sessions
from services.errors import Refusal
from services.user_agents import name_browser


@account.get("/account/sessions")
def sessions() -> ResponseReturnValue:
    """List the person's login sessions."""
    return _show()


@account.post("/account/sessions/<int:session_id>/end")
@guard.recently_authenticated
def end_session(session_id: int) -> ResponseReturnValue:
    """End one of them."""
    try:
        login_sessions.end(guard.the_user(), session_id, guard.client())
    except Refusal as refusal:
        refuse(refusal)
        return _show(str(refusal))
    flash(gettext("That browser is signed out."), "success")
    return see_other(url_for("account.sessions"))


@account.post("/account/sessions/end-others")
@guard.recently_authenticated
def end_other_sessions() -> ResponseReturnValue:
    """Sign out everywhere but here; remembered browsers are forgotten with it."""
    acting = guard.current_login_session()
    try:
        token = credentials.sign_out_elsewhere(acting, guard.client())
    except Refusal as refusal:
        refuse(refusal)
        return _show(str(refusal))
    flash(gettext("All other browsers are signed out."), "success")
    return with_login(see_other(url_for("account.sessions")), token, acting)


def _show(problem: str | None = None) -> Response:
    this = guard.current_login_session().id
    rows: list[dict[str, Any]] = [
        {
            "id": row.id,
            "name": name_browser(row.user_agent),
            "address": row.address,
            "created_at": row.created_at,
            "last_seen_at": row.last_seen_at,
            "is_this": row.id == this,
        }
        for row in login_sessions.list_live(guard.the_user())
    ]
    return page("account/sessions", login_sessions=rows, problem=problem)

"""The account page: all that is set, with one action for each."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Response
from flask.typing import ResponseReturnValue

from blueprints import cookies, guard
from blueprints.account import account
from blueprints.pages import page, refuse
from extensions import db, settings
from services import browsers, login_sessions, phones, ways
from services.errors import Refusal
from services.tokens import digest
from services.user_agents import name_browser

View = TypeVar("View", bound=Callable[..., Any])


@account.get("/account")
def overview() -> ResponseReturnValue:
    """Show the account page."""
    return show_overview()


def show_overview(problem: str | None = None) -> Response:
    """The account page, with the sentence of a refused change where there is one."""
    user = guard.the_user()
    return page(
        "account/overview",
        user=user,
        email_state=ways.email_state(db.session(), user).value,
        phones=phones.list_shown(user),
        browsers=_list_browsers(),
        sends_texts=settings().sends_texts,
        two_factor_required=settings().require_two_factor,
        two_factor_enabled=ways.second_step_due(user),
        sign_in_count=len(login_sessions.list_live(user)),
        problem=problem,
    )


def refused_on_overview(view: View) -> View:
    """Show the account page with the error where a change without a form of its own is refused."""

    @wraps(view)
    def shown(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        try:
            return cast(ResponseReturnValue, view(*args, **kwargs))
        except Refusal as refusal:
            refuse(refusal)
            return show_overview(str(refusal))

    return cast(View, shown)


def _list_browsers() -> list[dict[str, Any]]:
    this = digest(cookies.read(cookies.REMEMBERED_BROWSER))
    return [
        {
            "id": row.id,
            "name": name_browser(row.user_agent),
            "last_used_at": row.last_used_at,
            "expires_at": row.expires_at,
            "is_this": row.token_digest == this,
        }
        for row in browsers.list_remembered(guard.the_user())
    ]

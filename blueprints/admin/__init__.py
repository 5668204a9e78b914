"""The administration: apps, groups and requests for access.

Deny by default: every view here is for administrators, unless it says
``@for_group_managers``; what those may see and change is the services' answer.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, abort, current_app, request

from blueprints import guard
from services.audit import Actor

View = TypeVar("View", bound=Callable[..., Any])

admin = Blueprint("admin", __name__, url_prefix="/admin")


@admin.before_request
def require_administrator() -> None:
    """Before every request to the administration; the login was asked for already."""
    view = current_app.view_functions[request.endpoint or ""]
    if not (guard.the_user().is_admin or getattr(view, "is_for_group_managers", False)):
        abort(403)


def for_group_managers(view: View) -> View:
    """Mark a view whose service lets group managers in, each to their own groups."""
    view.is_for_group_managers = True  # type: ignore[attr-defined]
    return view


def actor() -> Actor:
    """Who acts, for services."""
    return Actor(guard.the_user(), guard.client())


from blueprints.admin import apps, grants, groups, requests  # noqa: E402, F401

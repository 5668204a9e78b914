"""Letting groups and people into an app, and taking that away again."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, gettext

from blueprints import guard
from blueprints.admin import actor, admin
from blueprints.admin.apps import show
from blueprints.admin.forms import GrantForm
from blueprints.forms import refusals_on
from blueprints.pages import refuse, see_other
from services import days, grants
from services.errors import Refusal
from services.errors_apps import AppUnknown
from services.grants import Given


@admin.post("/apps/<int:app_id>/grants")
@guard.recently_authenticated
def give_grant(app_id: int) -> ResponseReturnValue:
    """Let a group or a person in, for good or until a day."""
    form = GrantForm()
    if form.validate():
        with refusals_on(form):
            until = days.end_of_day(form.until.data or "")
            given = grants.give(app_id, form.holder.data or "", until, actor())
            flash(_describe(given), "success")
            return see_other(url_for("admin.app", app_id=app_id))
    return show(app_id, form)


@admin.post("/apps/<int:app_id>/grants/<int:grant_id>/take")
@guard.recently_authenticated
def take_grant(app_id: int, grant_id: int) -> ResponseReturnValue:
    """Take what lets a group or a person in away."""
    try:
        holder = grants.take(app_id, grant_id, actor())
    except AppUnknown:
        raise
    except Refusal as refusal:
        refuse(refusal)
        return show(app_id, GrantForm(formdata=None), str(refusal))
    flash(gettext("%(holder)s may no longer enter.", holder=holder), "success")
    return see_other(url_for("admin.app", app_id=app_id))


def _describe(given: Given) -> str:
    """What was done, and what it took the place of: another administrator may have set that."""
    day, earlier = days.last_day(given.until), days.last_day(given.earlier_until)
    said = (
        gettext("%(holder)s may enter until %(day)s.", holder=given.holder, day=format_date(day))
        if day
        else gettext("%(holder)s may enter.", holder=given.holder)
    )
    if not given.replaced or earlier == day:
        return str(said)
    before = (
        gettext("Before, it was until %(day)s.", day=format_date(earlier))
        if earlier
        else gettext("Before, it was for good.")
    )
    return f"{said} {before}"

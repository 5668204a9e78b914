"""Requests for access: what waits for an answer, and giving it."""

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import guard
from blueprints.admin import actor, admin
from blueprints.admin.forms import UntilForm
from blueprints.forms import refusals_on
from blueprints.pages import page, see_other
from services import access_requests, days, own_apps


@admin.get("/requests", endpoint="requests")
def list_requests() -> ResponseReturnValue:
    """What waits, the oldest first, and what was answered last."""
    waiting = access_requests.list_waiting(request.args.get("after", 0, type=int))
    more = url_for("admin.requests", after=waiting.next_after) if waiting.next_after else None
    return page(
        "admin/requests/list", waiting=waiting.rows, more_url=more,
        decided=access_requests.list_decided(),
    )  # fmt: skip


@admin.get("/requests/<int:request_id>", endpoint="request")
@guard.recently_authenticated
def show_request(request_id: int) -> ResponseReturnValue:
    """One request; one button approves it. Asks for proof here already: or a last day that was
    typed would be lost on the way, and the next press would let the person in for good.
    """
    return _show(request_id, UntilForm(formdata=None))


@admin.post("/requests/<int:request_id>/approve")
@guard.recently_authenticated
def approve_request(request_id: int) -> ResponseReturnValue:
    """Let the person in, for good or until a day."""
    form = UntilForm()
    if form.validate():
        with refusals_on(form):
            until = days.end_of_day(form.until.data or "")
            asked = access_requests.approve(request_id, until, actor())
            flash(gettext("%(person)s may enter %(app)s now, and gets a mail.",
                          person=asked.user.full_label, app=asked.app.name), "success")  # fmt: skip
            return see_other(url_for("admin.requests"))
    return _show(request_id, form)


@admin.post("/requests/<int:request_id>/decline")
@guard.recently_authenticated
def decline_request(request_id: int) -> ResponseReturnValue:
    """Answer no."""
    form = UntilForm()
    with refusals_on(form):
        asked = access_requests.decline(request_id, actor())
        flash(gettext("The request was declined. %(person)s gets a mail.",
                      person=asked.user.full_label), "success")  # fmt: skip
        return see_other(url_for("admin.requests"))
    return _show(request_id, form)


def _show(request_id: int, form: UntilForm) -> Response:
    asked = access_requests.find(request_id)
    enters = asked.decided_at is None and own_apps.may_enter(asked.user, asked.app_id)
    return page("admin/requests/show", asked=asked, enters=enters, form=form)

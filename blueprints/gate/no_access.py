"""The page of a person whom an app does not let in: which app, why not, and asking for it."""

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import StringField

from blueprints import guard
from blueprints.forms import Form, at_most, refusals_on
from blueprints.gate import gate
from blueprints.pages import page, see_other
from models_apps import App
from services import access_requests, apps, days, grants, own_apps
from services.errors_apps import AppUnknown
from services.gate import targets
from services.gate.targets import Target


class AskForm(Form):
    """Why they want to be let in."""

    reason = StringField(_("Why do you need it?"), [at_most(300)])


@gate.route("/no-access", methods=["GET", "POST"])
def no_access() -> ResponseReturnValue:
    """Say in plain words why an app does not let the person in, and take their request."""
    target, app = _find()
    user, form = guard.the_user(), AskForm()
    if form.validate_on_submit():
        with refusals_on(form):
            access_requests.ask(user, app.id, form.reason.data or "", guard.client())
            flash(gettext("Your request is on its way. You get a mail with the answer."), "success")
            return see_other(url_for("gate.no_access", rd=target.url))
    return page(
        "gate/no_access", form=form, app=own_apps.card(app), host=target.host, target=target.url,
        enters=own_apps.may_enter(user, app.id), requestable=app.requestable,
        asked=access_requests.latest(user, app.id),
        ended=days.last_day(grants.find_end(user, app.id)),
    )  # fmt: skip


def _find() -> tuple[Target, App]:
    """What the person wanted to open, and whose it is. Raises ``AppUnknown``."""
    try:
        wanted = request.args.get("rd", "")
        target = targets.read(wanted)
    except targets.TargetRefused as refused:
        raise AppUnknown from refused
    return target, apps.find_by_origin(target.origin)

"""Apps: the list, one app with everything about it, adding, changing and removing it."""

from typing import Any

from flask import Response, flash, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import guard
from blueprints.admin import actor, admin
from blueprints.admin.forms import LEVELS, AppForm, GrantForm, HandlingForm
from blueprints.forms import ConfirmForm, refusals_on
from blueprints.pages import page, read_text, see_other
from extensions import settings
from models_apps import App
from services import app_drafts, apps, days, grants, header_names, proxy_lines
from services.app_drafts import AppDraft
from services.errors_apps import AppChangedMeanwhile

NEW = AppDraft(name="", addresses=())


@admin.get("/apps", endpoint="apps")
def list_apps() -> ResponseReturnValue:
    """The apps by name; those that a search finds."""
    wanted = read_text("q")
    found = apps.list_page(read_text("after"), wanted)
    more = url_for("admin.apps", q=wanted or None, after=found.next_after)
    return page(
        "admin/apps/list", apps=found.rows, q=wanted, more_url=more if found.next_after else None
    )


@admin.route("/apps/new", methods=["GET", "POST"])
@guard.recently_authenticated
def new_app() -> ResponseReturnValue:
    """Add an app."""
    form = AppForm()
    if form.validate_on_submit():
        with refusals_on(form):
            app = apps.add(form.put_onto(NEW), actor())
            flash(_say_added(app), "success")
            return see_other(url_for("admin.app", app_id=app.id))
    return page("admin/apps/new", form=form, has_domains=bool(settings().app_domains))


def _say_added(app: App) -> str:
    if app.for_everyone:
        return str(gettext("%(app)s was added. Now set up your proxy.", app=app.name))
    return str(
        gettext("%(app)s was added. Now let people in, then set up your proxy.", app=app.name)
    )


@admin.get("/apps/<int:app_id>", endpoint="app")
def show_app(app_id: int) -> ResponseReturnValue:
    """One app: who may enter, how, and what it is told."""
    return show(app_id, GrantForm(formdata=None))


def show(app_id: int, form: GrantForm, problem: str | None = None) -> Response:
    """The app's page; a refused change shows its error there."""
    app = apps.find(app_id)
    given = grants.list_page(app_id, request.args.get("after", 0, type=int))
    more = url_for("admin.app", app_id=app_id, after=given.next_after)
    return page(
        "admin/apps/show", app=app, levels=LEVELS, form=form, problem=problem,
        grants=_rows(given.rows), more_url=more if given.next_after else None,
        header_names=header_names.list_sent(app.header_names, app.signed_header),
        proxies=[(name, proxy_lines.render(app, name, settings())) for name in proxy_lines.PROXIES],
    )  # fmt: skip


@admin.route("/apps/<int:app_id>/edit", methods=["GET", "POST"])
@guard.recently_authenticated
def edit_app(app_id: int) -> ResponseReturnValue:
    """Change what the app is and who gets to its door."""
    return _edit(app_id, AppForm(), "admin/apps/edit")


@admin.route("/apps/<int:app_id>/handling", methods=["GET", "POST"])
@guard.recently_authenticated
def edit_handling(app_id: int) -> ResponseReturnValue:
    """Change what the app is told, and what passes."""
    return _edit(app_id, HandlingForm(), "admin/apps/handling")


@admin.route("/apps/<int:app_id>/remove", methods=["GET", "POST"])
@guard.recently_authenticated
def remove_app(app_id: int) -> ResponseReturnValue:
    """Remove the app, once more asked."""
    app, form = apps.find(app_id), ConfirmForm()
    if form.validate_on_submit():
        name = apps.remove(app_id, actor())
        flash(gettext("%(app)s was removed.", app=name), "success")
        return see_other(url_for("admin.apps"))
    return page("admin/apps/remove", app=app, form=form)


def _edit(app_id: int, form: AppForm | HandlingForm, template: str) -> ResponseReturnValue:
    """Show a form of the app's settings, or save what it says."""
    app = apps.find(app_id)
    if not form.is_submitted():
        form.show(apps.draft_of(app))
        form.seen.data = apps.fingerprint(app)
    elif form.validate():
        with refusals_on(form):
            typed = form.put_onto(apps.draft_of(app))
            saved = apps.change(app_id, typed, form.seen.data or "", actor())
            flash(gettext("%(app)s was saved.", app=saved.name), "success")
            return see_other(url_for("admin.app", app_id=app_id))
        if isinstance(g.refusal, AppChangedMeanwhile):
            return _show_meanwhile(app, form, template)
    return page(template, form=form, app=app)


def _show_meanwhile(app: App, form: AppForm | HandlingForm, template: str) -> Response:
    """What was typed, beside what somebody else saved; the next press of "Save" knows of it."""
    typed = form.put_onto(apps.draft_of(app))
    form.seen.data = apps.fingerprint(app)
    different = apps.differences(app, app_drafts.check(typed))
    return page(template, form=form, app=app, different=different, levels=LEVELS)


def _rows(given: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": grant.id,
            "group": grant.group,
            "person": grant.user,
            "last_day": days.last_day(grant.expires_at),
            "has_ended": grants.has_ended(grant),
        }
        for grant in given
    ]

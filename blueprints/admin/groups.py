"""Groups: the list, one group with its members, and who may look after it."""

from typing import Any

from flask import Response, flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import guard
from blueprints.admin import actor, admin, for_group_managers
from blueprints.admin.forms import GroupForm, MemberForm
from blueprints.forms import ConfirmForm, refusals_on
from blueprints.pages import page, read_text, refuse, see_other
from services import days, grants, groups
from services.errors import Refusal
from services.errors_apps import GroupUnknown


@admin.get("/groups", endpoint="groups")
@for_group_managers
def list_groups() -> ResponseReturnValue:
    """The groups by name; a manager's own ones."""
    return _show_list(GroupForm(formdata=None))


@admin.post("/groups")
@guard.recently_authenticated
def new_group() -> ResponseReturnValue:
    """Make a group."""
    form = GroupForm()
    if form.validate():
        with refusals_on(form):
            group = groups.create(form.name.data or "", actor())
            flash(gettext("The group %(group)s was made.", group=group.name), "success")
            return see_other(url_for("admin.group", group_id=group.id))
    return _show_list(form)


@admin.get("/groups/<int:group_id>", endpoint="group")
@for_group_managers
def show_group(group_id: int) -> ResponseReturnValue:
    """One group: its members, and what they may enter."""
    return _show(group_id, MemberForm(formdata=None))


@admin.post("/groups/<int:group_id>/members")
@for_group_managers
@guard.recently_authenticated
def add_member(group_id: int) -> ResponseReturnValue:
    """Put a person in the group."""
    form = MemberForm()
    if form.validate():
        with refusals_on(form):
            person = groups.add(group_id, form.email.data or "", actor())
            flash(gettext("%(person)s is in the group now.", person=person.full_label), "success")
            return see_other(url_for("admin.group", group_id=group_id))
    return _show(group_id, form)


@admin.post("/groups/<int:group_id>/members/<int:user_id>/remove")
@for_group_managers
@guard.recently_authenticated
def remove_member(group_id: int, user_id: int) -> ResponseReturnValue:
    """Take a person out of the group."""
    try:
        groups.remove(group_id, user_id, actor())
    except Refusal as refusal:
        return _show_refused(group_id, refusal)
    flash(gettext("The person was taken out of the group."), "success")
    return see_other(url_for("admin.group", group_id=group_id))


@admin.post("/groups/<int:group_id>/members/<int:user_id>/make-manager")
@guard.recently_authenticated
def make_manager(group_id: int, user_id: int) -> ResponseReturnValue:
    """Let a member look after the group."""
    return _set_manager(group_id, user_id, True, gettext("They may manage the members now."))


@admin.post("/groups/<int:group_id>/members/<int:user_id>/end-manager")
@guard.recently_authenticated
def end_manager(group_id: int, user_id: int) -> ResponseReturnValue:
    """Let a member look after the group no longer."""
    return _set_manager(group_id, user_id, False, gettext("They no longer manage the members."))


@admin.route("/groups/<int:group_id>/delete", methods=["GET", "POST"])
@guard.recently_authenticated
def delete_group(group_id: int) -> ResponseReturnValue:
    """Delete the group, once more asked."""
    group, form = groups.find(group_id, actor()), ConfirmForm()
    if form.validate_on_submit():
        groups.delete_group(group_id, actor())
        flash(gettext("The group %(group)s was deleted.", group=group.name), "success")
        return see_other(url_for("admin.groups"))
    return page(
        "admin/groups/delete", group=group, form=form, grants=_rows(grants.list_of_group(group))
    )


def _set_manager(group_id: int, user_id: int, is_manager: bool, done: str) -> ResponseReturnValue:
    try:
        groups.set_manager(group_id, user_id, is_manager, actor())
    except Refusal as refusal:
        return _show_refused(group_id, refusal)
    flash(done, "success")
    return see_other(url_for("admin.group", group_id=group_id))


def _show_list(form: GroupForm) -> Response:
    found = groups.list_page(actor(), read_text("after"))
    if not (found.rows or guard.the_user().is_admin or groups.manages_any(guard.the_user())):
        raise GroupUnknown
    more = url_for("admin.groups", after=found.next_after) if found.next_after else None
    return page("admin/groups/list", form=form, groups=found.rows, more_url=more)


def _show(group_id: int, form: MemberForm, problem: str | None = None) -> Response:
    group, wanted = groups.find(group_id, actor()), read_text("q")
    found = groups.list_members(group_id, read_text("after"), wanted)
    more = url_for("admin.group", group_id=group_id, q=wanted or None, after=found.next_after)
    return page(
        "admin/groups/show", group=group, form=form, problem=problem, members=found.rows,
        q=wanted, more_url=more if found.next_after else None,
        grants=_rows(grants.list_of_group(group)),
    )  # fmt: skip


def _show_refused(group_id: int, refusal: Refusal) -> Response:
    """The group's page with the error; where the group is not there for them, so it says."""
    refuse(refusal)
    return _show(group_id, MemberForm(formdata=None), str(refusal))


def _rows(given: list[Any]) -> list[dict[str, Any]]:
    return [
        {"app": grant.app, "last_day": days.last_day(grant.expires_at)}
        for grant in given
        if not grants.has_ended(grant)
    ]

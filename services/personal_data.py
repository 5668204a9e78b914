"""Everything kept about a person, for the person: one JSON document, made piece by piece.

No secret is in it, nor what lives for minutes only (codes, links, counters). Nor are mails
to an address that was only typed: whether one went out says whether it is another's.
"""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from extensions import db, end_reading
from models import Activity, LoginSession, Message, Phone, RememberedBrowser, User
from models_apps import AccessRequest, AppGrant, AppSession, GroupMember
from services import groups, json_pieces, own_apps
from services.clock import now
from services.listing import read_all
from services.user_agents import name_browser

_NOT_TOLD = ("confirm_new_email",)

Row = dict[str, Any]


def export(user: User) -> Iterator[str]:
    """The document's text, in pieces; needs the application context until the last one."""
    yield "{"
    for place, (name, value) in enumerate(chain(_facts(user).items(), _lists(user).items())):
        yield f"{',' if place else ''}\n  {json.dumps(name)}: "
        if isinstance(value, Iterator):
            yield from json_pieces.write_list(value, "  ")
        else:
            yield json_pieces.write(value)
    yield "\n}\n"


def _facts(user: User) -> Row:
    return {
        "exported_at": now(), "id": user.id, "email": user.email, "name": user.name,
        "admin": user.is_admin, "created_at": user.created_at,
        "last_sign_in_at": user.last_sign_in_at, "password_changed_at": user.password_changed_at,
        "two_factor": user.two_factor_enabled,
        "email_codes_barred_at": user.email_way_barred_at,
        "email_codes_disabled_at": user.email_way_disabled_at,
    }  # fmt: skip


def _lists(user: User) -> dict[str, Iterator[Row]]:
    """Each list, the newest first."""
    grants = select(AppGrant).options(joinedload(AppGrant.app))
    requests = select(AccessRequest).options(joinedload(AccessRequest.app))
    told = select(Message).where(Message.kind.not_in(_NOT_TOLD))
    return {
        "phones": map(_phone, _rows(select(Phone), Phone, user)),
        "sessions": _sessions(user),
        "remembered_browsers": map(
            _browser, _rows(select(RememberedBrowser), RememberedBrowser, user)
        ),
        "groups": map(_membership, groups.list_of(user)),
        "apps": _apps(user),
        "let_in": map(_grant, _rows(grants, AppGrant, user)),
        "asked_for": map(_request, _rows(requests, AccessRequest, user)),
        "messages": map(_message, _rows(told, Message, user)),
        "activity": map(_event, _rows(select(Activity), Activity, user)),
    }


def _rows(statement: Select[Any], table: Any, user: User) -> Iterator[Any]:
    """The person's rows, the newest first."""
    return read_all(statement.where(table.user_id == user.id), table.id, newest_first=True)


def _apps(user: User) -> Iterator[Row]:
    """The apps that the person may enter now."""
    after = ""
    while True:
        page = own_apps.list_own(user, after)
        yield from ({"app": card.name, "url": card.url} for card in page.rows)
        if not page.next_after:
            return
        after = page.next_after


def _phone(phone: Phone) -> Row:
    return {
        "number": phone.number, "primary": phone.is_primary, "added_at": phone.created_at,
        "disabled_at": phone.disabled_at,
    }  # fmt: skip


def _sessions(user: User) -> Iterator[Row]:
    """With what each has of apps: sessions are few, however many a person had."""
    entered: dict[int, list[Row]] = {}
    of_person = (
        select(AppSession)
        .join(AppSession.login_session)
        .where(LoginSession.user_id == user.id)
        .order_by(AppSession.id.desc())
    )
    for app in db.session.scalars(of_person):
        entry = {"apps_at": app.scope, "entered_at": app.created_at}
        entered.setdefault(app.login_session_id, []).append(entry)
    end_reading()
    for row in _rows(select(LoginSession), LoginSession, user):
        yield _session(row, entered.get(row.id, []))


def _session(row: LoginSession, entered: list[Row]) -> Row:
    return {
        **_where(row), "how": row.amr, "signed_in_at": row.created_at,
        "last_seen_at": row.last_seen_at, "expires_at": row.expires_at,
        "remember_me": row.remember_me,
        "apps": entered,
    }  # fmt: skip


def _browser(row: RememberedBrowser) -> Row:
    return {
        **_where(row), "remembered_at": row.created_at, "last_used_at": row.last_used_at,
        "expires_at": row.expires_at,
    }  # fmt: skip


def _where(row: LoginSession | RememberedBrowser | Activity) -> Row:
    return {
        "browser": name_browser(row.user_agent) if row.user_agent else "",
        "user_agent": row.user_agent, "address": row.address,
    }  # fmt: skip


def _membership(member: GroupMember) -> Row:
    return {
        "group": member.group.name, "manager": member.is_manager, "since": member.created_at,
    }  # fmt: skip


def _grant(grant: AppGrant) -> Row:
    return {"app": grant.app.name, "since": grant.created_at, "until": grant.expires_at}


def _request(asked: AccessRequest) -> Row:
    return {
        "at": asked.created_at, "app": asked.app.name, "reason": asked.reason,
        "approved": asked.approved, "answered_at": asked.decided_at,
    }  # fmt: skip


def _message(row: Message) -> Row:
    return {
        "at": row.created_at, "channel": row.channel, "kind": row.kind,
        "to": row.destination_masked, "state": row.state, "reason": row.reason,
    }  # fmt: skip


def _event(row: Activity) -> Row:
    """Without who else had a hand in it: that is about another person."""
    details = {name: value for name, value in row.details.items() if name != "by"}
    return {"at": row.at, "event": row.event, **_where(row), "details": details}

"""The command line's people: `flask user …`: each calls a service."""

import getpass
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click
from flask.cli import AppGroup

from cli_output import (
    as_json,
    ask_first,
    needs_database,
    print_rows,
    print_values,
    without_asking,
)
from extensions import settings
from models import User
from services import accounts, administrators, people
from services.activity import WORDS
from services.audit import Event

user_group = AppGroup(
    "user",
    help="People: create, invite, list, show, disable, enable, promote, demote, delete, reset.",
)


@user_group.command("create")
@click.argument("email")
@click.option("--name", default="", help="The person's name.")
@click.option("--admin", is_flag=True, help="An administrator.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@needs_database
def create_user(email: str, name: str, admin: bool, password_stdin: bool) -> None:
    """Make an account, confirmed at once; without a password, print a link to choose one."""
    password = _read_password() if password_stdin else None
    link = accounts.create(email, name, admin, password)
    click.echo("The account was made.")
    if link:
        click.echo(
            f"A link to choose a password, good once, for {settings().invitation_days} days:"
        )
        click.echo(link)


@user_group.command("invite")
@click.argument("email")
@needs_database
def invite_user(email: str) -> None:
    """Mail an invitation to register."""
    link = accounts.invite(email)
    click.echo("The invitation is on its way. Its link, should the mail get lost:")
    click.echo(link)


@user_group.command("list")
@as_json
@needs_database
def list_users(as_json: bool) -> None:
    """List everybody with an account, the oldest account first."""
    summarize = _as_values if as_json else _summarize
    print_rows(map(summarize, people.list_all()), as_json)


@user_group.command("show")
@click.argument("email")
@as_json
@needs_database
def show_user(email: str, as_json: bool) -> None:
    """Show an account: its state, its ways, the latest messages and events."""
    told = accounts.describe(accounts.find(email))
    print_values(told if as_json else _for_people(told), as_json)


@user_group.command("disable")
@click.argument("email")
@needs_database
def disable_user(email: str) -> None:
    """Disable an account; every session ends at its next request."""
    changed = accounts.disable(accounts.find(email))
    _tell_change(changed, "The account is disabled", "The account is disabled already")


@user_group.command("enable")
@click.argument("email")
@needs_database
def enable_user(email: str) -> None:
    """Let a disabled account in again."""
    changed = accounts.enable(accounts.find(email))
    _tell_change(changed, "The account is enabled", "The account is not disabled")


@user_group.command("promote")
@click.argument("email")
@needs_database
def promote_user(email: str) -> None:
    """Make a person an administrator; they are signed out everywhere."""
    changed = administrators.promote(accounts.find(email))
    _tell_change(
        changed, "The person is an administrator", "The person is an administrator already"
    )


@user_group.command("demote")
@click.argument("email")
@needs_database
def demote_user(email: str) -> None:
    """Make an administrator an ordinary person; they are signed out everywhere."""
    changed = administrators.demote(accounts.find(email))
    _tell_change(
        changed, "The person is no longer an administrator", "The person is no administrator"
    )


@user_group.command("delete")
@click.argument("email")
@without_asking
@needs_database
def delete_user(email: str, yes: bool) -> None:
    """Delete an account and all that is kept about the person, for good."""
    person = accounts.find(email)
    ask_first(f"Delete the account of {person.email} for good?", yes)
    accounts.delete_account(person)
    click.echo("The account is deleted. The person was told.")


@user_group.command("reset-two-factor")
@click.argument("email")
@needs_database
def reset_two_factor(email: str) -> None:
    """Turn two-factor sign-in off and remove every number."""
    changed = accounts.reset_two_factor(accounts.find(email))
    _tell_change(
        changed, "Two-factor sign-in is off and the numbers are gone",
        "Two-factor sign-in is off already, and there is no number",
    )  # fmt: skip


def _read_password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\r\n")


def _tell_change(changed: bool, done: str, not_needed: str) -> None:
    click.echo(f"{done}. The person was told." if changed else f"{not_needed}: nothing to do.")


def _as_values(person: User) -> dict[str, object]:
    return {
        "id": person.id, "email": person.email, "name": person.name, "admin": person.is_admin,
        "disabled": person.disabled_at is not None, "two_factor": person.two_factor_enabled,
        "created_at": person.created_at, "last_sign_in_at": person.last_sign_in_at,
    }  # fmt: skip


def _summarize(person: User) -> dict[str, object]:
    last = person.last_sign_in_at
    return {
        "email": person.email, "name": person.name, "administrator": person.is_admin,
        "disabled": person.disabled_at is not None, "two_factor": person.two_factor_enabled,
        "signed_in": f"last signed in {last:%Y-%m-%d}" if last else "never signed in",
    }  # fmt: skip


LABELS = {
    "admin": "administrator", "created_at": "made", "last_sign_in_at": "last signed in",
    "apps": "may enter", "let_in": "let in by name", "asked_for": "access asked for",
}  # fmt: skip


def _for_people(told: Mapping[str, Any]) -> dict[str, object]:
    """What ``accounts.describe`` tells, in words; its times are ISO 8601."""
    words = {
        **told, "name": told["name"] or "none", "created_at": _moment(told["created_at"]),
        "last_sign_in_at": _moment(told["last_sign_in_at"]) or "never",
        "asked_for": [{**asked, "at": _moment(asked["at"])} for asked in told["asked_for"]],
        "messages": list(_messages(told["messages"])), "activity": list(_events(told["activity"])),
    }  # fmt: skip
    return {LABELS.get(name, name): value for name, value in words.items()}


def _moment(iso: str) -> datetime | None:
    return datetime.fromisoformat(iso) if iso else None


def _messages(rows: list[dict[str, str]]) -> Iterator[dict[str, object]]:
    for row in rows:
        code = row["provider_code"]
        yield {
            "at": _moment(row["at"]), "channel": row["channel"], "kind": row["kind"],
            "to": f"to {row['to']}", "state": row["state"], "reason": row["reason"],
            "code": f"code {code}" if code else "",
        }  # fmt: skip


def _events(rows: list[dict[str, Any]]) -> Iterator[dict[str, object]]:
    for row in rows:
        told = {"at", "event", "address"}
        details = {name: cell for name, cell in row.items() if name not in told and cell}
        yield {
            "at": _moment(row["at"]), "event": row["event"], "words": WORDS[Event(row["event"])],
            "from": f"from {row['address']}" if row["address"] else "",
            "details": ", ".join(
                name if cell is True else f"{name}: {cell}" for name, cell in details.items()
            ),
        }  # fmt: skip

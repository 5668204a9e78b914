"""The command line's apps and groups: `flask app …`, `flask group …`: each calls a service."""

import difflib
import shlex
import sys
from typing import NoReturn

import click
from flask.cli import AppGroup

from cli_output import (
    as_json,
    ask_first,
    fail,
    needs_database,
    print_json,
    print_rows,
    print_values,
    without_asking,
)
from extensions import settings
from models_apps import App
from services import apps, days, grants, groups, proxy_lines
from services.app_drafts import AppDraft
from services.audit import OPERATOR
from services.errors_apps import AppUnknown, GroupUnknown
from services.gate.explanation import Explanation, explain
from services.gate.registry import LEVELS, PASSWORD
from services.grants import LetIn
from services.people import find_by_email
from services.proxy_lines import PROXIES

app_group = AppGroup("app", help="Apps behind the portal: add, list, show, lines, check, remove.")
group_group = AppGroup("group", help="Groups: create, delete, list, add and remove people.")


@app_group.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--group", "group_names", multiple=True, help="Let this group in, nobody else.")
@click.option("--public-path", "paths", multiple=True, help="Open to all: /health, /static/*.")
@click.option("--level", type=click.Choice(LEVELS), default=PASSWORD, help="What it takes.")
@needs_database
def add_app(
    name: str, url: str, group_names: tuple[str, ...], paths: tuple[str, ...], level: str
) -> None:
    """Add an app; without --group everyone with an account may enter."""
    for group in group_names:
        _need_group(group)
    draft = AppDraft(
        name, (url,), level=level, public_paths=paths, for_everyone=not group_names
    )  # fmt: skip
    app = apps.add(draft, OPERATOR, group_names)
    who = ", ".join(group_names) if group_names else "everyone with an account"
    click.echo(f"{app.name} was added at {app.addresses[0].origin}. It lets in: {who}.")
    click.echo(f"What its proxy needs: flask app lines {shlex.quote(app.name)} nginx"
               f" (or {', '.join(PROXIES[1:])})")  # fmt: skip


@app_group.command("list")
@as_json
@needs_database
def list_apps(as_json: bool) -> None:
    """List the apps, and whom each lets in."""
    if as_json:
        print_rows(map(_describe, apps.list_all()), as_json)
        return
    let_in = grants.list_let_in()
    print_rows([_summarize(app, let_in.get(app.id)) for app in apps.list_all()], as_json)


@app_group.command("show")
@click.argument("name")
@as_json
@needs_database
def show_app(name: str, as_json: bool) -> None:
    """Show an app: its settings and who may enter."""
    print_values(_describe(_need_app(name)), as_json)


@app_group.command("lines")
@click.argument("name")
@click.argument("proxy", type=click.Choice(PROXIES))
@click.option(
    "--upstream",
    default="127.0.0.1:3000",
    metavar="HOST:PORT",
    show_default=True,
    help="Where the app itself listens.",
)
@click.option(
    "--portal",
    default="",
    metavar="WHERE",
    help="Where the proxy reaches the portal, if not as usual: unix:/path or HOST:PORT.",
)
@needs_database
def show_lines(name: str, proxy: str, upstream: str, portal: str) -> None:
    """Print the lines that let a proxy ask about each request to an app."""
    app = _need_app(name)
    try:
        lines = proxy_lines.render(app, proxy, settings(), portal=portal, upstream=upstream)
    except ValueError as error:
        fail(f"{error}.")
    click.echo(lines, nl=False)


@app_group.command("remove")
@click.argument("name")
@without_asking
@needs_database
def remove_app(name: str, yes: bool) -> None:
    """Remove an app, with who may enter it; nobody gets in any more."""
    app = _need_app(name)
    whom = _say(app, grants.list_let_in().get(app.id))
    lost = [
        f"Without it nobody may enter {app.name} ({app.addresses[0].origin}).",
        f"With it go its settings, and whom it lets in: {whom}.",
    ]
    ask_first(f"Remove {app.name} for good?", yes, lost)
    apps.remove(app.id, OPERATOR)
    click.echo("The app was removed.")


@app_group.command("check")
@click.argument("url")
@click.option("--as", "email", required=True, help="The address of the person who would ask.")
@as_json
@needs_database
def check_app(url: str, email: str, as_json: bool) -> None:
    """Say in words whether a person may open an address, and why. Status 1: they may not."""
    explanation = explain(url, find_by_email(email))
    if as_json:
        print_json(_as_values(explanation))
    else:
        click.echo("\n".join(explanation.words))
    if not explanation.enters:
        sys.exit(1)


@group_group.command("create")
@click.argument("name")
@needs_database
def create_group(name: str) -> None:
    """Make an empty group."""
    groups.create(name, OPERATOR)
    click.echo("The group was made.")


@group_group.command("delete")
@click.argument("name")
@without_asking
@needs_database
def delete_group(name: str, yes: bool) -> None:
    """Delete a group; its members keep their accounts."""
    group = groups.find_by_name(name)
    live = (g for g in grants.list_of_group(group) if not grants.has_ended(g))
    opened = ", ".join(grant.app.name for grant in live)
    lost = [f"The group lets its members into: {opened or 'no app'}."]
    if left_alone := grants.list_apps_of_none_but(group):
        lost.append(f"Without it nobody may enter: {', '.join(left_alone)}.")
    ask_first(f"Delete the group {group.name} for good?", yes, lost)
    groups.delete_group(group.id, OPERATOR)
    click.echo("The group was deleted.")


@group_group.command("list")
@as_json
@needs_database
def list_groups(as_json: bool) -> None:
    """List the groups with their members."""
    rows = groups.list_all()
    print_rows(
        [
            {"name": name, "members": members if as_json else ", ".join(members)}
            for name, members in rows.items()
        ],
        as_json,
    )


@group_group.command("add")
@click.argument("name")
@click.argument("email")
@needs_database
def add_member(name: str, email: str) -> None:
    """Put a person in a group."""
    groups.add(groups.find_by_name(name).id, email, OPERATOR)
    click.echo("The person is in the group.")


@group_group.command("remove")
@click.argument("name")
@click.argument("email")
@needs_database
def remove_member(name: str, email: str) -> None:
    """Take a person out of a group."""
    groups.remove(groups.find_by_name(name).id, find_by_email(email).id, OPERATOR)
    click.echo("The person is no longer in the group.")


def _need_app(name: str) -> App:
    try:
        return apps.find_by_name(name)
    except AppUnknown as refusal:
        _fail_with_the_nearest(str(refusal), name)


def _fail_with_the_nearest(sentence: str, name: str) -> NoReturn:
    """Say that there is no such app, and the name that was meant, if one is close."""
    known = {app.name.casefold(): app.name for app in apps.list_all()}
    near = difflib.get_close_matches(name.casefold(), known, 1)
    fail(f"{sentence} Did you mean {known[near[0]]}?" if near else sentence)


def _need_group(name: str) -> None:
    try:
        groups.find_by_name(name)
    except GroupUnknown:
        fail(f"There is no group {name}. Make it first: flask group create {shlex.quote(name)}")


def _summarize(app: App, let_in: LetIn | None) -> dict[str, object]:
    return {
        "name": app.name, "address": app.addresses[0].origin, "level": app.level,
        "who": _say(app, let_in),
    }  # fmt: skip


def _say(app: App, let_in: LetIn | None) -> str:
    """Whom the app lets in now."""
    if app.for_everyone:
        return "everyone"
    if let_in is None:
        return "nobody"
    people = let_in.people
    named = [f"{people} {'person' if people == 1 else 'people'}"] if people else []
    return ", ".join([*let_in.groups, *named])


def _describe(app: App) -> dict[str, object]:
    draft = apps.draft_of(app)
    return {
        "name": app.name,
        "addresses": list(draft.addresses),
        "level": app.level,
        "everyone": app.for_everyone,
        "let_in": [
            {
                "who": grant.group.name if grant.group else grant.user.email if grant.user else "",
                "until": str(days.last_day(grant.expires_at) or ""),
                "ended": "ended" if grants.has_ended(grant) else "",
            }
            for grant in grants.list_all(app)
        ],
        "requestable": app.requestable,
        "public_paths": list(draft.public_paths),
        "header_names": [f"{what}: {name}" for what, name in draft.header_names.items()],
        "percent_encoded": app.percent_encoded,
        "signed_header": app.signed_header,
        "preflight_allowed": app.preflight_allowed,
        "cross_site_writes": app.cross_site_writes,
        "own_cookie": app.own_cookie,
    }


def _as_values(explanation: Explanation) -> dict[str, object]:
    return {
        "url": explanation.url, "app": explanation.app, "email": explanation.email,
        "enters": explanation.enters, "outcome": explanation.outcome, "reason": explanation.reason,
        "words": explanation.words,
    }  # fmt: skip

"""The command line: `flask deliver`, `flask settings …` and all others: each calls a service.

Prints for people, or one JSON document with ``--json``. Ends with status 1 where
a command could not do what it was asked. People are in ``cli_users``, apps and groups in
``cli_apps``.
"""

import sys

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

import config
import config_checks
import config_docs
from cli_apps import app_group, group_group
from cli_doctor import doctor
from cli_output import (
    as_json,
    ask_first,
    list_problems,
    needs_database,
    print_json,
    print_values,
    says_refusals,
    without_asking,
)
from cli_users import user_group
from services import delivery, readiness, restoring, sweeping, trial_messages
from services.phones import parse_number

sms = AppGroup("sms", help="Text messages.")
mail = AppGroup("mail", help="Mails.")
settings_group = AppGroup("settings", help="The settings of the environment.")


GROUPS = (user_group, sms, mail, settings_group, app_group, group_group)


def register(app: Flask) -> None:
    """Hang the commands into the app."""
    for group in GROUPS:
        app.cli.add_command(group)
    app.cli.add_command(deliver)
    app.cli.add_command(ready)
    app.cli.add_command(sweep)
    app.cli.add_command(after_restore)
    app.cli.add_command(doctor)


def needs_no_settings(args: list[str]) -> bool:
    """Whether ``flask`` with these arguments only tells of itself, or of its settings."""
    if click.get_current_context(silent=True) is None:  # not the command line: a server
        return False
    names = ["db", *(group.name for group in GROUPS)]
    tells_what_there_is = "--help" in args or not args or (len(args) == 1 and args[0] in names)
    return tells_what_there_is or args[0] == settings_group.name


@sms.command("test")
@click.argument("number")
@says_refusals
def send_test_text(number: str) -> None:
    """Send one real text through the configured gateway and say what became of it."""
    _tell(trial_messages.send_text(parse_number(number)))


@mail.command("test")
@click.argument("address")
@says_refusals
def send_test_mail(address: str) -> None:
    """Send one real mail through the configured gateway and say what became of it."""
    _tell(trial_messages.send_mail(address))


@click.command("deliver")
@click.option("--until-idle", is_flag=True, help="End when nothing is due.")
@with_appcontext
@needs_database
def deliver(until_idle: bool) -> None:
    """Run the delivery worker on its own, until it is told to end."""
    delivery.run(current_app._get_current_object(), until_idle=until_idle)  # type: ignore[attr-defined]


@click.command("ready")
@with_appcontext
@needs_database
def ready() -> None:
    """Say whether the portal can serve, as /readyz does. Status 1: it cannot, and why."""
    click.echo("The portal can serve.")


@click.command("sweep")
@as_json
@with_appcontext
@needs_database
def sweep(as_json: bool) -> None:
    """Remove what is past its keeping, in small steps."""
    print_values(sweeping.sweep_all(), as_json)


@click.command("after-restore")
@without_asking
@with_appcontext
@needs_database
def after_restore(yes: bool) -> None:
    """End all sessions, codes, links and waiting messages, which an old copy brings back."""
    ask_first("Sign everybody out and drop all links and waiting messages?", yes)
    print_values(restoring.end_all(), as_json=False)


@settings_group.command("check")
@as_json
def check_settings(as_json: bool) -> None:
    """Say every problem of the settings at once, and whether the database answers."""
    checked, problems = config.examine()
    problems += config.unknown_names()
    notes = config_checks.find_notes(checked)
    database = readiness.find_problem()
    if database and database.asks_for_upgrade:
        notes.append(str(database))
    elif database:
        problems.append(database.sentence)
    if as_json:
        print_json({"problems": problems, "notes": notes})
    elif problems:
        list_problems("The settings have problems:", problems, config.hint_for_newcomers())
    else:
        click.echo("\n".join([*(f"Note: {note}" for note in notes), "The settings are good."]))
    if problems:
        sys.exit(1)


@settings_group.command("docs")
def print_settings_docs() -> None:
    """Print the page of the docs that lists every setting."""
    click.echo(config_docs.render(), nl=False)


def _tell(outcome: trial_messages.Outcome) -> None:
    click.echo(outcome.text)
    if not outcome.accepted:
        sys.exit(1)

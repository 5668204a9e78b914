"""The command line: `flask user …`, `flask deliver`, `flask settings …`: each calls a service.

Prints for people, or one JSON document with ``--json``. Ends with status 1 where
a command could not do what it was asked. Apps and groups are in ``cli_apps``.
"""

import getpass
import sys

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

import config
import config_checks
import config_docs
from cli_apps import app_group, group_group
from cli_doctor import doctor
from cli_output import list_problems, needs_database, print_values, says_refusals
from extensions import settings
from services import accounts, delivery, readiness, sweeping, trial_messages
from services.phones import parse_number

user = AppGroup("user", help="People: create, show, invite, disable, enable.")
sms = AppGroup("sms", help="Text messages.")
mail = AppGroup("mail", help="Mails.")
settings_group = AppGroup("settings", help="The settings of the environment.")


GROUPS = (user, sms, mail, settings_group, app_group, group_group)


def register(app: Flask) -> None:
    """Hang the commands into the app."""
    for group in GROUPS:
        app.cli.add_command(group)
    app.cli.add_command(deliver)
    app.cli.add_command(ready)
    app.cli.add_command(sweep)
    app.cli.add_command(doctor)


def needs_no_settings(args: list[str]) -> bool:
    """Whether ``flask`` with these arguments only tells of itself, or of its settings."""
    if click.get_current_context(silent=True) is None:  # not the command line: a server
        return False
    names = ["db", *(group.name for group in GROUPS)]
    tells_what_there_is = "--help" in args or not args or (len(args) == 1 and args[0] in names)
    return tells_what_there_is or args[0] == settings_group.name


@user.command("create")
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


@user.command("invite")
@click.argument("email")
@needs_database
def invite_user(email: str) -> None:
    """Mail an invitation to register."""
    link = accounts.invite(email)
    click.echo("The invitation is on its way. Its link, should the mail get lost:")
    click.echo(link)


@user.command("show")
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@needs_database
def show_user(email: str, as_json: bool) -> None:
    """Show an account: its state, its ways, the latest messages and events."""
    print_values(accounts.describe(accounts.find(email)), as_json)


@user.command("disable")
@click.argument("email")
@needs_database
def disable_user(email: str) -> None:
    """Disable an account; every session ends at its next request."""
    accounts.disable(accounts.find(email))
    click.echo("The account is disabled. The person was told.")


@user.command("enable")
@click.argument("email")
@needs_database
def enable_user(email: str) -> None:
    """Let a disabled account in again."""
    accounts.enable(accounts.find(email))
    click.echo("The account is enabled. The person was told.")


@user.command("reset-two-factor")
@click.argument("email")
@needs_database
def reset_two_factor(email: str) -> None:
    """Turn two-factor sign-in off and remove every number."""
    accounts.reset_two_factor(accounts.find(email))
    click.echo("Two-factor sign-in is off and the numbers are gone. The person was told.")


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
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@with_appcontext
@needs_database
def sweep(as_json: bool) -> None:
    """Remove what is past its keeping, in small steps."""
    print_values(sweeping.sweep_all(), as_json)


@settings_group.command("check")
def check_settings() -> None:
    """Say every problem of the settings at once, and whether the database answers."""
    checked, problems = config.examine()
    problems += config.unknown_names()
    notes = config_checks.find_notes(checked)
    database = readiness.find_problem()
    if database and database.asks_for_upgrade:
        notes.append(str(database))
    elif database:
        problems.append(database.sentence)
    if problems:
        list_problems("The settings have problems:", problems)
        sys.exit(1)
    for note in notes:
        click.echo(f"Note: {note}")
    click.echo("The settings are good.")


@settings_group.command("docs")
def print_settings_docs() -> None:
    """Print the page of the docs that lists every setting."""
    click.echo(config_docs.render(), nl=False)


def _read_password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\r\n")


def _tell(outcome: trial_messages.Outcome) -> None:
    click.echo(outcome.text)
    if not outcome.accepted:
        sys.exit(1)

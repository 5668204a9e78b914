"""``flask doctor``: what is wrong with the portal, its apps and the proxy before them."""

import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict

import click
from flask.cli import with_appcontext

from cli_output import as_json, fail, print_json, says_refusals
from extensions import settings
from services import apps, header_names, proxy_lines
from services.doctor import own, portal
from services.doctor.findings import Finding
from services.doctor.proxy import Examiner, Patient
from services.doctor.standin import StandIn, listening
from services.doctor.wire import Wire
from services.errors_apps import AppUnknown
from services.gate import targets
from services.gate.entry import Wanted, shared_domain
from services.gate.targets import Target, TargetRefused


def _check_address(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    """An option's ``host:port``, "" where it is not given."""
    try:
        return "" if value is None else proxy_lines.check_address(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from error


def _check_origins(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> tuple[str, ...]:
    """An option's addresses, without a slash at the end."""
    return tuple(map(_check_origin, values))


def _check_origin(value: str) -> str:
    scheme, _, where = value.removesuffix("/").partition("://")
    try:
        has_port = re.search(r":[0-9]+\Z", where)
        proxy_lines.check_address(where if has_port else f"{where}:80")
    except ValueError:
        scheme = ""
    if scheme not in {"http", "https"}:
        raise click.BadParameter(f"{value} is no address like http://10.0.0.5:8000.")
    return f"{scheme}://{where}"


@click.command("doctor")
@click.argument("url", required=False)
@click.option(
    "--listen",
    callback=_check_address,
    metavar="HOST:PORT",
    help="Stand in for the app there (stop it first), to see what reaches it.",
)
@click.option(
    "--connect",
    callback=_check_address,
    metavar="HOST:PORT",
    help="Where the proxy is, instead of where the names lead.",
)
@click.option(
    "--ca",
    default=None,
    type=click.Path(exists=True, dir_okay=False),
    help="Authorities to trust instead of the system's.",
)
@click.option(
    "--direct",
    multiple=True,
    callback=_check_origins,
    metavar="URL",
    help="An address at which the portal must not answer: http://10.0.0.5:8000",
)
@as_json
@with_appcontext
@says_refusals
def doctor(
    url: str | None,
    listen: str,
    connect: str,
    ca: str | None,
    direct: tuple[str, ...],
    as_json: bool,
) -> None:
    """Look for what is wrong: inside, and with an app's URL, through the proxy before it."""
    if url is not None and not url.strip():  # a script's variable that holds nothing
        fail("The app's URL is empty. Give one, or none at all.")
    if listen and not url:
        raise click.UsageError("--listen stands in for an app: give its URL too.")
    if (connect or ca) and not (url or direct):
        raise click.UsageError("--connect and --ca say how to ask: give an app's URL, or --direct.")
    target = _read(url) if url else None
    findings = own.examine(settings())
    if url or direct:
        wire = Wire(connect, ca or "")
        addresses = dict.fromkeys((*direct, _usual_address()))
        findings += portal.examine(settings(), wire, list(addresses))
    if target and not any(finding.name == "database" for finding in findings):
        findings += _examine_app(target, listen, wire)
    _print(findings, as_json)
    if target and not listen and not as_json:
        click.echo("What reaches the app was not looked at: stop the app for a moment, and"
                   " --listen where the proxy expects it (--listen 127.0.0.1:3000).")  # fmt: skip
    if findings:
        sys.exit(1)


def _examine_app(target: Target, listen: str, wire: Wire) -> list[Finding]:
    try:
        app = apps.find_by_origin(target.origin)
    except AppUnknown:
        fail(f"No app has the address {target.origin}: flask app list shows those that have one.")
    patient = Patient(
        app.name,
        target.url,
        tuple(header_names.list_sent(app.header_names, app.signed_header)),
        uses_hand_over=not shared_domain(Wanted(target, app)),
    )
    with ExitStack() as stack:
        standin = _stand_in(listen, stack) if listen else None
        return Examiner(settings(), wire, patient, standin, listen).examine()


def _stand_in(listen: str, stack: ExitStack) -> StandIn:
    """The doctor in the app's place, until the stack is unwound."""
    try:
        return stack.enter_context(listening(listen))
    except (OSError, ValueError) as error:
        fail(f"The doctor cannot listen at {listen} ({error}). Is the app still running there?")


def _read(url: str) -> Target:
    """The address as the gate reads it; a host alone will do."""
    try:
        return targets.read(url if "://" in url else f"https://{url}")
    except TargetRefused as refused:
        fail(f"{url} {refused}.")


def _usual_address() -> str:
    """Where the server listens when nobody tells it otherwise, seen from outside."""
    return f"http://{settings().host}:8000"


def _print(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        print_json([asdict(finding) for finding in findings])
        return
    for finding in findings:
        click.echo(f"{finding.text}\n    {finding.mend}   [{finding.name}]")
    if not findings:
        click.echo("Nothing wrong was found.")

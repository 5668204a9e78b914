"""How commands print: for people or, with ``--json``, as one document; a "no" is one line."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, NoReturn, TypeVar

import click
from sqlalchemy.exc import OperationalError, TimeoutError

from extensions import end_reading
from services import json_pieces, readiness
from services.errors import Refusal

without_asking = click.option("--yes", is_flag=True, help="Do not ask.")
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document.")

Command = TypeVar("Command", bound=Callable[..., Any])


def says_refusals(command: Command) -> Command:
    """Print a service's "no" as one line, and end with status 1."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except Refusal as refusal:
            fail(str(refusal))

    return run  # type: ignore[return-value]


def needs_database(command: Command) -> Command:
    """Run a command only where the database answers and has this version's tables.

    Otherwise, or where it fails meanwhile, one line says why; it ends with status 1.
    """

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        problem = readiness.find_problem()
        if problem:
            fail(str(problem))
        end_reading()
        try:
            return command(*args, **kwargs)
        except (OperationalError, TimeoutError) as error:
            fail(f"{readiness.explain(error)}.")

    return says_refusals(run)  # type: ignore[return-value]


def print_values(values: Mapping[str, Any], as_json: bool) -> None:
    """Named values, a line each; a list indented below its name."""
    if as_json:
        print_json(values)
        return
    for name, value in values.items():
        _print_line(name.replace("_", " "), value)


def _print_line(name: str, value: Any) -> None:
    if not isinstance(value, list):
        click.echo(f"{name}: {_plain(value)}")
        return
    click.echo(f"{name}:" + ("" if value else " none"))
    for row in value:
        click.echo(f"  {_join(row) if isinstance(row, Mapping) else _plain(row)}")


def _join(row: Mapping[str, Any]) -> str:
    """The cells that say something; of what is so or not, the name where it is so."""
    cells = (name.replace("_", " ") if cell is True else cell for name, cell in row.items())
    return "  ".join(_plain(cell) for cell in cells if cell not in ("", None, False))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else str(value)


def print_json(value: Any) -> None:
    """One JSON document; times are ISO 8601."""
    click.echo(json_pieces.write(value))


def print_rows(rows: Iterable[Mapping[str, Any]], as_json: bool) -> None:
    """A list, a line for each row, written as it is read."""
    for piece in json_pieces.write_list(rows) if as_json else (f"{_join(row)}\n" for row in rows):
        click.echo(piece, nl=False)
    if as_json:
        click.echo()


def list_problems(heading: str, problems: Sequence[str], hint: str = "") -> None:
    """A heading and a line for each problem, and what may help, to standard error."""
    lines = [heading, *(f"  - {problem}" for problem in problems), *([hint] if hint else [])]
    click.echo("\n".join(lines), err=True)


def ask_first(question: str, yes: bool, lost: Sequence[str] = ()) -> None:
    """Say what is lost for good, and ask whoever sits at a terminal; a "no" ends with status 1.

    Scripts have nobody who could answer, and are not asked; with ``yes`` nothing is said at all.
    """
    if yes:
        return
    for sentence in lost:
        click.echo(sentence)
    if sys.stdin is not None and sys.stdin.isatty():  # None: it was closed
        click.confirm(question, abort=True)


def fail(sentence: str) -> NoReturn:
    """Say why not, and end with status 1."""
    click.echo(sentence, err=True)
    sys.exit(1)

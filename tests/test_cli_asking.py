"""Commands that lose something for good: they ask at a terminal, and only there."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from tests.apps import DOMAINS, let_in, make_app, make_group
from tests.people import Person, load_user, open_session
from tests.portal import ROOT

pytestmark = pytest.mark.settings(**DOMAINS)

ANN = "ann@example.org"
COMMANDS = {
    ("group", "delete", "staff"): ("Delete the group staff for good?", "The group was deleted."),
    ("app", "remove", "Wiki"): ("Remove Wiki for good?", "The app was removed."),
    ("user", "delete", ANN): (
        "Delete the account of ann@example.org for good?", "The account is deleted.",
    ),
    ("after-restore",): (
        "Sign everybody out and drop all links and waiting messages?", "login sessions:",
    ),
}  # fmt: skip
"""Each such command: what it asks, and what it says once it is done."""

LOST = {
    ("app", "remove", "Wiki"): [
        "Without it nobody may enter Wiki (https://wiki.example.org).",
        "With it go its settings, and whom it lets in: staff.",
    ],
    ("group", "delete", "staff"): [
        "The group lets its members into: Chat, Wiki.",
        "Without it nobody may enter: Wiki.",
    ],
}
"""What is told of what is lost, before anything else."""


@pytest.fixture(autouse=True)
def something_to_lose(app: Flask, new_person: Callable[..., Person]) -> None:
    """Ann, in a group and signed in; an app of that group alone, and one of another group too."""
    ann = new_person()
    with app.app_context():
        make_group("staff", [ann])
        make_group("board")
        let_in(make_app("Wiki"), "staff")
        let_in(chat := make_app("Chat"), "staff")
        let_in(chat, "board")
        open_session(load_user(ann.id))


@pytest.fixture
def at_terminal(environ: dict[str, str]) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs a command with a terminal as its standard input, where somebody types an answer."""

    def run(args: tuple[str, ...], typed: str) -> "subprocess.CompletedProcess[str]":
        keyboard, terminal = pty.openpty()
        try:
            os.write(keyboard, typed.encode())
            return subprocess.run(
                [sys.executable, "-m", "flask", *args], cwd=ROOT, stdin=terminal, text=True,
                capture_output=True, timeout=120, check=False,
                env={"PATH": os.environ["PATH"], **environ, **DOMAINS},
            )  # fmt: skip
        finally:
            os.close(terminal)
            os.close(keyboard)

    return run


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
class TestAsking:
    def test_a_no_loses_nothing(
        self,
        runner: FlaskCliRunner,
        at_terminal: Callable[..., "subprocess.CompletedProcess[str]"],
        args: tuple[str, ...],
    ) -> None:
        result = at_terminal(args, "n\n")
        question, done = COMMANDS[args]

        assert result.returncode == 1
        assert question in result.stdout + result.stderr
        assert result.stdout.splitlines()[: len(LOST.get(args, []))] == LOST.get(args, [])
        assert done not in result.stdout
        assert done in runner.invoke(args=[*args, "--yes"]).stdout, "it was still there"

    def test_a_yes_does_it(
        self, at_terminal: Callable[..., "subprocess.CompletedProcess[str]"], args: tuple[str, ...]
    ) -> None:
        result = at_terminal(args, "y\n")
        question, done = COMMANDS[args]

        assert result.returncode == 0, result.stderr
        assert question in result.stdout + result.stderr
        assert done in result.stdout

    def test_nobody_is_asked_where_there_is_no_terminal(
        self, runner: FlaskCliRunner, args: tuple[str, ...]
    ) -> None:
        result = runner.invoke(args=list(args), input="n\n")
        question, done = COMMANDS[args]

        assert result.exit_code == 0, result.output
        assert question not in result.output
        lines = result.stdout.splitlines()
        told = LOST.get(args, [])
        assert lines[: len(told)] == told
        assert done in "\n".join(lines[len(told) :])

    def test_nor_where_it_need_not_be(self, runner: FlaskCliRunner, args: tuple[str, ...]) -> None:
        result = runner.invoke(args=[*args, "--yes"])

        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(COMMANDS[args][1])


def test_a_closed_standard_input_is_no_terminal(environ: dict[str, str]) -> None:
    command = f"exec {sys.executable} -m flask user delete {ANN} <&-"
    result = subprocess.run(
        ["/bin/sh", "-c", command], cwd=ROOT, text=True, capture_output=True, timeout=120,
        check=False, env={"PATH": os.environ["PATH"], **environ},
    )  # fmt: skip

    assert (result.returncode, result.stdout) == (
        0, "The account is deleted. The person was told.\n"
    ), result.stderr  # fmt: skip

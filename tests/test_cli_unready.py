"""The command line and the server where settings, database or tables are missing."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text

from app import create_app
from config import Config
from extensions import db, writing
from services import readiness
from tests.conftest import QUICK
from tests.portal import ROOT, flask, start

EMPTY = "The database has no tables yet: run flask db upgrade."
OLD = "The database is older than this version of Gatepost: run flask db upgrade."
ANN = "ann@example.org"
COMMANDS = [
    ("user", "create", ANN), ("user", "invite", ANN), ("user", "list"), ("user", "show", ANN),
    ("user", "promote", ANN), ("user", "demote", ANN), ("user", "delete", ANN),
    ("user", "disable", ANN), ("user", "enable", ANN), ("user", "reset-two-factor", ANN),
    ("app", "add", "Wiki", "https://wiki.example.org"), ("app", "list", "--json"),
    ("app", "show", "Wiki"), ("app", "remove", "Wiki"),
    ("app", "check", "https://wiki.example.org", "--as", ANN),
    ("group", "create", "staff"), ("group", "delete", "staff"), ("group", "list"),
    ("group", "add", "staff", ANN), ("group", "remove", "staff", ANN),
    ("deliver", "--until-idle"), ("deliver",), ("sweep",), ("ready",),
]  # fmt: skip
Run = Callable[..., Result]


def run_on(config: Config, url: str) -> Run:
    """Runs commands of a portal whose database is another one."""
    app = create_app(dataclasses.replace(config, database_url=url))
    return lambda *args: app.test_cli_runner().invoke(args=list(args))


def only_line(result: Result) -> str:
    """What a command printed that ended with status 1 and in one line."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    (line,) = result.output.splitlines()
    return line


class TestBeforeTheFirstUpgrade:
    @pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
    def test_every_command_says_so_in_one_line(
        self, config: Config, tmp_path: Path, command: tuple[str, ...]
    ) -> None:
        run = run_on(config, f"sqlite:///{tmp_path}/new.db")
        assert only_line(run(*command)) == EMPTY
        assert not (tmp_path / "new.db").exists(), "nobody asked for a file"

    def test_an_empty_file_is_told_as_none(self, config: Config, tmp_path: Path) -> None:
        (tmp_path / "new.db").touch()
        assert only_line(run_on(config, f"sqlite:///{tmp_path}/new.db")("sweep")) == EMPTY

    def test_the_doctor_finds_it(self, config: Config, tmp_path: Path) -> None:
        run = run_on(config, f"sqlite:///{tmp_path}/new.db")
        result = run("doctor")
        assert result.exit_code == 1
        assert (
            result.output == "The database has no tables yet.\n    flask db upgrade   [database]\n"
        )

    def test_the_doctor_does_not_look_for_an_app_in_it(
        self, config: Config, tmp_path: Path
    ) -> None:
        run = run_on(config, f"sqlite:///{tmp_path}/new.db")
        result = run("doctor", "https://wiki.example.org", "--connect", "127.0.0.1:1")
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit), result.exception
        assert "[database]" in result.output

    def test_what_needs_no_database_works(self, config: Config, tmp_path: Path) -> None:
        run = run_on(config, f"sqlite:///{tmp_path}/new.db")
        assert run("mail", "test", ANN).exit_code == 0
        assert run("settings", "docs").exit_code == 0


class TestTablesOfAnotherVersion:
    @pytest.fixture(params=["0001", "9999"])
    def version(self, app: Flask, request: pytest.FixtureRequest) -> Iterator[str]:
        with app.app_context(), writing() as session:
            newest = session.scalar(text("SELECT version_num FROM alembic_version"))
            session.execute(
                text("UPDATE alembic_version SET version_num = :v"), {"v": request.param}
            )
        yield str(request.param)
        with app.app_context(), writing() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": newest})

    def test_every_command_says_so_in_one_line(self, app: Flask, version: str) -> None:
        told = {
            "0001": OLD,
            "9999": "The database belongs to another version of Gatepost than this one.",
        }
        run = app.test_cli_runner()
        for command in COMMANDS:
            assert only_line(run.invoke(args=list(command))) == told[version], command

    def test_only_older_ones_can_be_upgraded(self, app: Flask, version: str) -> None:
        with app.app_context():
            problem = readiness.find_problem()
        assert problem is not None
        assert problem.asks_for_upgrade == (version == "0001")


class TestWithoutADatabase:
    URLS = (
        ("postgresql+psycopg://ann:pass-word@127.0.0.1:1/gatepost?sslpassword=pass-word",
         "The database postgresql://ann@127.0.0.1:1/gatepost cannot be used (Connection refused)."),
        ("sqlite:////no/folder/x.db",
         "The database sqlite:////no/folder/x.db cannot be used (unable to open database file)."),
    )  # fmt: skip

    @pytest.mark.parametrize(("url", "sentence"), URLS, ids=["postgresql", "sqlite"])
    def test_every_command_names_it_without_its_password(
        self, config: Config, url: str, sentence: str
    ) -> None:
        run = run_on(config, url)
        for command in COMMANDS:
            assert only_line(run(*command)) == sentence, command

    def test_one_that_fails_half_way_is_told_too(self, app: Flask) -> None:
        with app.app_context(), writing() as session:
            session.execute(text("ALTER TABLE users RENAME TO away"))
        try:
            result = app.test_cli_runner().invoke(args=["user", "show", ANN])
        finally:
            with app.app_context(), writing() as session:
                session.execute(text("ALTER TABLE away RENAME TO users"))
        if db_is_sqlite(app):  # whose missing tables are no fault of the program
            assert "cannot be used (no such table: users)" in only_line(result)

    @pytest.mark.parametrize(("url", "sentence"), URLS, ids=["postgresql", "sqlite"])
    @pytest.mark.parametrize("command", ["upgrade", "current"])
    def test_migrations_name_it_too(
        self, tmp_path: Path, command: str, url: str, sentence: str
    ) -> None:
        result = flask(tmp_path, "db", command, **QUICK, GATEPOST_DATABASE_URL=url)
        assert (result.returncode, result.stdout, result.stderr) == (1, "", f"Error: {sentence}\n")


class TestWithoutSettings:
    @pytest.mark.parametrize(
        "args",
        [["--help"], ["user", "--help"], ["user", "show", "--help"], ["db", "upgrade", "--help"]],
        ids=" ".join,
    )
    def test_help_is_given(self, tmp_path: Path, args: list[str]) -> None:
        result = flask(tmp_path, *args)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith("Usage: ")
        if args == ["--help"]:
            listed = {line.split()[0] for line in result.stdout.splitlines() if line[:2] == "  "}
            assert {"app", "db", "deliver", "doctor", "group", "mail", "ready", "settings", "sms",
                    "sweep", "user"} <= listed  # fmt: skip

    @pytest.mark.parametrize("args", [[], ["user"], ["db"]], ids=["none", "user", "db"])
    def test_half_a_command_tells_what_there_is(self, tmp_path: Path, args: list[str]) -> None:
        result = flask(tmp_path, *args)
        assert (result.stdout + result.stderr).startswith("Usage: ")

    @pytest.mark.parametrize("args", [["user", "show", ANN], ["db", "upgrade"], ["routes"]])
    def test_what_does_something_says_all_that_is_missing(
        self, tmp_path: Path, args: list[str]
    ) -> None:
        result = flask(tmp_path, *args)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("Gatepost does not start: its settings have problems.\n")
        assert "GATEPOST_SECRET_KEY is needed" in result.stderr


def db_is_sqlite(app: Flask) -> bool:
    with app.app_context():
        return db.engine.dialect.name == "sqlite"


class TestServing:
    def test_a_start_without_tables_is_refused_with_what_to_run(self, tmp_path: Path) -> None:
        with pytest.raises(AssertionError, match="did not start") as failed:
            start(tmp_path, QUICK, workers=1)
        assert f"Gatepost does not start. {EMPTY}" in str(failed.value)
        assert "Traceback" not in str(failed.value)

    def test_a_database_that_is_away_is_waited_for_by_a_ready_process(self, tmp_path: Path) -> None:
        settings = {
            **os.environ, **QUICK, "GATEPOST_INSTANCE_DIR": str(tmp_path),
            "GATEPOST_DATABASE_URL": "postgresql://ann:pass-word@127.0.0.1:1/gatepost",
        }  # fmt: skip
        ask = "import gc, os, app; print(app.serve().test_client().get('/readyz').status);"
        ask += "print(gc.get_freeze_count() > 50_000, flush=True); os._exit(0)"
        result = subprocess.run(
            [sys.executable, "-c", ask], cwd=ROOT, env=settings, text=True,
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        status, has_frozen = result.stdout.splitlines()[-2:]
        assert status == "503 SERVICE UNAVAILABLE", result.stderr
        assert has_frozen == "True", "what starting made is in the garbage collector's rounds"
        assert "postgresql://ann@127.0.0.1:1/gatepost cannot be used" in result.stderr
        assert "pass-word" not in result.stderr

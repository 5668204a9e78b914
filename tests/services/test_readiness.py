"""Whether a process can serve: told in a word, without an error's text."""

import dataclasses
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app
from config import Config
from extensions import db, writing
from services import readiness


def word() -> str | None:
    """What ``/readyz`` says."""
    problem = readiness.find_problem()
    return problem.word if problem else None


def problem_of(config: Config) -> str | None:
    """What a portal with these settings says of itself."""
    with create_app(config).app_context():
        try:
            return word()
        finally:
            db.session.remove()
            db.engine.dispose()


@pytest.mark.usefixtures("context")
def test_a_prepared_database_is_ready() -> None:
    assert readiness.find_problem() is None


@pytest.mark.usefixtures("context")
def test_tables_of_another_version_are_not() -> None:
    with writing() as session:
        version = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    try:
        assert word() == "database not upgraded"
    finally:
        with writing() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})

    assert readiness.find_problem() is None


@pytest.mark.parametrize(
    "url",
    ["sqlite:///{folder}/empty.db", "sqlite:////no/such/folder/x.db",
     "postgresql+psycopg://ann:pass-word@127.0.0.1:1/x"],
)  # fmt: skip
def test_no_database_or_an_empty_one_is_not_and_no_more_is_said(
    config: Config, tmp_path: Path, url: str
) -> None:
    broken = dataclasses.replace(config, database_url=url.format(folder=tmp_path))
    assert problem_of(broken) == "database unavailable or not prepared"


def test_tables_that_cannot_be_read_ask_for_no_upgrade(context: Flask) -> None:
    with writing() as session:
        session.execute(text("ALTER TABLE alembic_version RENAME COLUMN version_num TO other"))
    try:
        problem = readiness.find_problem()
        assert problem
        assert not problem.asks_for_upgrade
        assert problem.word == "database unavailable or not prepared"
    finally:
        with writing() as session:
            session.execute(text("ALTER TABLE alembic_version RENAME COLUMN other TO version_num"))

    assert readiness.find_problem() is None


def test_a_session_goes_on_after_a_problem(context: Flask) -> None:
    with writing() as session:
        session.execute(text("ALTER TABLE alembic_version RENAME TO away"))
    try:
        assert word() == "database unavailable or not prepared"
    finally:
        with writing() as session:
            session.execute(text("ALTER TABLE away RENAME TO alembic_version"))

    assert readiness.find_problem() is None

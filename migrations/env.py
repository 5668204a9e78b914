"""Runs migrations on the app's own database; called by ``flask db``."""

from typing import Any

import click
from alembic import context
from alembic.util import CommandError
from flask import current_app
from sqlalchemy.exc import OperationalError

from extensions import db
from models import UtcDateTime
from models_apps import App
from services import readiness


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Write our column type into migrations as plain SQLAlchemy: they must outlive the models."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


TABLES = App.metadata
"""Of every module that has been imported: ``models_apps`` stands on ``models``."""


def run_migrations() -> None:
    """Upgrade or downgrade in one transaction, as far as the database can."""
    options = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=TABLES,
            render_item=render_item,
            **options,
        )
        with context.begin_transaction():
            context.run_migrations()


try:
    run_migrations()
except OperationalError as error:
    raise click.ClickException(f"{readiness.explain(error)}.") from error
except CommandError as error:
    raise click.ClickException(str(readiness.find_problem() or error)) from error

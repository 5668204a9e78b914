"""Runs migrations on the app's own database; called by ``flask db``."""

from typing import Any

from alembic import context
from flask import current_app

from extensions import db
from models import UtcDateTime
from models_apps import App


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


run_migrations()

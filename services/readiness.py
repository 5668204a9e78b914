"""Can this process serve: does the database answer, and has it this version's tables?"""

from functools import lru_cache
from pathlib import Path

from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from config import ROOT
from extensions import db


def find_problem() -> str | None:
    """None where all is well, else a word for the operator: no host, no version, no error text."""
    try:
        version = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    except SQLAlchemyError:
        db.session.rollback()
        return "database unavailable or not prepared"
    return None if version == newest_revision(ROOT / "migrations") else "database not upgraded"


@lru_cache
def newest_revision(folder: Path) -> str | None:
    """The revision that the migrations of this version lead to."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(folder))
    return ScriptDirectory.from_config(config).get_current_head()

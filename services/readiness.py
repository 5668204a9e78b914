"""Can this process serve: does the database answer, and has it this version's tables?"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from config import ROOT
from extensions import db

UPGRADE = "flask db upgrade"
_AWAY = "database unavailable or not prepared"
_BEHIND = "database not upgraded"
_TABLE = "alembic_version"
_VERSION = text("SELECT version_num FROM alembic_version")


@dataclass(frozen=True)
class Problem:
    """What keeps a process from serving."""

    word: str
    """For everybody: no host, no version, no error text."""
    sentence: str
    """For the operator alone."""
    mend: str

    @property
    def asks_for_upgrade(self) -> bool:
        """Whether the tables are missing or old: a start would be in vain."""
        return self.mend == UPGRADE

    def __str__(self) -> str:
        return self.sentence + (f": run {UPGRADE}." if self.asks_for_upgrade else ".")


def find_problem() -> Problem | None:
    """None where all is well. Leaves the session usable, and makes no SQLite file."""
    if _file_is_missing():
        return Problem(_AWAY, "The database has no tables yet", UPGRADE)
    try:
        if not inspect(db.session.connection()).has_table(_TABLE):
            return Problem(_AWAY, "The database has no tables yet", UPGRADE)
        return _judge(db.session.scalar(_VERSION))
    except SQLAlchemyError as error:
        db.session.rollback()
        mend = "start the database, or correct GATEPOST_DATABASE_URL"
        return Problem(_AWAY, explain(error), mend)


def explain(error: SQLAlchemyError) -> str:
    """Which database did not do its work, without its password, and what its driver says."""
    reason = str(error.orig if isinstance(error, DBAPIError) else error)
    first = reason.partition("\n")[0].rpartition(" failed: ")[2]
    said = first.removeprefix("FATAL:").strip(" .")
    return f"The database {_address(db.engine.url)} cannot be used ({said})"


@lru_cache
def newest_revision(folder: Path) -> str | None:
    """The revision that the migrations of this version lead to."""
    return _migrations(folder).get_current_head()


def _judge(version: str | None) -> Problem | None:
    folder = ROOT / "migrations"
    if version == newest_revision(folder):
        return None
    known = {step.revision for step in _migrations(folder).walk_revisions()}
    if version is None or version in known:
        return Problem(_BEHIND, "The database is older than this version of Gatepost", UPGRADE)
    sentence = "The database belongs to another version of Gatepost than this one"
    return Problem(_BEHIND, sentence, "run the version of Gatepost that upgraded it")


@lru_cache
def _migrations(folder: Path) -> ScriptDirectory:
    config = AlembicConfig()
    config.set_main_option("script_location", str(folder))
    return ScriptDirectory.from_config(config)


def _address(url: URL) -> str:
    shown = URL.create(
        url.get_backend_name(), url.username, host=url.host, port=url.port, database=url.database
    )
    return shown.render_as_string()


def _file_is_missing() -> bool:
    """Whether there is a folder for the SQLite file and no file: to connect would make one."""
    url = db.engine.url
    path = Path(url.database or ".")
    return url.get_backend_name() == "sqlite" and path.parent.is_dir() and not path.exists()

"""Long lists, page by page: by keyset, so that the last page is as quick as the first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select

from extensions import db, end_reading

Row = TypeVar("Row")

PAGE = 50
LARGEST_ID = 2**31 - 1
STEP = 500
"""Rows read at once where all are read."""


def bounded(after: int) -> int:
    """An id that came in an address, as far as a database's integers go."""
    return max(0, min(after, LARGEST_ID))


@dataclass(frozen=True)
class Listed(Generic[Row]):
    """Some rows, and the key after which the next ones begin ("": there are none)."""

    rows: Sequence[Row]
    next_after: str


def cut(rows: Sequence[Row], key: Callable[[Row], object], size: int = PAGE) -> Listed[Row]:
    """A page of rows of which one more than ``size`` was asked for."""
    shown = rows[:size]
    return Listed(shown, str(key(shown[-1])) if len(rows) > size else "")


def read_all(statement: Select[Any], key: Any, *, newest_first: bool = False) -> Iterator[Any]:
    """Every row of a statement, by a table's id, a step at a time: no read lasts as long as what
    is done with the rows.
    """
    last = LARGEST_ID if newest_first else 0
    order = key.desc() if newest_first else key
    while True:
        rest = statement.where(key < last if newest_first else key > last)
        rows = db.session.scalars(rest.order_by(order).limit(STEP)).all()
        end_reading()
        yield from rows
        if len(rows) < STEP:
            return
        last = rows[-1].id

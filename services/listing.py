"""Long lists, page by page: by keyset, so that the last page is as quick as the first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")

PAGE = 50
LARGEST_ID = 2**31 - 1


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

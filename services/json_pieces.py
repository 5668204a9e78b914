"""A JSON document piece by piece: long lists are written as they are read."""

import json
from collections.abc import Iterable, Iterator
from textwrap import indent
from typing import Any


def write(value: object) -> str:
    """One value, indented; times are ISO 8601."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=lambda time: time.isoformat())


def write_list(rows: Iterable[Any], margin: str = "") -> Iterator[str]:
    """A list, row after row, below something that stands at a margin of spaces."""
    empty = True
    for row in rows:
        yield ("[\n" if empty else ",\n") + indent(write(row), f"{margin}  ")
        empty = False
    yield "[]" if empty else f"\n{margin}]"

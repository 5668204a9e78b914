"""A message on the developer's terminal, in one clear block."""

import sys
import textwrap


def show(title: str, text: str) -> None:
    """Write a message to standard output in one piece, so that two never mix."""
    body = textwrap.indent(text.rstrip("\n"), "  | ", lambda _line: True)
    sys.stdout.write(f"\n  +-- {title}\n{body}\n  +--\n\n")
    sys.stdout.flush()

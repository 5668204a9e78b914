"""The recipe of ``docs/forward-auth.md`` for an nginx that keeps verdicts."""

import re
from pathlib import Path

from tests.portal import ROOT


def recipe(cache: Path, mark: Path) -> tuple[str, str]:
    """What the docs put inside ``http {}``, and what into the location of the verdict."""
    page = (ROOT / "docs" / "forward-auth.md").read_text().partition("## A faster nginx")[2]
    outside, inside = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    return (
        outside.replace("/run/gatepost-verdicts", str(cache)),
        inside.replace("/run/gatepost/mark", str(mark)),
    )

"""What the doctor finds: a name, a sentence, and the line that mends it, by proxy.

The words about proxies stand in ``findings.toml``, beside this file.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

_WORDS = tomllib.loads(Path(__file__).with_name("findings.toml").read_text())


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. ``name`` is for programs, the rest for people."""

    name: str
    text: str
    mend: str


def found(name: str, kind: str = "", **values: str) -> Finding:
    """A finding about a proxy, with the remedy for its kind ("" = not known)."""
    words = _WORDS["findings"][name]
    remedies = _WORDS["remedies"][words["remedy"]] if "remedy" in words else words
    remedy = remedies.get(kind) or remedies.get("any") or "\n    ".join(remedies.values())
    return Finding(name, _fill_in(words["text"], values), _fill_in(remedy, values))


def _fill_in(words: str, values: dict[str, str]) -> str:
    return re.sub(r"<(\w+)>", lambda found: values.get(found[1], found[0]), words)

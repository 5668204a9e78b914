"""The rules of the house that a machine can hold: functions from a source file to its breaches.

``docs/architecture.md`` says why they are rules; ``test_architecture.py`` holds them.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LAYERS = ("config", "extensions", "models", "services", "blueprints", "cli", "app")
"""From the bottom to the top: a layer imports itself and what stands before it."""

BESIDE = {
    "config_checks": "config",
    "config_docs": "config",
    "config_domains": "config",
    "config_values": "config",
    "logs": "config",
    "models_apps": "models",
    "cli_apps": "cli",
    "cli_users": "cli",
    "cli_doctor": "cli",
    "cli_output": "cli",
}
"""Modules at the root that belong to a layer under another name."""

ONLY_IMPORTER_OF_TWILIO = "services/sms/twilio.py"
ONLY_NAMER_OF_SESSION_KEYS = "blueprints/pending.py"
ONLY_READERS_OF_THE_CLOCK = frozenset({"services/clock.py", "services/limits.py"})
NO_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "misc"})

OF_A_REQUEST = frozenset(
    {"request", "session", "g", "redirect", "url_for", "flash", "abort", "make_response", "jsonify"}
)
WEB_PACKAGES = frozenset({"flask_login", "flask_wtf", "wtforms", "werkzeug"})
STATEMENTS = frozenset({"select", "insert", "update", "delete", "text", "exists"})
SLOW_WORK = frozenset({"hash_password", "verify_password", "needs_rehash", "make_gateway", "sleep"})
TRANSACTIONS = frozenset({"writing", "counting", "begin_nested"})
CLOCKS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"})


@dataclass(frozen=True)
class Source:
    """A Python file of the project: its path from the root, with slashes, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The file, parsed."""
        return ast.parse(self.text)

    @property
    def layer(self) -> str:
        """The layer that the file belongs to, "" for none (tests, migrations)."""
        first = _layer_of(self.path.split("/")[0].removesuffix(".py"))
        return first if first in LAYERS else ""


def read_sources(root: Path, *folders: str) -> list[Source]:
    """Every Python file at the root and in these folders below it."""
    paths = [*root.glob("*.py"), *(p for folder in folders for p in (root / folder).rglob("*.py"))]
    return [Source(p.relative_to(root).as_posix(), p.read_text()) for p in sorted(paths)]


def find_upward_imports(source: Source) -> list[str]:
    """Imports point down or sideways: app, cli -> blueprints -> services -> models -> ..."""
    if not source.layer:
        return []
    own = LAYERS.index(source.layer)
    names = (_layer_of(name) for name in _imports(source.tree))
    return [name for name in names if name in LAYERS and LAYERS.index(name) > own]


def find_twilio(source: Source) -> list[str]:
    """Twilio is known in one file only."""
    if source.path == ONLY_IMPORTER_OF_TWILIO:
        return []
    return [name for name in _imports(source.tree) if name.split(".")[0] == "twilio"]


def find_hidden_imports(source: Source) -> list[str]:
    """No imports inside functions."""
    return [ast.unparse(node) for node in _imports_inside_functions(source.tree)]


def find_vague_names(source: Source) -> list[str]:
    """No utils, helpers, common or misc modules."""
    parts = source.path.removesuffix(".py").split("/")
    return [part for part in parts if set(part.split("_")) & NO_NAMES]


def find_session_keys(source: Source) -> list[str]:
    """Flask's session is touched in one file only, so that its keys are named there alone."""
    if source.path == ONLY_NAMER_OF_SESSION_KEYS:
        return []
    return [name for name in _names_from(source.tree, "flask") if name == "session"]


def find_requests_in_services(source: Source) -> list[str]:
    """Services know nothing of requests, forms or pages."""
    if source.layer not in {"services", "models", "extensions", "config"}:
        return []
    web = [n for n in _imports(source.tree) if n.split(".")[0] in WEB_PACKAGES]
    if source.layer == "extensions":
        web = []
    return web + [n for n in _names_from(source.tree, "flask") if n in OF_A_REQUEST]


def find_sql_in_views(source: Source) -> list[str]:
    """Blueprints and the command line hold no SQL and commit nothing."""
    if source.layer not in {"blueprints", "cli"}:
        return []
    statements = [n for n in _names_from(source.tree, "sqlalchemy") if n in STATEMENTS]
    transactions = [n for n in _names_from(source.tree, "extensions") if n == "writing"]
    return statements + transactions + [c for c in _calls(source.tree) if c.endswith(".commit")]


def find_acts_in_models(source: Source) -> list[str]:
    """Models never commit, and no table's class asks the database by itself."""
    if source.layer != "models":
        return []
    acts = (".commit", ".execute", ".scalar", ".scalars", ".flush")
    return [call for call in _calls(source.tree) if call.endswith(acts)]


def find_slow_transactions(source: Source) -> list[str]:
    """No hashing and no gateway inside a write transaction."""
    blocks = (n for n in ast.walk(source.tree) if isinstance(n, ast.With))
    writing = (b for b in blocks if any(_last(i.context_expr) in TRANSACTIONS for i in b.items))
    inside = (call for block in writing for part in block.body for call in _calls(part))
    return [call for call in inside if call.split(".")[-1] in SLOW_WORK]


def find_other_clocks(source: Source) -> list[str]:
    """The time comes from one function, so that all mean the same by "now"."""
    if not source.layer or source.path in ONLY_READERS_OF_THE_CLOCK:
        return []
    return [call for call in _calls(source.tree) if call in CLOCKS]


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _layer_of(module: str) -> str:
    first = module.split(".")[0]
    return BESIDE.get(first, first)


def _imports_inside_functions(tree: ast.AST, inside: bool = False) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if inside and isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        yield from _imports_inside_functions(node, inside or isinstance(node, _FUNCTIONS))


def _imports(tree: ast.AST) -> Iterator[str]:
    """The module names that a tree imports, by statement or by ``import_module("name")``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."
        elif isinstance(node, ast.Call) and _last(node) == "import_module":
            yield from (a.value for a in node.args if isinstance(a, ast.Constant))


def _names_from(tree: ast.AST, package: str) -> Iterator[str]:
    """The names that a tree takes from a package: ``from flask import g`` and ``flask.g``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == package:
            yield node.attr


def _calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def _last(node: ast.expr) -> str:
    """The last name of what is called: ``writing`` in ``extensions.writing()``."""
    return ast.unparse(node.func).split(".")[-1] if isinstance(node, ast.Call) else ""

"""The rules of the house (docs/architecture.md), held by reading the code.

Each rule is also seen to fail, on a breach planted in a file of its own.
"""

from collections.abc import Callable

import pytest

from config import ROOT
from tests import rules
from tests.rules import Source

CODE = rules.read_sources(ROOT, "blueprints", "services", "migrations")
ALL = rules.read_sources(ROOT, "blueprints", "services", "migrations", "tests", "bench")

Rule = Callable[[Source], list[str]]

RULES: dict[Rule, list[Source]] = {
    rules.find_upward_imports: CODE,
    rules.find_twilio: CODE,
    rules.find_hidden_imports: ALL,
    rules.find_vague_names: ALL,
    rules.find_session_keys: CODE,
    rules.find_requests_in_services: CODE,
    rules.find_sql_in_views: CODE,
    rules.find_acts_in_models: CODE,
    rules.find_slow_transactions: CODE,
    rules.find_other_clocks: CODE,
}

BREACHES: list[tuple[Rule, str, str]] = [
    (rules.find_upward_imports, "config.py", "import extensions"),
    (rules.find_upward_imports, "extensions.py", "from models import User"),
    (rules.find_upward_imports, "models.py", "from services.clock import now"),
    (rules.find_upward_imports, "services/x.py", "from blueprints import guard"),
    (rules.find_upward_imports, "services/sms/x.py", "import blueprints.guard as g"),
    (rules.find_upward_imports, "services/x.py", "importlib.import_module('blueprints.pages')"),
    (rules.find_upward_imports, "services/x.py", "def f():\n    from app import create_app"),
    (rules.find_upward_imports, "blueprints/auth/x.py", "import cli"),
    (rules.find_upward_imports, "config_docs.py", "from models import User"),
    (rules.find_twilio, "services/phones.py", "from twilio.rest import Client"),
    (rules.find_twilio, "services/sms/__init__.py", "import_module('twilio.rest')"),
    (rules.find_hidden_imports, "services/x.py", "def f():\n    import json"),
    (rules.find_hidden_imports, "services/x.py", "class A:\n  async def f(): from a import b"),
    (rules.find_vague_names, "services/utils.py", ""),
    (rules.find_vague_names, "blueprints/common/forms.py", ""),
    (rules.find_vague_names, "tests/phone_helpers.py", ""),
    (rules.find_session_keys, "blueprints/auth/x.py", "from flask import session"),
    (rules.find_session_keys, "blueprints/auth/x.py", "import flask\nflask.session['a'] = 1"),
    (rules.find_requests_in_services, "services/x.py", "from flask import request"),
    (rules.find_requests_in_services, "services/x.py", "from flask import g as here"),
    (rules.find_requests_in_services, "services/x.py", "import flask\nflask.request.form"),
    (rules.find_requests_in_services, "services/x.py", "from flask_login import current_user"),
    (rules.find_requests_in_services, "models.py", "from wtforms import Form"),
    (rules.find_sql_in_views, "blueprints/x.py", "from sqlalchemy import select"),
    (rules.find_sql_in_views, "blueprints/x.py", "from extensions import writing"),
    (rules.find_sql_in_views, "blueprints/x.py", "db.session.commit()"),
    (rules.find_acts_in_models, "models.py", "def f(s): s.commit()"),
    (rules.find_slow_transactions, "services/x.py", "with writing() as s:\n  hash_password(p)"),
    (
        rules.find_slow_transactions,
        "services/x.py",
        "with codes.counting(u, c):\n  if a:\n    hashing.verify_password(h, p)",
    ),
    (rules.find_other_clocks, "services/x.py", "at = datetime.now(UTC)"),
    (rules.find_other_clocks, "blueprints/x.py", "time.time()"),
]

FINE: list[tuple[Rule, str, str]] = [
    (rules.find_upward_imports, "services/x.py", "from services import limits\nimport models"),
    (rules.find_upward_imports, "tests/x.py", "from app import create_app"),
    (rules.find_twilio, "services/sms/twilio.py", "importlib.import_module('twilio.rest')"),
    (rules.find_session_keys, "blueprints/pending.py", "from flask import session"),
    (rules.find_session_keys, "services/x.py", "from extensions import writing as session"),
    (rules.find_slow_transactions, "services/x.py", "h = hash_password(p)\nwith writing(): pass"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_code_keeps_the_rule(rule: Rule) -> None:
    breaches = {source.path: rule(source) for source in RULES[rule]}

    assert not {path: found for path, found in breaches.items() if found}, rule.__doc__


@pytest.mark.parametrize(("rule", "path", "text"), BREACHES)
def test_a_planted_breach_is_found(rule: Rule, path: str, text: str) -> None:
    assert rule(Source(path, text)), rule.__doc__


@pytest.mark.parametrize(("rule", "path", "text"), FINE)
def test_what_is_allowed_is_no_breach(rule: Rule, path: str, text: str) -> None:
    assert not rule(Source(path, text)), rule.__doc__


def test_every_module_at_the_root_belongs_to_a_layer() -> None:
    assert [s.path for s in CODE if "/" not in s.path and not s.layer] == []


def test_every_rule_was_seen_to_fail() -> None:
    assert {rule for rule, _, _ in BREACHES} == set(RULES)


def test_the_rules_see_the_code() -> None:
    paths = {source.path for source in CODE}

    assert {"app.py", "services/phones.py", "blueprints/auth/sign_in.py"} <= paths
    assert rules.ONLY_IMPORTER_OF_TWILIO in paths
    assert rules.ONLY_NAMER_OF_SESSION_KEYS in paths
    assert paths >= rules.ONLY_READERS_OF_THE_CLOCK

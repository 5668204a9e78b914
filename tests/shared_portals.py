"""Portals in this process: made once for each set of settings, and lent to one test after another.

Half of a page's time in a new portal is the compiling of its addresses and templates.
A test that changes its portal marks itself ``own_app`` and is given a new one; what
another test changed all the same is seen when it is given back, and thrown away.
"""

from collections import OrderedDict
from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from app import create_app
from config import Config
from extensions import db

MOST_KEPT = 4


class CompiledTemplates(BytecodeCache):
    """The code of templates, for every portal of this process: by name and source."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the code of this source, if another portal compiled it."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


_templates = CompiledTemplates()


class SharedPortals:
    """The portals of this process that nobody is using."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Config, tuple[Flask, Any]] = OrderedDict()
        self._lent: dict[Flask, Any] = {}

    def lend(self, config: Config, *, new: bool = False) -> Flask:
        """A portal with these settings that only the caller uses until it is taken back."""
        if new or config not in self._kept:
            app = new_app(config)
            made = _describe(app)
        else:
            app, made = self._kept.pop(config)
        self._lent[app] = made
        return app

    def take_back(self, app: Flask) -> None:
        """Keep a portal for the next test with its settings, if it is as it was made."""
        made = self._lent.pop(app)
        with app.app_context():
            db.engine.dispose()
        app.extensions["gatepost-gate"].registry.forget()  # the next database counts from 1 again
        if _describe(app) == made:
            self._kept[app.extensions["gatepost"]] = app, made
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def new_app(config: Config) -> Flask:
    """A new portal; its templates are compiled once for all of them."""
    app = create_app(config)
    app.jinja_env.bytecode_cache = _templates
    return app


def _describe(app: Flask) -> Any:
    """What a test could change in a portal."""
    hooks = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
    return (
        app.extensions["gatepost"],
        dict(app.config),
        list(app.url_map.iter_rules()),
        dict(app.view_functions),
        [{name: list(functions) for name, functions in hook.items()} for hook in hooks],
        dict(app.jinja_env.globals),
        dict(app.jinja_env.filters),
    )

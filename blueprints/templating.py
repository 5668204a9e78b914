"""How templates are looked up and what they share. Renders nothing."""

from collections import ChainMap
from collections.abc import MutableMapping
from typing import Any

from flask.templating import Environment


class TemplateEnvironment(Environment):
    """Flask's, with one set of globals for all templates.

    Jinja lays a map of each template's own over them and compares the two, name by name in
    Python, at every ``import`` of every page: a sixth of what the sign-in page costs. No
    template of ours has any of its own.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals of a template: the shared ones themselves, unless it brings its own."""
        return self.globals if d is None else ChainMap(d, self.globals)

"""How templates are looked up and what they share. Renders nothing."""

from collections import ChainMap
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask.templating import Environment
from flask_babel import get_locale
from flask_login import current_user

from blueprints.gate import entry
from extensions import settings
from services import access_requests, apps


class TemplateEnvironment(Environment):
    """Flask's, with one set of globals for all templates.

    Jinja lays a map of each template's own over them and compares the two, name by name in
    Python, at every ``import`` of every page: a sixth of what the sign-in page costs. No
    template of ours has any of its own.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals of a template: the shared ones themselves, unless it brings its own."""
        return self.globals if d is None else ChainMap(d, self.globals)


@dataclass(frozen=True)
class Portal:
    """How the portal presents itself, for templates."""

    name: str
    logo_url: str | None
    has_accent: bool
    support_contact: str
    time_zone: str


def template_globals() -> dict[str, Any]:
    """What every template may use."""
    config = settings()
    return {
        "current_user": current_user,
        "portal": Portal(
            name=config.portal_name,
            logo_url=url_for("site.logo") if config.portal_logo else None,
            has_accent=bool(config.accent_colour),
            support_contact=config.support_contact,
            time_zone=config.time_zone,
        ),
        "onward": entry.onward,
        "portal_has_apps": apps.any_there,
        "count_waiting": access_requests.count_waiting,
        "development": config.development,
        "registration": config.registration,
        "language": str(get_locale() or "en"),
    }

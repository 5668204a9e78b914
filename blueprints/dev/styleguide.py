"""Every component in every state, to look at and to test."""

from flask import Response

from blueprints import guard
from blueprints.dev import dev
from blueprints.pages import page


@dev.get("/styleguide")
@guard.public
def styleguide() -> Response:
    """Show the style guide."""
    return page("dev/styleguide")

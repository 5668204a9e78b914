"""Who attacks on the way into an app meet: a portal with apps in two domains, in this process."""

import pytest
from flask import Flask

from tests.people import Person
from tests.traveller import Traveller, make_doors, signed_in


@pytest.fixture
def ann(app: Flask) -> Person:
    """A person who may enter all of the apps."""
    return make_doors(app)


@pytest.fixture
def browser(app: Flask, ann: Person) -> Traveller:
    """Ann's, signed in at the portal."""
    return signed_in(app, ann)

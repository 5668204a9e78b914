"""Which addresses are an app's, and whose cookie lets into it."""

import pytest

from extensions import writing
from models_apps import App, AppAddress
from services.clock import now
from services.gate import entry
from services.gate.entry import AddressRefused
from tests.apps import make_app
from tests.traveller import SETTINGS

pytestmark = [pytest.mark.settings(**SETTINGS), pytest.mark.usefixtures("context")]


def plant(origin: str) -> None:
    """An app as settings of another day allowed it."""
    with writing() as session:
        app = App(name="Old", for_everyone=True, created_at=now())
        app.addresses = [AppAddress(origin=origin)]
        session.add(app)


@pytest.mark.parametrize(
    "origin", ["https://wiki.elsewhere.test", "https://login.example.org", "https://example.com"]
)
def test_an_app_outside_of_the_domains_or_on_the_portal_s_host_is_none(origin: str) -> None:
    plant(origin)

    with pytest.raises(AddressRefused):
        entry.find_wanted(f"{origin}/")


@pytest.mark.parametrize(
    ("origin", "own_cookie", "domain"),
    [
        ("https://wiki.example.org", False, "example.org"),
        ("https://a.b.example.org:8443", False, "example.org"),
        ("https://example.org", False, "example.org"),
        ("https://wiki.example.org", True, ""),
        ("https://wiki.example.net", False, ""),
    ],
)
def test_the_domain_s_cookie_lets_into_the_apps_of_the_portal_s_own_domain(
    origin: str, own_cookie: bool, domain: str
) -> None:
    make_app("Wiki", origin, own_cookie=own_cookie)

    assert entry.shared_domain(entry.find_wanted(f"{origin}/x?y")) == domain

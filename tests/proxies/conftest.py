"""Fixtures of the proxies' tests. Without a proxy's program its tests are skipped with a line
that says how to get it; where ``CI=true`` that is a failure.
"""

import os

import pytest

from tests.proxies import kinds
from tests.standins.certificate import Certificate, make_certificate

HOSTS = ("wiki.example.org", "strong.example.org", "open.example.org", "wiki.example.net")


def need(kind: str) -> None:
    """Skip the test, or in CI let it fail, where a proxy is not installed."""
    if missing := kinds.missing(kind):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """One certificate for every host of the tests."""
    return make_certificate(tmp_path_factory.mktemp("certificate"), *HOSTS)

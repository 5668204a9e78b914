"""What the doctor sees from inside: whom each app lets in, and messages that wait."""

import pytest
import time_machine

from extensions import settings
from services.clock import now
from services.doctor import own
from tests.apps import DOMAINS, let_in, make_app, make_group
from tests.messages import queue

pytestmark = [
    pytest.mark.settings(**DOMAINS, GATEPOST_TRUSTED_PROXIES="unix"),
    pytest.mark.usefixtures("context"),
]


def examine() -> dict[str, str]:
    """The sentences of what was found, by name."""
    return {finding.name: finding.text for finding in own.examine(settings())}


def test_an_app_that_lets_nobody_in_any_more_is_found(clock: time_machine.Traveller) -> None:
    make_group("staff")
    wiki = make_app("Wiki")
    make_app("Lunch", for_everyone=True)
    assert examine() == {"app-for-nobody": "Nobody may enter Wiki."}

    let_in(wiki, "staff")
    assert examine() == {}

    let_in(wiki, "staff", now())
    assert examine() == {"app-for-nobody": "Nobody may enter Wiki."}


def test_a_message_that_nobody_takes_is_found(clock: time_machine.Traveller) -> None:
    queue()
    clock.shift(own.WAIT)
    assert examine() == {}

    clock.shift(1)
    said = examine()["worker"]
    assert said == "Messages have waited for the delivery worker since 2026-03-02 09:00 UTC."

"""What the doctor sees from inside: whom each app lets in, messages that wait, the mail server."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import time_machine

from extensions import settings
from services.clock import now
from services.doctor import own
from tests.apps import DOMAINS, let_in, make_app, make_group
from tests.messages import queue
from tests.portal import free_port
from tests.standins.smtp import SmtpStandin

pytestmark = [
    pytest.mark.settings(**DOMAINS, GATEPOST_TRUSTED_PROXIES="unix"),
    pytest.mark.usefixtures("context"),
]


def examine() -> dict[str, str]:
    """The sentences of what was found, by name; not of how the tests themselves are set."""
    found = own.examine(settings())
    return {finding.name: finding.text for finding in found if finding.name != "setting-unknown"}


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


@pytest.fixture
def server() -> Iterator[SmtpStandin]:
    with SmtpStandin() as standin:
        yield standin


def mail_words(url: str) -> str:
    """What is said of mails where the mail server is at this address."""
    config = replace(settings(), mail_gateway="smtp", smtp_url=url)
    return {finding.name: finding.text for finding in own.examine(config)}.get("mail", "")


def test_a_mail_server_that_takes_none_is_found(server: SmtpStandin) -> None:
    assert mail_words(server.url) == ""
    assert server.mails == []

    server.refuse("EHLO", "554 5.7.1 Go away")
    assert "does not accept login, encryption or sender" in mail_words(server.url)
    refused = mail_words(f"smtp://127.0.0.1:{free_port()}")
    assert refused.startswith("Mails cannot be sent: the mail server could not be reached")
    assert "Connection refused" in refused
    assert "login" in mail_words(server.url.replace("//", "//ann:word@")), "but without encryption"

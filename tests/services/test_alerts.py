"""Alerts: sentences that the operator can act on, the same one once an hour."""

import re

import pytest
import time_machine

import config
from extensions import writing
from services import alerts
from tests.messages import messages_to

OPERATOR = "operator@example.org"
HOUR = 3600

pytestmark = [
    pytest.mark.usefixtures("context"),
    pytest.mark.settings(GATEPOST_ALERT_EMAIL=OPERATOR),
]


def alert(*rules: str) -> list[str]:
    """Every alert so far, once these limits stopped texts, too."""
    for rule in rules:
        with writing() as session:
            alerts.alert_about_limit(session, rule)
    return [str(values["what"]) for values in messages_to(OPERATOR, "alert")]


@pytest.mark.parametrize(
    ("rule", "setting"),
    [
        ("country_day", "GATEPOST_NEW_NUMBER_COUNTRY_PER_DAY"),
        ("new_texts_hour", "GATEPOST_NEW_NUMBER_PORTAL_PER_HOUR"),
        ("new_texts_day", "GATEPOST_NEW_NUMBER_PORTAL_PER_DAY"),
        ("texts_to_proven_day", "GATEPOST_PROVEN_NUMBER_PORTAL_PER_DAY_EACH"),
        ("breaker", "GATEPOST_BREAKER_PERCENT"),
    ],
)
def test_a_limit_s_alert_says_what_stopped_what_goes_on_and_what_to_do(
    rule: str, setting: str
) -> None:
    (what,) = alert(rule)

    assert setting in what
    assert "Codes by email" in what
    assert "go on. " in what
    assert rule not in what, "the operator knows settings, not rules"
    assert set(re.findall(r"GATEPOST_\w+", what)) <= set(config.names())
    assert re.fullmatch(r"[A-Z].*[^ ] [^ ].*\.", what)
    assert "  " not in what


def test_the_same_one_once_an_hour_and_another_at_once(clock: time_machine.Traveller) -> None:
    assert len(alert("country_day", "country_day")) == 1
    assert len(alert("new_texts_day", "country_day")) == 2
    clock.shift(HOUR)
    assert len(alert("country_day")) == 3


@pytest.mark.settings(GATEPOST_ALERT_EMAIL="")
def test_where_nobody_is_to_be_told_nobody_is() -> None:
    assert alert("country_day") == []

"""Environments of settings: good ones for production, and what is wrong with others."""

import pytest

from config import SettingsInvalid, load

GOOD_KEY = "q7Zk2vX9bN4mL1sD8fG3hJ6pR5tY0wEc"

PRODUCTION = {
    "GATEPOST_BASE_URL": "https://login.example.org",
    "GATEPOST_SECRET_KEY": GOOD_KEY,
    "GATEPOST_SMS_GATEWAY": "none",
    "GATEPOST_MAIL_GATEWAY": "smtp",
    "GATEPOST_SMTP_URL": "smtps://user:word@mail.example.org:465",
    "GATEPOST_MAIL_FROM": "Example Login <login@example.org>",
}
TWILIO = {
    "GATEPOST_SMS_GATEWAY": "twilio",
    "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
    "TWILIO_AUTH_TOKEN": "0123456789abcdef",
    "TWILIO_FROM": "+12015550100",
}


def problems_of(**environ: str) -> list[str]:
    """Everything that is wrong with these settings."""
    with pytest.raises(SettingsInvalid) as caught:
        load(environ)
    return caught.value.problems


def problems_in_production(**changes: str) -> list[str]:
    """Everything that is wrong with the good settings once these are changed."""
    return problems_of(**{**PRODUCTION, **changes})

"""The first journey with texts through Twilio and mails through SMTP, on real sockets."""

from pathlib import Path

import pytest

from tests.journeys.first_journey import Traveller
from tests.journeys.providers import Providers
from tests.scene import playing
from tests.standins.certificate import make_certificate
from tests.standins.smtp import SmtpStandin
from tests.standins.twilio import SETTINGS, TwilioStandin

NUMBER, NEW_NUMBER = "+12015550134", "+12015550167"


@pytest.mark.parametrize(
    ("encrypted", "login"),
    [(False, None), (True, None), (True, ("portal", "secret"))],
    ids=["plain", "STARTTLS", "STARTTLS and login"],
)
def test_the_first_journey_over_twilio_and_smtp(
    tmp_path: Path, prepared_database: str, encrypted: bool, login: tuple[str, str] | None
) -> None:
    certificate = make_certificate(tmp_path) if encrypted else None
    with TwilioStandin() as twilio, SmtpStandin(certificate, login) as smtp:
        settings = {
            **SETTINGS,
            "GATEPOST_TWILIO_BASE_URL": twilio.base_url,
            "GATEPOST_MAIL_GATEWAY": "smtp",
            "GATEPOST_SMTP_URL": smtp.url,
            "GATEPOST_MAIL_FROM": "Gatepost <gatepost@example.org>",
        }
        with playing(tmp_path / "portal", prepared_database, workers=2, **settings) as scene:
            post = Providers(twilio, smtp)
            Traveller(scene.browser(), post, "ann@example.org", NUMBER, NEW_NUMBER).travel()
            post.wait_for_texts(5)
            assert scene.failures() == []
        assert {mail.encrypted for mail in smtp.mails} == {encrypted}
        assert {mail.login for mail in smtp.mails} == {login[0] if login else ""}
        assert {tuple(mail.recipients) for mail in smtp.mails} == {("ann@example.org",)}
        # Three codes, and a notice to each number that is no longer used.
        assert [text["To"] for text in twilio.texts[:3]] == [NUMBER, NUMBER, NEW_NUMBER]
        assert sorted(text["To"] for text in twilio.texts[3:]) == [NUMBER, NEW_NUMBER]
        assert {text["From"] for text in twilio.texts} == {SETTINGS["TWILIO_FROM"]}
        assert all(1 <= int(text["ValidityPeriod"]) <= 600 for text in twilio.texts[:3])

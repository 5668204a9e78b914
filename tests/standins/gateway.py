"""A Twilio gateway whose settings point at a stand-in."""

from pathlib import Path

import config
from services import sms
from services.sms.twilio import TwilioGateway
from tests.standins.twilio import SETTINGS

NUMBER = "+12015550134"
TEXT = "123456 is your code."


def make_gateway(folder: Path, base_url: str, **environ: str) -> TwilioGateway:
    return TwilioGateway(
        config.load(
            {
                "GATEPOST_ENV": "development",
                "GATEPOST_INSTANCE_DIR": str(folder),
                **SETTINGS,
                "GATEPOST_TWILIO_BASE_URL": base_url,
                **environ,
            }
        )
    )


def send(gateway: TwilioGateway, ttl: int = 600, status_url: str | None = None) -> sms.SmsResult:
    return gateway.send(NUMBER, TEXT, ttl=ttl, status_url=status_url)

"""Texts for development: shown on the terminal, and appended as the file gateway does."""

from config import Config
from services import console_block, sms
from services.sms.file import FileGateway


def make_gateway(config: Config) -> "ConsoleGateway":
    """The gateway of these settings."""
    return ConsoleGateway(config)


class ConsoleGateway(FileGateway):
    """Prints each text in a block of its own."""

    def send(self, to: str, text: str, *, ttl: int, status_url: str | None) -> sms.SmsResult:
        """Print and write one text; see ``SmsGateway``."""
        console_block.show(f"Text message to {to}", text)
        return super().send(to, text, ttl=ttl, status_url=status_url)

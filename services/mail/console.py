"""Mails for development: shown on the terminal, and appended as the file gateway does."""

from config import Config
from services import console_block, mail
from services.mail.file import FileGateway


def make_gateway(config: Config) -> "ConsoleGateway":
    """The gateway of these settings."""
    return ConsoleGateway(config)


class ConsoleGateway(FileGateway):
    """Prints each mail in a block of its own."""

    def send(self, to: str, subject: str, text: str, *, ref: str) -> mail.MailResult:
        """Print and write one mail; see ``MailGateway``."""
        console_block.show(f"Mail to {to}: {subject}", text)
        return super().send(to, subject, text, ref=ref)

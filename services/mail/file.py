"""Mails for development and tests: appended to a file, sent to nobody."""

from config import Config
from services import mail, outbox_files


def make_gateway(config: Config) -> "FileGateway":
    """The gateway of these settings."""
    return FileGateway(config)


class FileGateway:
    """Appends each mail to ``mail.jsonl`` in the outbox directory."""

    def __init__(self, config: Config) -> None:
        self._directory = config.outbox_dir

    def send(self, to: str, subject: str, text: str, *, ref: str) -> mail.MailResult:
        """Write one mail; see ``MailGateway``."""
        try:
            outbox_files.append(self._directory, "mail", to, subject, text)
        except OSError as error:
            return mail.MailResult(mail.BUSY, detail=f"{type(error).__name__} {error.errno}")
        return mail.MailResult(mail.ACCEPTED)

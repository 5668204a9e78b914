"""Texts for development and tests: appended to a file, sent to nobody."""

from config import Config
from services import outbox_files, sms


def make_gateway(config: Config) -> "FileGateway":
    """The gateway of these settings."""
    return FileGateway(config)


class FileGateway:
    """Appends each text to ``sms.jsonl`` in the outbox directory."""

    follows_up = False

    def __init__(self, config: Config) -> None:
        self._directory = config.outbox_dir

    def send(self, to: str, text: str, *, ttl: int, status_url: str | None) -> sms.SmsResult:
        """Write one text; see ``SmsGateway``."""
        try:
            outbox_files.append(self._directory, "sms", to, "", text)
        except OSError as error:
            return sms.SmsResult(sms.BUSY, detail=f"{type(error).__name__} {error.errno}")
        return sms.SmsResult(sms.ACCEPTED)

    def ask(self, message_id: str) -> sms.SmsReport:
        """There is never any news; see ``SmsGateway``."""
        return sms.SmsReport("")

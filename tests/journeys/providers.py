"""A phone and a mailbox behind the stand-ins: what Twilio and the mail server were handed."""

import re
import time

from tests.scene import CODE, LINK
from tests.standins.smtp import SmtpStandin
from tests.standins.twilio import TwilioStandin

SECONDS = 10


class Providers:
    """Reads messages where they arrive, each once."""

    def __init__(self, twilio: TwilioStandin, smtp: SmtpStandin) -> None:
        self.twilio = twilio
        self.smtp = smtp
        self._seen: dict[str, int] = {}

    def new_code(self, to: str) -> str:
        """The code in the next message to a number or an address that holds one."""
        return self._next(to, CODE)

    def new_link(self, to: str) -> str:
        """The path of the link in the next mail to an address that holds one."""
        return self._next(to, LINK)

    def messages(self, to: str) -> list[str]:
        """The text of everything that came to a number or an address, refused texts too."""
        if "@" not in to:
            return [text["Body"] for text in self.twilio.texts if text["To"] == to]
        return [mail.message.get_content() for mail in self.smtp.mails if to in mail.recipients]

    def wait_for_texts(self, count: int) -> None:
        """Wait until so many texts came; a portal that is stopped leaves what is due for later."""
        deadline = time.monotonic() + SECONDS
        while len(self.twilio.texts) < count and time.monotonic() < deadline:
            time.sleep(0.02)

    def _next(self, to: str, holding: str) -> str:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            messages = self.messages(to)
            for index in range(self._seen.get(to, 0), len(messages)):
                if found := re.search(holding, messages[index]):
                    self._seen[to] = index + 1
                    return found.group()
            time.sleep(0.02)
        raise AssertionError(f"nothing new came to {to} with {holding}")

"""How many mails with links strangers can cause, and why an owner still gets one.

Whoever asks is counted by their own network, and told. What a mailbox has had is counted
for the address, known or not, and told to nobody. Nobody else's asking may keep the
owner from a link: where no mail goes any more, one with a live link is in the mailbox.
"""

from sqlalchemy.orm import Session

from extensions import settings
from services import limits
from services.addresses import network_of
from services.audit import Client
from services.limits import DAY, HOUR, Place, Window

FURTHER_PEOPLE = 10
"""Whose asking for one new address still causes a mail, once the mailbox has had its own."""


def take_confirmation(session: Session, canonical: str, client: Client) -> None:
    """Count an asking for a confirmation link again. Raises ``TooManyTries``."""
    limits.take(session, [_sender(client), (_confirmations(), canonical)])


def take_email_change(session: Session, user_id: int, client: Client) -> None:
    """Count a signed-in person's asking for a link to a new address. Raises ``TooManyTries``."""
    rule = Window("email_changes_hour", settings().confirmations_per_hour, HOUR)
    limits.take(session, [_sender(client), (rule, f"user {user_id}")])


def may_mail_email_change(session: Session, canonical: str, user_id: int) -> bool:
    """Count a mail with a link to a new address; False where the mailbox has had enough of them.

    Beyond its mails of the hour there is one for each of some further people: whoever asks for
    somebody's new address must not keep that person's own mail back.
    """
    mailbox = Window("email_change_mails", settings().confirmations_per_hour, HOUR)
    kept = Window("email_change_mails_kept", 1, HOUR)
    of_all = Window("email_change_mails_kept_of_all", FURTHER_PEOPLE, HOUR)
    return limits.try_take(session, [(mailbox, canonical)]) or limits.try_take(
        session, [(kept, f"{canonical} for user {user_id}"), (of_all, canonical)]
    )


def may_mail_registration(session: Session, canonical: str) -> bool:
    """Count a mail that registering causes; False where the mailbox has had enough of them.

    Its window is its own: who asks for links to an address that nobody registered yet must
    not keep the registration's own mail back.
    """
    rule = Window("registration_mails", settings().confirmations_per_hour, HOUR)
    return limits.try_take(session, [(rule, canonical)])


def take_reset(session: Session, canonical: str, client: Client) -> None:
    """Count an asking for a reset link by its sender. Raises ``TooManyTries``."""
    asked = f"{canonical} from {network_of(client.address)}"
    limits.take(session, [_sender(client), *_resets(asked)])


def may_mail_reset(session: Session, canonical: str) -> bool:
    """Count a reset mail, whoever asked for it; False where there is a live link already.

    Beyond an account's mails of the hour and the day there is one for each life of a link.
    """
    kept = Window("resets_kept", 1, settings().reset_seconds)
    return limits.try_take(session, _resets(canonical)) or limits.try_take(
        session, [(kept, canonical)]
    )


def _sender(client: Client) -> Place:
    rule = Window("link_mails", settings().link_mails_per_address_per_hour, HOUR)
    return rule, network_of(client.address)


def _confirmations() -> Window:
    return Window("confirmations_hour", settings().confirmations_per_hour, HOUR)


def _resets(subject: str) -> list[Place]:
    return [
        (Window("resets_hour", settings().resets_per_hour, HOUR), subject),
        (Window("resets_day", settings().resets_per_day, DAY), subject),
    ]

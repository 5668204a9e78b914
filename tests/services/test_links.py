"""Mailed links: signed, kept as rows, for one purpose, once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from extensions import db, writing
from models import EmailLink, User
from services import links
from services.errors import LinkInvalid
from services.links import Purpose

pytestmark = pytest.mark.usefixtures("context")

HOUR = timedelta(hours=1)


def issue(purpose: Purpose = Purpose.RESET_PASSWORD, user: User | None = None) -> str:
    """Returns the whole address."""
    with writing() as session:
        return links.issue(session, purpose, HOUR, user)


def token_of(link: str) -> str:
    return link.replace("=", "/").rsplit("/", 1)[-1]


def find(token: str, *purposes: Purpose) -> EmailLink:
    return links.find(db.session(), token, *(purposes or (Purpose.RESET_PASSWORD,)))


def use_up(link: EmailLink) -> None:
    with writing() as session:
        links.use_up(session, link)


@pytest.mark.settings(GATEPOST_BASE_URL="https://login.example.org")
@pytest.mark.parametrize("purpose", list(Purpose))
def test_it_leads_to_the_portal_s_own_address(purpose: Purpose) -> None:
    link = issue(purpose)
    assert link.startswith("https://login.example.org" + links.PATHS[purpose])
    assert find(token_of(link), purpose).purpose == purpose.value


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("other", list(Purpose))
def test_a_link_of_one_purpose_is_nothing_for_another(purpose: Purpose, other: Purpose) -> None:
    token = token_of(issue(purpose))
    if purpose is other:
        find(token, other)
        return
    with pytest.raises(LinkInvalid):
        find(token, other)


def test_it_has_256_random_bits_that_stand_nowhere() -> None:
    first, second = token_of(issue()), token_of(issue())
    assert first != second
    assert len(first.split(".")[0]) >= 43
    rows = db.session.scalars(select(EmailLink)).all()
    assert not any(first in str(value) for row in rows for value in vars(row).values())


def test_it_lives_as_long_as_it_was_made_for(clock: time_machine.Traveller) -> None:
    token = token_of(issue())
    clock.shift(3599)
    link = find(token)
    clock.shift(1)
    with pytest.raises(LinkInvalid):
        find(token)
    with pytest.raises(LinkInvalid):
        use_up(link)


def test_it_is_used_once(new_user: Callable[..., User]) -> None:
    ann = new_user()
    token = token_of(issue(user=ann))
    link = find(token)
    use_up(link)

    with pytest.raises(LinkInvalid):
        use_up(link)
    with pytest.raises(LinkInvalid):
        find(token)


def test_siblings_die_with_it_but_no_other_links(new_user: Callable[..., User]) -> None:
    ann, bob = new_user(), new_user("bob@example.org")
    used, sibling = token_of(issue(user=ann)), token_of(issue(user=ann))
    foreign, other = token_of(issue(user=bob)), token_of(issue(Purpose.CONFIRM_EMAIL, ann))
    use_up(find(used))

    with pytest.raises(LinkInvalid):
        find(sibling)
    find(foreign)
    find(other, Purpose.CONFIRM_EMAIL)


def test_an_altered_token_is_none_of_ours() -> None:
    token = token_of(issue())
    body, _, signature = token.rpartition(".")
    for altered in (body, f"{body}.", f"{body}.{signature[:-1]}", f"x{token}", token.upper()):
        with pytest.raises(LinkInvalid):
            find(altered)

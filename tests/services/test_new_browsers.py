"""Who is told of a sign-in in a browser that is not known, and who is not."""

from collections.abc import Callable

import pytest

from models import User
from services import browsers, sign_in
from services.new_browsers import MOST_A_DAY
from services.sign_in import Browser, SecondStepDue, SignedIn
from tests.messages import messages_to
from tests.people import CLIENT, NUMBER, PASSWORD, load_user

pytestmark = pytest.mark.usefixtures("context")


def enter(user: User, known: str = "") -> SignedIn | SecondStepDue:
    return sign_in.with_password(user.email, PASSWORD, False, Browser(CLIENT, known=known))


def notices(user: User) -> list[dict[str, object]]:
    return messages_to(user.email, "new_browser")


def test_the_first_sign_in_is_told_to_nobody(new_user: Callable[..., User]) -> None:
    ann = new_user()
    enter(ann)

    assert notices(ann) == []


def test_a_browser_that_is_not_known_is_named_and_from_where(
    new_user: Callable[..., User],
) -> None:
    ann = new_user()
    enter(ann)
    enter(load_user(ann.id))

    (notice,) = notices(ann)
    assert (notice["browser"], notice["network"]) == ("Firefox on Linux", CLIENT.address)


def test_a_known_one_is_no_news(new_user: Callable[..., User]) -> None:
    ann = new_user()
    first = enter(ann)
    assert isinstance(first, SignedIn)
    enter(load_user(ann.id), first.known)

    assert notices(ann) == []


def test_one_that_another_person_is_known_in_is(new_user: Callable[..., User]) -> None:
    ann, bob = new_user(), new_user("bob@example.org")
    enter(ann)
    enter(load_user(ann.id), browsers.make_known(bob))

    assert len(notices(ann)) == 1


def test_where_a_code_is_asked_for_the_code_tells_them(new_user: Callable[..., User]) -> None:
    ann = new_user(number=NUMBER, two_factor=True)
    for _ in range(2):
        assert isinstance(enter(load_user(ann.id)), SecondStepDue)

    assert notices(ann) == []


def test_whoever_keeps_no_cookies_is_told_a_few_times_a_day(
    new_user: Callable[..., User],
) -> None:
    ann = new_user()
    for _ in range(MOST_A_DAY.most + 3):
        enter(load_user(ann.id))

    assert len(notices(ann)) == MOST_A_DAY.most


@pytest.mark.settings(GATEPOST_NEW_BROWSER_NOTICES="no")
def test_it_can_be_turned_off(new_user: Callable[..., User]) -> None:
    ann = new_user()
    for _ in range(2):
        enter(load_user(ann.id))

    assert notices(ann) == []

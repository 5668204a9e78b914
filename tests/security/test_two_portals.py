"""Several machines on one database: what ends on one is over on the other at the next request."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import portal
from tests.client import Browser
from tests.people import Person
from tests.scene import BEHIND_PROXY, Scene, playing


@pytest.fixture(scope="module")
def two(
    tmp_path_factory: pytest.TempPathFactory, prepared_database: str
) -> Iterator[tuple[Scene, str]]:
    """A portal, and the address of a second one on the same database."""
    folder: Path = tmp_path_factory.mktemp("two")
    with ExitStack() as running:
        scene = running.enter_context(playing(folder, prepared_database, workers=1, **BEHIND_PROXY))
        environ = {k: v for k, v in scene.portal.environ.items() if k != "PORT"}
        second = portal.start(folder, environ, workers=1)
        running.callback(second.stop)
        yield scene, second.url


@pytest.fixture
def ann(two: tuple[Scene, str]) -> Person:
    """A person who signs in with a code by text."""
    return two[0].person(phone=True)


def test_a_login_made_on_one_is_good_on_both_and_ended_on_both(
    two: tuple[Scene, str], ann: Person
) -> None:
    scene, second = two
    here = scene.browser()
    scene.sign_in_whole(here, ann)
    there = here.twin(second)
    assert there.is_signed_in()
    there.post("/sign-out", page="/account")
    assert not here.is_signed_in()


def test_a_sign_in_goes_on_at_the_other_portal(two: tuple[Scene, str], ann: Person) -> None:
    scene, second = two
    here = scene.browser()
    code = scene.ask_for_code(here, ann)
    there = here.twin(second)
    assert there.post("/two-factor/verify", code=code).status == 303
    assert there.is_signed_in()
    again = here.post("/two-factor/verify", code=code, page="/sign-in")
    assert again.status == 303
    assert not again.cookies, "a code used there is used here"


def test_a_change_on_one_ends_the_others_logins(two: tuple[Scene, str], ann: Person) -> None:
    scene, second = two
    here, there = scene.browser(), Browser(second)
    scene.sign_in_whole(here, ann)
    scene.sign_in_whole(there, ann)
    there.post("/account/sessions/end-others", page="/account/sessions")
    assert there.is_signed_in()
    assert not here.is_signed_in()


def test_tries_are_counted_together(two: tuple[Scene, str], ann: Person) -> None:
    scene, second = two
    here = scene.browser()
    code = scene.ask_for_code(here, ann)
    there = here.twin(second)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for browser, status in ((here, 422), (there, 422), (here, 422), (there, 422), (here, 429)):
        assert browser.post("/two-factor/verify", code=wrong).status == status
    assert there.post("/two-factor/verify", code=code).status == 429
    assert not there.is_signed_in()

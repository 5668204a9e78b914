"""A closed account leaves nothing that works, and nothing for whoever comes next."""

from sqlalchemy import select

from models import Activity, Message
from tests.people import Person
from tests.scene import Scene


def close(scene: Scene, person: Person) -> list[str]:
    """Close the account in one browser; returns whether a second one is still in."""
    acting, other = scene.browser(), scene.browser()
    scene.sign_in(acting, person)
    scene.sign_in(other, person)
    assert acting.post("/account/close", password=person.password).location == "/sign-in"
    return [name for name, b in (("acting", acting), ("other", other)) if b.is_signed_in()]


def test_a_closed_account_lets_nobody_in(scene: Scene) -> None:
    ann = scene.person()
    assert close(scene, ann) == []
    refused = scene.sign_in(scene.browser(), ann)
    assert refused.status == 422
    assert "not right" in refused.text, "as for any unknown address"


def test_what_is_kept_of_it_names_nobody(scene: Scene) -> None:
    ann = scene.person()
    close(scene, ann)
    for table in (Activity, Message):
        assert scene.rows(select(table.id).where(table.user_id == ann.id)) == []


def test_the_next_person_has_an_id_that_nobody_had(scene: Scene) -> None:
    """Limits, queued mails and cookies that name the closed account must not find a new one."""
    ann = scene.person()
    close(scene, ann)
    assert scene.person().id > ann.id

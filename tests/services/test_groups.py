"""Groups: names, members, managers, and what two who change one at once may rely on."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from extensions import db, end_reading
from models import Activity, User
from services import groups
from services.audit import OPERATOR, Actor
from services.errors import EmailInvalid
from services.errors_apps import (
    AlreadyMember,
    GroupNameTaken,
    GroupNameUnsuitable,
    GroupUnknown,
    ManagerStays,
    NotMember,
    PersonUnknown,
)
from tests.apps import make_group, version
from tests.people import CLIENT, load_user, make_person
from tests.threads import count_of, run_together

pytestmark = pytest.mark.usefixtures("context")

NewUser = Callable[..., User]


@pytest.fixture
def manager(new_user: NewUser) -> Actor:
    """Mia, who manages the group ``staff`` and nothing else."""
    mia = new_user("mia@example.org")
    staff = make_group("staff")
    groups.add(staff.id, mia.email, OPERATOR)
    groups.set_manager(staff.id, mia.id, True, OPERATOR)
    make_group("board")
    return Actor(mia, CLIENT)


def id_of(name: str) -> int:
    return groups.find_by_name(name).id


def members(name: str) -> list[str]:
    end_reading()
    return [m.user.email for m in groups.list_members(id_of(name)).rows]


def events() -> list[tuple[str, int | None]]:
    end_reading()
    rows = db.session.execute(select(Activity.event, Activity.user_id).order_by(Activity.id))
    return [(row.event, row.user_id) for row in rows]


class TestNames:
    @pytest.mark.parametrize("name", ["a", "staff", "team-1", "on.call_2", "9to5", "a" * 40])
    def test_plain_ones_are_taken(self, name: str) -> None:
        assert groups.create(name, OPERATOR).name == name

    @pytest.mark.parametrize(
        "name",
        ["", "Staff", "a b", "a,b", "-a", ".", "é", "a" * 41, "a\n", "a@b", "a/b", "\x00", "٣"],
    )
    def test_others_are_not(self, name: str) -> None:
        with pytest.raises(GroupNameUnsuitable):
            groups.create(name, OPERATOR)

    def test_a_name_is_one_groups(self) -> None:
        make_group("staff")
        with pytest.raises(GroupNameTaken):
            groups.create("staff", OPERATOR)


class TestMembers:
    def test_somebody_comes_and_goes_and_the_gate_hears_of_each(self, new_user: NewUser) -> None:
        ann, staff = new_user(), make_group("staff")
        seen = version()

        assert groups.add(staff.id, " ANN@example.org ", OPERATOR).id == ann.id
        joined = version()
        assert (members("staff"), joined == seen) == (["ann@example.org"], False)
        groups.remove(staff.id, ann.id, OPERATOR)
        assert (members("staff"), version() in {seen, joined}) == ([], False)
        assert events() == [
            ("group_created", None), ("group_joined", ann.id), ("group_left", ann.id),
        ]  # fmt: skip

    def test_each_is_in_a_group_once(self, new_user: NewUser) -> None:
        staff = make_group("staff", [make_person()])
        with pytest.raises(AlreadyMember):
            groups.add(staff.id, "ann@example.org", OPERATOR)

    def test_strangers_and_typing_errors_are_told(self) -> None:
        staff = make_group("staff")
        with pytest.raises(PersonUnknown):
            groups.add(staff.id, "nobody@example.org", OPERATOR)
        with pytest.raises(EmailInvalid):
            groups.add(staff.id, "nobody", OPERATOR)
        make_person()
        with pytest.raises(GroupUnknown):
            groups.add(staff.id + 1, "ann@example.org", OPERATOR)

    def test_who_is_not_there_cannot_go(self, new_user: NewUser) -> None:
        with pytest.raises(NotMember):
            groups.remove(make_group("staff").id, new_user().id, OPERATOR)

    def test_lists_go_on_where_a_page_ends(self) -> None:
        staff = make_group("staff", [make_person(f"p{n}@example.org") for n in range(5)])
        first = groups.list_members(staff.id, size=2)
        second = groups.list_members(staff.id, first.next_after, size=2)
        third = groups.list_members(staff.id, second.next_after, size=2)

        shown = [m.user.email for page in (first, second, third) for m in page.rows]
        assert shown == [f"p{n}@example.org" for n in range(5)]
        assert third.next_after == ""
        found = groups.list_members(staff.id, beginning="P3")
        assert [m.user.email for m in found.rows] == ["p3@example.org"]
        assert not groups.list_members(staff.id, beginning="%").rows

    def test_a_deleted_group_is_gone_with_its_members(self, new_user: NewUser) -> None:
        ann, staff = new_user(), make_group("staff")
        groups.add(staff.id, ann.email, OPERATOR)
        seen = version()
        groups.delete_group(staff.id, OPERATOR)

        assert (groups.list_of(ann), version() == seen) == ([], False)
        with pytest.raises(GroupUnknown):
            groups.delete_group(staff.id, OPERATOR)


class TestManagers:
    def test_they_put_people_in_and_take_them_out(self, manager: Actor, new_user: NewUser) -> None:
        ann = new_user()
        groups.add(id_of("staff"), ann.email, manager)
        assert members("staff") == ["ann@example.org", "mia@example.org"]
        groups.remove(id_of("staff"), ann.id, manager)
        assert members("staff") == ["mia@example.org"]

    def test_not_in_another_group(self, manager: Actor, new_user: NewUser) -> None:
        ann, board = new_user(), id_of("board")
        groups.add(board, ann.email, OPERATOR)
        for forbidden in (
            lambda: groups.add(board, "mia@example.org", manager),
            lambda: groups.remove(board, ann.id, manager),
            lambda: groups.find(board, manager),
            lambda: groups.set_manager(id_of("staff"), ann.id, True, manager),
        ):
            with pytest.raises(GroupUnknown):
                forbidden()
        assert [g.name for g in groups.list_page(manager).rows] == ["staff"]
        assert members("board") == ["ann@example.org"]

    def test_they_take_no_manager_out(self, manager: Actor, new_user: NewUser) -> None:
        bob, staff = new_user("bob@example.org"), id_of("staff")
        groups.add(staff, bob.email, manager)
        groups.set_manager(staff, bob.id, True, OPERATOR)
        with pytest.raises(ManagerStays):
            groups.remove(staff, bob.id, manager)

    def test_from_the_moment_that_it_ends_they_change_nothing(
        self, manager: Actor, new_user: NewUser
    ) -> None:
        staff = id_of("staff")
        groups.set_manager(staff, manager.id or 0, False, OPERATOR)
        with pytest.raises(GroupUnknown):
            groups.add(staff, new_user().email, manager)
        assert not groups.manages_any(load_user(manager.id or 0))


def test_of_many_who_add_the_same_person_one_does(app: Flask, new_user: NewUser) -> None:
    staff = make_group("staff", [])
    new_user()
    outcomes = run_together(app, 4, lambda _: groups.add(staff.id, "ann@example.org", OPERATOR))

    assert (count_of(User, outcomes), count_of(AlreadyMember, outcomes)) == (1, 3)
    assert members("staff") == ["ann@example.org"]

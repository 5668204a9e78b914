"""The start page and the gate say the same about who may enter."""

from datetime import timedelta
from itertools import product

import pytest

from extensions import end_reading
from services import own_apps
from services.clock import now
from services.gate.explanation import explain
from services.gate.verdict import Outcome
from tests.apps import DOMAINS, let_in, make_app, make_group
from tests.people import load_user, make_person

pytestmark = [pytest.mark.usefixtures("context"), pytest.mark.settings(**DOMAINS)]

LIVES = {"none": None, "ended": -1, "later": 1, "for good": 0}
"""Hours that a grant still lasts; 0 stands for no end."""


def test_what_the_start_page_shows_is_what_the_gate_lets_in() -> None:
    ann, bob = make_person("ann@example.org"), make_person("bob@example.org")
    make_group("staff", [ann])
    made = {}
    for own, staff, everyone in product(LIVES, LIVES, (False, True)):
        name = f"{own}-{staff}-{everyone}".replace(" ", "-")
        made[name] = make_app(name, f"https://{name.lower()}.example.org", for_everyone=everyone)
        for holder, life in ((ann.email, LIVES[own]), ("staff", LIVES[staff])):
            if life is not None:
                let_in(made[name], holder, now() + timedelta(hours=life) if life else None)
    end_reading()

    for person in (load_user(ann.id), load_user(bob.id)):
        inside = {name for name, app in made.items() if own_apps.may_enter(person, app.id)}
        answers = {name: explain(f"https://{name.lower()}.example.org/", person) for name in made}
        assert inside == {n for n, a in answers.items() if a.outcome == Outcome.ALLOWED}
        assert inside == {app.name for app in own_apps.list_own(person).rows}
        requestable = {app.name for app in own_apps.list_requestable(person).rows}
        assert requestable == set(made) - inside
        assert len(inside) == (28 if person.id == ann.id else 16)

"""The mark that a proxy keeps verdicts under: where it leads, and when that changes."""

import os
import time
from pathlib import Path

import pytest
from flask import Flask

from extensions import db
from services import accounts
from services.gate.gatekeeper import the_gatekeeper
from services.gate.mark import KEPT_SECONDS, Mark
from tests.people import load_user, make_person

LOOKS, PAUSE_SECONDS = 500, 0.02


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "mark"


def test_it_leads_where_it_never_led(link: Path) -> None:
    mark, places = Mark(str(link)), set()
    for _ in range(20):
        mark.move()
        assert link.is_symlink()
        places.add(os.path.realpath(link, strict=True))

    assert len(places) == 20
    assert all(Path(place).exists() for place in places), "somebody may be on the way to one"


def test_old_places_go(link: Path) -> None:
    mark = Mark(str(link))
    mark.move()
    old, long_ago = Path(os.path.realpath(link)), time.time() - KEPT_SECONDS - 1
    mark.move()
    os.utime(old, (long_ago, long_ago))
    mark.move()

    assert not old.exists()
    assert len(list(link.parent.iterdir())) == 3


def test_a_folder_that_is_not_there_is_told(
    app: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Mark(str(tmp_path / "none" / "mark")).move()

    assert "gate_mark_not_moved" in caplog.text


class TestInAPortal:
    @pytest.fixture
    def environ(self, environ: dict[str, str], link: Path) -> dict[str, str]:
        return {**environ, "GATEPOST_VERDICT_MARK": str(link)}

    @pytest.mark.own_app
    def test_it_is_moved_by_what_shuts_somebody_out(self, app: Flask, link: Path) -> None:
        with app.app_context():
            ann = load_user(make_person().id)
            the_gatekeeper().watch()
            self.wait_for_another_place(link, "")
            before = os.path.realpath(link)
            accounts.disable(ann)
            self.wait_for_another_place(link, before)
            db.engine.dispose()

    def wait_for_another_place(self, link: Path, before: str) -> None:
        for _ in range(LOOKS):
            if link.is_symlink() and os.path.realpath(link) != before:
                return
            time.sleep(PAUSE_SECONDS)
        raise AssertionError("it was not moved")

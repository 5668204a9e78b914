"""What the operator reads of proxies' mistakes, while many threads complain at once."""

import logging
from typing import Any

import pytest

from blueprints.gate.complaints import MOST_KINDS, Complaints


def test_a_flood_of_kinds_does_not_stop_another_thread_s_complaint(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each comparison here stands for a moment at which another thread notes its complaint."""
    complaints = Complaints()

    class Meanwhile(float):
        def __gt__(self, other: Any) -> bool:
            complaints._next["app", f"https://{len(complaints._next)}.example.org"] = 0.0
            return False

    for number in range(MOST_KINDS):
        complaints._next["caller", str(number)] = Meanwhile(0.0)
    with caplog.at_level(logging.WARNING):
        complaints.of_caller("192.0.2.1")

    assert "192.0.2.1" in caplog.text

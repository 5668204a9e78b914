"""How a page in one state is written down: the steps that lead there, under ``@state``.

The rooms, ``states_*.py``, hold them; ``catalogue.py`` gathers them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.browser.visit import Visit

Steps = Callable[[Visit], None]


@dataclass(frozen=True)
class State:
    """One page in one state; ``status`` is what it answers with."""

    name: str
    steps: Steps
    status: int

    def show(self, visit: Visit) -> None:
        """Bring the tab there."""
        self.steps(visit)
        assert visit.status == self.status, f"{self.name}: {visit.status} at {visit.page.url}"


ALL: list[State] = []


def state(status: int = 200) -> Callable[[Steps], Steps]:
    """Put these steps into the catalogue."""

    def add(steps: Steps) -> Steps:
        ALL.append(State(steps.__name__, steps, status))
        return steps

    return add

"""The portals that attacks are made on: four worker processes, started once and shared."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.people import Person
from tests.scene import BEHIND_PROXY, FREE_HAND, Scene, playing


@pytest.fixture(scope="session")
def open_portal(
    tmp_path_factory: pytest.TempPathFactory, prepared_database: str
) -> Iterator[Callable[..., Scene]]:
    """Starts a portal of its own, with settings of its own, for the rest of the run."""
    with ExitStack() as running:

        def start(workers: int = 4, **settings: str) -> Scene:
            folder = tmp_path_factory.mktemp("portal")
            return running.enter_context(
                playing(folder, prepared_database, workers=workers, **settings)
            )

        yield start


@pytest.fixture(scope="session")
def scene(open_portal: Callable[..., Scene]) -> Scene:
    """The portal that most attacks share; people's limits are wide."""
    return open_portal(**FREE_HAND)


@pytest.fixture(scope="session")
def strict_scene(open_portal: Callable[..., Scene]) -> Scene:
    """A portal with every limit as it is by default."""
    return open_portal(**BEHIND_PROXY)


@pytest.fixture
def ann(scene: Scene) -> Person:
    """A person who signs in with a code by text."""
    return scene.person(phone=True)


@pytest.fixture(autouse=True)
def nothing_failed(request: pytest.FixtureRequest) -> Iterator[None]:
    """No attack may leave a failed request, or a locked database, in the log."""
    names = {"scene", "strict_scene"} & set(request.fixturenames)
    portals: list[Scene] = [request.getfixturevalue(name) for name in sorted(names)]
    before = [len(portal.failures()) for portal in portals]
    yield
    for portal, earlier in zip(portals, before, strict=True):
        assert portal.failures()[earlier:] == []

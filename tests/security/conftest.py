"""The portals that attacks are made on: four worker processes, started once and shared."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.people import Person
from tests.scene import BEHIND_PROXY, FREE_HAND, Scene, playing


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory, prepared_database: str) -> Iterator[Scene]:
    """The portal that most attacks share; people's limits are wide."""
    with playing(tmp_path_factory.mktemp("scene"), prepared_database, **FREE_HAND) as scene:
        yield scene


@pytest.fixture(scope="session")
def strict_scene(
    tmp_path_factory: pytest.TempPathFactory, prepared_database: str
) -> Iterator[Scene]:
    """A portal with every limit as it is by default."""
    with playing(tmp_path_factory.mktemp("strict"), prepared_database, **BEHIND_PROXY) as scene:
        yield scene


@pytest.fixture(scope="module")
def open_portal(
    tmp_path_factory: pytest.TempPathFactory, prepared_database: str
) -> Iterator[Callable[..., Scene]]:
    """Starts a portal with settings of its own, for the rest of the module."""
    with ExitStack() as running:

        def start(workers: int = 4, **settings: str) -> Scene:
            folder = tmp_path_factory.mktemp("portal")
            return running.enter_context(
                playing(folder, prepared_database, workers=workers, **settings)
            )

        yield start


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

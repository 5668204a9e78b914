"""The first journey over HTTP, on a portal of two processes, from register to forgetting it all."""

from pathlib import Path

from tests.journeys.first_journey import Traveller
from tests.scene import playing


def test_the_first_journey(tmp_path: Path, prepared_database: str) -> None:
    with playing(tmp_path, prepared_database, workers=2) as scene:
        traveller = Traveller(
            scene.browser(), scene, "ann@example.org", "+12015550134", "+12015550167"
        )
        traveller.travel()
        assert scene.failures() == []

"""Dates on a PostgreSQL that writes them for people; PostgreSQL alone."""

import pytest
from sqlalchemy import DateTime, literal, select, text

from config import load
from extensions import db
from services.clock import now
from tests.shared_portals import SharedPortals


@pytest.mark.own_app
def test_the_database_may_write_dates_for_people_as_it_likes(
    environ: dict[str, str], shared_portals: SharedPortals
) -> None:
    url = f"{environ['GATEPOST_DATABASE_URL']}?options=-c%20datestyle%3DGerman"
    app = shared_portals.lend(load({**environ, "GATEPOST_DATABASE_URL": url}), new=True)
    with app.app_context():
        assert db.session.scalar(text("SHOW datestyle")) == "ISO, DMY"
        moment = now()
        assert db.session.scalar(select(literal(moment, DateTime(timezone=True)))) == moment
        db.session.remove()
    shared_portals.take_back(app)

"""Setting an empty portal up in a browser, with the token that the log shows."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from extensions import db
from models import User
from services import first_account
from tests.page import Page, open_page
from tests.people import PASSWORD, Person
from tests.steps import sign_in

ANN = Person(0, "ann@example.org")


@pytest.fixture
def token(app: Flask) -> str:
    with app.app_context():
        return first_account.setup_token()


def set_up(client: FlaskClient, token: str, **fields: str) -> Page:
    page = open_page(client, "/setup")
    fields = {"email": ANN.email, "password": PASSWORD, **fields}
    return page.submit("Create administrator", token=token, **fields)


def test_the_first_account_is_a_confirmed_administrator(
    client: FlaskClient, app: Flask, token: str
) -> None:
    page = set_up(client, f" {token} ", name="Ann")
    assert (page.h1, page.notes) == ("Sign in", ["The first account is made. Sign in with it."])

    sign_in(client, ANN)
    with app.app_context():
        user = db.session.scalars(select(User)).one()
        assert user.is_admin


@pytest.mark.parametrize("wrong", ["x", "0" * 32, "ä"])
def test_without_the_token_nobody_sets_up(client: FlaskClient, app: Flask, wrong: str) -> None:
    page = set_up(client, wrong)

    assert page.status == 422
    assert page.problems == ["This is not the setup token. Look in the portal's log."]
    with app.app_context():
        assert not db.session.scalar(select(func.count()).select_from(User))


def test_a_mistake_leaves_the_token_good(client: FlaskClient, token: str) -> None:
    page = set_up(client, token, password="short")
    assert page.status == 422
    assert page.fields["token"] == token

    assert page.submit("Create administrator", password=PASSWORD).h1 == "Sign in"


def test_once_there_is_an_account_there_is_no_such_page(
    client: FlaskClient, new_person: Callable[..., Person], token: str
) -> None:
    page = open_page(client, "/setup")
    new_person()

    open_page(client, "/setup", status=404)
    fields = {"token": token, "email": "eve@example.net", "password": PASSWORD}
    assert page.submit("Create administrator", **fields).status == 404


def test_the_token_works_once_even_if_everybody_is_gone(
    client: FlaskClient, app: Flask, token: str
) -> None:
    set_up(client, token)
    with app.app_context():
        db.session.execute(User.__table__.delete())
        db.session.commit()

    page = set_up(client, token, email="eve@example.net")
    assert page.status == 422
    with app.app_context():
        assert not db.session.scalar(select(func.count()).select_from(User))

"""The signed session cookie over a change of the secret key."""

import pytest
from flask import Flask
from flask.testing import FlaskClient


@pytest.mark.own_app
def test_a_session_lives_on_while_its_key_is_an_earlier_one(
    app: Flask, client: FlaskClient
) -> None:
    token = _visit(client)
    own = app.config["SECRET_KEY"]

    app.config |= {"SECRET_KEY": "n" * 64, "SECRET_KEY_FALLBACKS": [own]}
    assert _visit(client) == token

    app.config["SECRET_KEY_FALLBACKS"] = []
    assert _visit(client) != token


def _visit(client: FlaskClient) -> str:
    """The session's own value behind the form's CSRF token."""
    client.get("/sign-in")
    with client.session_transaction() as session:
        return str(session["csrf_token"])

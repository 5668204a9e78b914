"""Signing out in a browser."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.page import open_page
from tests.people import Person, csrf_token
from tests.steps import (
    LOGIN,
    has_cookie,
    is_signed_in,
    other_browser,
    sign_in,
)


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


def test_the_session_is_over_even_for_who_kept_its_cookie(
    client: FlaskClient, app: Flask, ann: Person
) -> None:
    page = sign_in(client, ann)
    login = client.get_cookie(LOGIN)
    assert login is not None
    page = page.submit("Sign out")

    assert (page.h1, page.notes) == ("Sign in", ["You are signed out."])
    assert not has_cookie(client, LOGIN)
    client.set_cookie(LOGIN, login.value)
    assert not is_signed_in(client)


def test_the_other_browser_stays_signed_in(client: FlaskClient, app: Flask, ann: Person) -> None:
    elsewhere = other_browser(app)
    sign_in(elsewhere, ann)
    sign_in(client, ann).submit("Sign out")

    assert is_signed_in(elsewhere)


def test_a_form_that_was_open_in_another_tab_says_what_happened(
    client: FlaskClient, ann: Person
) -> None:
    sign_in(client, ann)
    form = open_page(client, "/account/name")
    open_page(client, "/account").submit("Sign out")
    page = form.submit("Save name", name="Ann")

    assert page.status == 400
    assert "You are not signed in any more. Sign in, then fill in the form again." in page.main


def test_twice_is_no_error(client: FlaskClient, ann: Person) -> None:
    page = sign_in(client, ann)
    page.submit("Sign out")
    token = csrf_token(open_page(client, "/sign-in").html)

    assert client.post("/sign-out", data={"csrf_token": token}).location == "/sign-in"


def test_a_link_cannot_do_it(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann)

    page = open_page(client, "/sign-out")

    assert "Sign out" in page.main
    assert is_signed_in(client)

"""Factories: people as they are before a test begins, and the steps they take in a browser."""

import re
from dataclasses import dataclass
from datetime import timedelta

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from extensions import db, writing
from models import LoginSession, Phone, Registration, User
from services import login_sessions
from services.audit import Client
from services.clock import now
from services.emails import canonicalize
from services.hashing import hash_password
from services.tokens import digest

PASSWORD = "correct horse battery staple"
NUMBER = "+12015550123"
CLIENT = Client("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")
"""Who asks: an address that belongs to nobody, and a browser."""


@dataclass(frozen=True)
class Person:
    """Who a test is about."""

    id: int
    email: str
    password: str = PASSWORD
    phone_id: int | None = None


def make_person(
    email: str = "ann@example.org",
    *,
    number: str | None = None,
    two_factor: bool = False,
    admin: bool = False,
    password: str = PASSWORD,
    name: str = "",
) -> Person:
    """A person with an account; needs an application context."""
    password_hash = hash_password(password)
    with writing() as session:
        user = User(
            email=email, email_canonical=canonicalize(email), name=name, is_admin=admin,
            password_hash=password_hash, two_factor_enabled=two_factor, created_at=now(),
        )  # fmt: skip
        session.add(user)
        session.flush()
        phone = None
        if number:
            phone = Phone(user_id=user.id, number=number, is_primary=True, created_at=now())
            session.add(phone)
            session.flush()
        return Person(user.id, email, password, phone.id if phone else None)


def make_registration(email: str = "ann@example.org", password: str = PASSWORD) -> Person:
    """Somebody whose address is not confirmed yet; needs an application context."""
    password_hash = hash_password(password)
    with writing() as session:
        session.add(
            Registration(
                email=email, email_canonical=canonicalize(email), name="", contested=False,
                password_hash=password_hash, browser_digest=digest("another browser's token"),
                created_at=now(), expires_at=now() + timedelta(days=7),
            )
        )  # fmt: skip
    return Person(0, email, password)


def load_user(user_id: int) -> User:
    """A person's row as it is now; needs an application context."""
    user = db.session.get(User, user_id, populate_existing=True)
    assert user is not None
    return user


def open_session(user: User, *, remember_me: bool = False, full_proof: bool = True) -> LoginSession:
    """A login session of a person, as after a complete sign-in; needs an application context."""
    with writing() as session:
        token = login_sessions.start(
            session, user, CLIENT, "pwd", remember_me=remember_me, full_proof=full_proof
        )
    found = login_sessions.find(token)
    assert found is not None
    return found


def csrf_token(page: str) -> str:
    """The token in a page's form."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found, page[:2000]
    return found.group(1)


def post(
    client: FlaskClient, path: str, *, page: str | None = None, follow: bool = False, **fields: str
) -> TestResponse:
    """Open the page that has the form, then post it as a browser would."""
    form = client.get(page or path, follow_redirects=True)
    data = {"csrf_token": csrf_token(form.text), **fields}
    return client.post(path, data=data, follow_redirects=follow)


def sign_in(client: FlaskClient, person: Person, **fields: str) -> TestResponse:
    """Enter email and password."""
    return post(client, "/sign-in", email=person.email, password=person.password, **fields)

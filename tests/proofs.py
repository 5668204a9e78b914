"""Letting time go by for a person's proofs of identity."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import update

from extensions import change_rows, writing
from models import LoginSession
from services.clock import now
from tests.people import Person


def wear_off(app: Flask, person: Person) -> None:
    """Eleven minutes go by: a sensitive change now asks again."""
    long_ago = now() - timedelta(minutes=11)
    proofs = {"password_proved_at": long_ago, "second_factor_proved_at": long_ago}
    with app.app_context(), writing() as session:
        statement = update(LoginSession).where(LoginSession.user_id == person.id)
        change_rows(session, statement.values(proofs))

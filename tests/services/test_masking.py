"""What may be seen of a destination."""

import pytest
from flask import Flask

from services import masking


def test_a_number_is_told_by_its_end(app: Flask) -> None:
    with app.test_request_context():
        assert str(masking.mask_number("+12015550134")) == "the number ending 34"


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("ann@example.org", "a••@example.org"),
        ("a@example.org", "a••@example.org"),
        ("zoë.a.very.long.name@example.org", "z••@example.org"),
    ],
)
def test_an_address_hides_its_name_and_how_long_it_is(email: str, masked: str) -> None:
    assert masking.mask_email(email) == masked


def test_a_destination_fits_its_column() -> None:
    assert masking.mask_destination("sms", "+12015550134") == "••34"
    assert len(masking.mask_destination("mail", "a@" + "x" * 240 + ".org")) == 80


@pytest.mark.parametrize(
    "secret",
    ["+12015550134", "2015550134", "201-555-0134", "(201) 555 0134", "+1 201.555.0134", "123456",
     "123 456"],
)  # fmt: skip
def test_numbers_and_codes_do_not_reach_a_log(secret: str) -> None:
    line = masking.redact(f"The number {secret} is not a number")
    assert line == "The number •• is not a number"


def test_a_log_line_stays_one_line_and_colourless() -> None:
    assert masking.redact("bad\x1b[31m\r\nforged=line\u2028x") == "bad [31m forged=line x"


def test_addresses_do_not_reach_a_log() -> None:
    line = masking.redact("550 <ann.example@example.org>: rejected")
    assert line == "550 <a••@example.org>: rejected"


def test_a_log_line_stays_short() -> None:
    assert len(masking.redact("x" * 5000)) == 200

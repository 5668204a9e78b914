"""Twilio's delivery reports: who may send them, and what they may change."""

import itertools

import pytest
from flask import Flask
from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator

from models import Message
from services import delivery_status
from tests.messages import change, queue, row
from tests.standins.twilio import SETTINGS

BASE = "https://login.example.org"


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, **SETTINGS, "GATEPOST_BASE_URL": BASE}


@pytest.fixture
def message_id(app: Flask) -> int:
    """A text that Twilio has taken."""
    with app.app_context():
        message_id = queue()
        change(message_id, state="sent", payload=None)
        return message_id


def read(app: Flask, message_id: int) -> Message:
    with app.app_context():
        return row(message_id)


def form_of(status: str, **more: str) -> dict[str, str]:
    """The fields that Twilio posts; it may add others without notice."""
    return {
        "MessageSid": "SM" + "1" * 32, "MessageStatus": status, "SmsSid": "SM" + "1" * 32,
        "SmsStatus": status, "AccountSid": SETTINGS["TWILIO_ACCOUNT_SID"], "From": "+12015550100",
        "To": "+12015550134", "ApiVersion": "2010-04-01", "RawDlrDoneDate": "2611240512",
        "SomethingNew": "", **more,
    }  # fmt: skip


def sign(url: str, form: dict[str, str], token: str = SETTINGS["TWILIO_AUTH_TOKEN"]) -> str:
    return str(RequestValidator(token).compute_signature(url, form))


def post(
    app: Flask, client: FlaskClient, message_id: int, status: str, query: str = "", **more: str
) -> int:
    """Post a report as Twilio does; returns the status of the answer."""
    path = f"/hooks/sms/{read(app, message_id).hook_key}{query}"
    form = form_of(status, **more)
    headers = {"X-Twilio-Signature": sign(BASE + path, form)}
    return client.post(path, data=form, headers=headers).status_code


def test_a_signed_report_is_believed(app: Flask, client: FlaskClient, message_id: int) -> None:
    assert post(app, client, message_id, "delivered") == 204
    message = read(app, message_id)
    assert (message.state, message.provider_id) == ("delivered", "SM" + "1" * 32)
    with app.test_request_context():
        status = delivery_status.describe(message)
    assert (status.status, status.done) == ("delivered", True)


def test_the_answer_is_empty_and_sets_no_cookie(
    app: Flask, client: FlaskClient, message_id: int
) -> None:
    path = f"/hooks/sms/{read(app, message_id).hook_key}"
    form = form_of("sent")
    answer = client.post(path, data=form, headers={"X-Twilio-Signature": sign(BASE + path, form)})
    assert answer.status_code == 204
    assert answer.data == b""
    assert "Set-Cookie" not in answer.headers


def test_the_query_is_part_of_what_is_signed(
    app: Flask, client: FlaskClient, message_id: int
) -> None:
    assert post(app, client, message_id, "delivered", "?region=us1&x=%7E") == 204
    assert read(app, message_id).state == "delivered"


def test_the_host_header_is_not(app: Flask, client: FlaskClient, message_id: int) -> None:
    path = f"/hooks/sms/{read(app, message_id).hook_key}"
    form = form_of("delivered")
    for host in ("internal:8000", "evil.org"):
        right = {"X-Twilio-Signature": sign(BASE + path, form), "Host": host}
        assert client.post(path, data=form, headers=right).status_code == 204
        wrong = {"X-Twilio-Signature": sign(f"https://{host}{path}", form), "Host": host}
        assert client.post(path, data=form, headers=wrong).status_code == 403


def test_what_is_not_signed_by_twilio_is_refused(
    app: Flask, client: FlaskClient, message_id: int
) -> None:
    path = f"/hooks/sms/{read(app, message_id).hook_key}"
    form = form_of("delivered")
    good = sign(BASE + path, form)
    for headers in (
        {},
        {"X-Twilio-Signature": ""},
        {"X-Twilio-Signature": "é"},
        {"X-Twilio-Signature": sign(BASE + path, form, "another token")},
        {"X-Twilio-Signature": sign(BASE + path + "/", form)},
        {"X-Twilio-Signature": sign(BASE + path, form_of("sent"))},
    ):
        assert client.post(path, data=form, headers=headers).status_code == 403
    other = client.post(path + "?a=b", data=form, headers={"X-Twilio-Signature": good})
    assert other.status_code == 403
    assert read(app, message_id).state == "sent"


@pytest.mark.settings(TWILIO_AUTH_TOKEN="", TWILIO_API_KEY="SK1", TWILIO_API_SECRET="api-secret")
def test_without_an_auth_token_no_report_is_believed(
    app: Flask, client: FlaskClient, message_id: int
) -> None:
    path = f"/hooks/sms/{read(app, message_id).hook_key}"
    form = form_of("delivered")
    for token in ("", "api-secret"):
        headers = {"X-Twilio-Signature": sign(BASE + path, form, token)}
        assert client.post(path, data=form, headers=headers).status_code == 403


def test_an_unknown_key_is_answered_like_a_known_one(client: FlaskClient) -> None:
    for key in ("0" * 32, "x", "a%20b"):
        path = f"/hooks/sms/{key}"
        form = form_of("delivered")
        headers = {"X-Twilio-Signature": sign(BASE + path, form)}
        answer = client.post(path, data=form, headers=headers)
        assert answer.status_code == (403 if "%" in key else 204)


def test_a_failure_says_why(app: Flask, client: FlaskClient, message_id: int) -> None:
    assert post(app, client, message_id, "undelivered", ErrorCode="30005") == 204
    message = read(app, message_id)
    assert (message.state, message.reason, message.provider_code) == (
        "failed", "undelivered", "30005",
    )  # fmt: skip
    with app.test_request_context():
        assert "The text did not arrive" in delivery_status.describe(message).text


RANKS = {"queued": 0, "sent": 1, "undelivered": 2, "delivered": 3}
STATES = {0: "sent", 1: "sent", 2: "failed", 3: "delivered"}


def test_whatever_the_order_and_however_often_a_state_never_goes_back(
    app: Flask, client: FlaskClient
) -> None:
    for order in itertools.permutations(RANKS):
        with app.app_context():
            message_id = queue()
            change(message_id, state="sent", payload=None)
        highest = 0
        for status in order:
            for _ in range(2):
                assert post(app, client, message_id, status) == 204
            highest = max(highest, RANKS[status])
            assert read(app, message_id).state == STATES[highest]


@pytest.mark.parametrize("before", ["sending", "unknown"])
@pytest.mark.parametrize(
    ("status", "after"), [("sent", "sent"), ("delivered", "delivered"), ("failed", "failed")]
)
def test_a_report_settles_what_was_not_known(
    app: Flask, client: FlaskClient, message_id: int, before: str, status: str, after: str
) -> None:
    with app.app_context():
        change(message_id, state=before, payload=b"x")
    assert post(app, client, message_id, status) == 204
    message = read(app, message_id)
    assert (message.state, message.payload) == (after, None)


@pytest.mark.parametrize("before", ["queued", "expired", "dropped"])
def test_a_report_changes_nothing_that_was_never_sent(
    app: Flask, client: FlaskClient, message_id: int, before: str
) -> None:
    with app.app_context():
        change(message_id, state=before)
    assert post(app, client, message_id, "delivered") == 204
    assert read(app, message_id).state == before


def test_a_mail_has_no_delivery_reports(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        mail_id = queue("mail")
        change(mail_id, state="sent")
    assert post(app, client, mail_id, "delivered") == 204
    assert read(app, mail_id).state == "sent"


def test_new_fields_of_twilios_are_welcome(
    app: Flask, client: FlaskClient, message_id: int
) -> None:
    more = {f"NewField{number}": "x" for number in range(8)}
    assert post(app, client, message_id, "delivered", **more) == 204
    assert read(app, message_id).state == "delivered"


def test_the_hook_is_for_posts_only(client: FlaskClient) -> None:
    assert client.get("/hooks/sms/" + "0" * 32).status_code == 405

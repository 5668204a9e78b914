"""The Twilio gateway against a real socket: each outcome, and how often Twilio was asked."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import config
from services import sms
from services.sms.twilio import TwilioGateway
from tests.standins import faults
from tests.standins.gateway import NUMBER, TEXT, make_gateway, send
from tests.standins.twilio import SETTINGS as TWILIO
from tests.standins.twilio import TwilioStandin


@pytest.fixture
def twilio() -> Iterator[TwilioStandin]:
    with TwilioStandin() as standin:
        yield standin


@pytest.fixture
def gateway(tmp_path: Path, twilio: TwilioStandin) -> TwilioGateway:
    return make_gateway(tmp_path, twilio.base_url)


# What is asked of Twilio


def test_a_text_is_asked_for_with_the_codes_life_and_fraud_protection(
    gateway: TwilioGateway, twilio: TwilioStandin
) -> None:
    result = send(gateway, ttl=421, status_url="https://login.example.org/hooks/sms/ab12")
    assert result.outcome == sms.ACCEPTED
    assert result.message_id in twilio.messages
    assert twilio.texts == [
        {
            "To": NUMBER,
            "From": "+12015550100",
            "Body": TEXT,
            "ValidityPeriod": "421",
            "RiskCheck": "enable",
            "StatusCallback": "https://login.example.org/hooks/sms/ab12",
        }
    ]
    assert (
        twilio.requests[0].path
        == f"/2010-04-01/Accounts/{TWILIO['TWILIO_ACCOUNT_SID']}/Messages.json"
    )
    assert twilio.requests[0].login == (TWILIO["TWILIO_ACCOUNT_SID"], "the-auth-token")


@pytest.mark.parametrize(("ttl", "period"), [(0, "1"), (90000, "36000")])
def test_the_validity_stays_within_twilios_bounds(
    gateway: TwilioGateway, twilio: TwilioStandin, ttl: int, period: str
) -> None:
    send(gateway, ttl=ttl)
    assert twilio.texts[0]["ValidityPeriod"] == period
    assert "StatusCallback" not in twilio.texts[0]


def test_an_api_key_is_preferred_over_the_auth_token(tmp_path: Path, twilio: TwilioStandin) -> None:
    twilio.login = ("SKkey", "api-secret")
    keys = {"TWILIO_API_KEY": "SKkey", "TWILIO_API_SECRET": "api-secret"}
    assert send(make_gateway(tmp_path, twilio.base_url, **keys)).outcome == sms.ACCEPTED
    assert TWILIO["TWILIO_ACCOUNT_SID"] in twilio.requests[0].path


def test_a_messaging_service_stands_instead_of_the_sender(
    tmp_path: Path, twilio: TwilioStandin
) -> None:
    service = {
        "TWILIO_FROM": "",
        "TWILIO_MESSAGING_SERVICE_SID": "MG1",
        "GATEPOST_SMS_COUNTRIES": "US",
    }
    assert send(make_gateway(tmp_path, twilio.base_url, **service)).outcome == sms.ACCEPTED
    assert twilio.texts[0]["MessagingServiceSid"] == "MG1"
    assert "From" not in twilio.texts[0]


def test_a_base_urls_path_is_kept(tmp_path: Path) -> None:
    with TwilioStandin(prefix="/api/laml") as other:
        assert send(make_gateway(tmp_path, other.base_url)).outcome == sms.ACCEPTED
        assert other.requests[0].path.startswith("/api/laml/2010-04-01/Accounts/")


def test_twilios_own_environment_changes_nothing(
    gateway: TwilioGateway, twilio: TwilioStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    assert send(gateway).outcome == sms.ACCEPTED
    assert len(twilio.texts) == 1


def test_nothing_is_logged_about_a_text(
    gateway: TwilioGateway, twilio: TwilioStandin, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        send(gateway)
    assert caplog.text == ""


# What a refusal means


ROWS = {
    sms.BAD_NUMBER: [21211, 21217, 60200, 21266, 21265],
    sms.UNSUPPORTED: [21614, 21635, 30006, 60205, 21268],
    sms.OPTED_OUT: [21610],
    sms.ROUTE_OFF: [21408, 60605, 21612, 21215],
    sms.BLOCKED: [30450, 30453, 60410, 21216],
    sms.UNDELIVERED: [30003, 30005, 30008, 30036, 30001],
    sms.BUSY: [21611, 60203, 60212, 60003],
    sms.MISCONFIGURED: [
        20003, 21212, 21603, 21606, 21608, 21659, 21660, 21703, 21704, 30002, 10001, 30032, 30034,
        30040, 30041, 30007, 21617, 60223,
    ],
}  # fmt: skip


def test_every_code_of_the_table_has_its_outcome_at_one_request_each(
    gateway: TwilioGateway, twilio: TwilioStandin
) -> None:
    for outcome, codes in ROWS.items():
        for code in codes:
            twilio.next_answers(faults.refuse(400, code))
            result = send(gateway)
            assert (result.outcome, result.code) == (outcome, str(code))
    assert len(twilio.texts) == sum(map(len, ROWS.values()))


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (401, 20003, sms.MISCONFIGURED),
        (403, 60605, sms.ROUTE_OFF),
        (400, 99999, sms.ROUTE_OFF),
        (400, None, sms.ROUTE_OFF),
        (400, "21614", sms.UNSUPPORTED),
        (400, "no number", sms.ROUTE_OFF),
        (401, 99999, sms.MISCONFIGURED),
        (403, 99999, sms.MISCONFIGURED),
        (404, 20404, sms.MISCONFIGURED),
        (302, 0, sms.MISCONFIGURED),
    ],
)
def test_an_unknown_code_falls_back_on_the_status(
    gateway: TwilioGateway, twilio: TwilioStandin, status: int, code: object, outcome: str
) -> None:
    twilio.always_answer(faults.refuse(status, code))
    assert send(gateway).outcome == outcome
    assert len(twilio.texts) == 1


def test_a_problem_of_the_newer_kind_is_understood(
    gateway: TwilioGateway, twilio: TwilioStandin
) -> None:
    problem = '{"type": "about:blank", "title": "Bad", "status": 400, "code": 21610}'
    twilio.next_answers(faults.say(400, problem, "application/problem+json"))
    assert send(gateway).outcome == sms.OPTED_OUT


def test_a_message_that_failed_at_once_is_no_success(
    gateway: TwilioGateway, twilio: TwilioStandin
) -> None:
    failed = '{"sid": "SM1", "status": "failed", "error_code": 30006}'
    twilio.next_answers(faults.say(201, failed, "application/json"))
    assert send(gateway) == sms.SmsResult(sms.UNSUPPORTED, "SM1", "30006", "failed")


def test_twilios_words_lose_numbers_and_control_characters(
    gateway: TwilioGateway, twilio: TwilioStandin
) -> None:
    words = f"The 'To' number {NUMBER} or (201) 555-0134 of ann@example.org\nis bad, 123456"
    twilio.next_answers(faults.refuse(400, 21211, words))
    detail = send(gateway).detail
    assert "bad" in detail
    for secret in ("2015550134", "555", "0134", "123456", "ann@", "\n"):
        assert secret not in detail


# What became of it


@pytest.mark.parametrize(
    ("status", "code", "report"),
    [
        ("queued", None, sms.SmsReport("")),
        ("sent", None, sms.SmsReport("sent")),
        ("delivered", None, sms.SmsReport("delivered")),
        ("undelivered", 30003, sms.SmsReport("failed", sms.UNDELIVERED, "30003")),
        ("failed", 30007, sms.SmsReport("failed", sms.MISCONFIGURED, "30007")),
        ("undelivered", None, sms.SmsReport("failed", sms.UNDELIVERED)),
    ],
)
def test_twilio_is_asked_what_became_of_a_text(
    gateway: TwilioGateway,
    twilio: TwilioStandin,
    status: str,
    code: int | None,
    report: sms.SmsReport,
) -> None:
    sid = send(gateway).message_id
    twilio.set_status(sid, status, code)
    found = gateway.ask(sid)
    assert (found.state, found.reason, found.code) == (report.state, report.reason, report.code)


@pytest.mark.parametrize("fault", [faults.reset, faults.refuse(500, 20500), faults.say(200, "<p>")])
def test_a_question_that_goes_wrong_is_no_news(
    gateway: TwilioGateway, twilio: TwilioStandin, fault: Callable[..., None]
) -> None:
    sid = send(gateway).message_id
    twilio.next_answers(fault)
    assert gateway.ask(sid) == sms.SmsReport("")


# Where Twilio may report to


@pytest.mark.parametrize(
    ("base_url", "reports"),
    [
        ("https://login.example.org", True),
        ("http://login.example.org", False),
        ("https://192.0.2.7", False),
        ("https://[2001:db8::1]", False),
        ("https://portal", False),
        ("https://portal.internal", False),
        ("https://my_portal.example.org", False),
    ],
)
def test_reports_are_asked_for_only_where_they_can_arrive(
    tmp_path: Path, base_url: str, reports: bool
) -> None:
    environ = {"GATEPOST_ENV": "development", "GATEPOST_INSTANCE_DIR": str(tmp_path), **TWILIO}
    portal = config.load({**environ, "GATEPOST_BASE_URL": base_url})
    assert sms.status_url(portal, "ab12") == (f"{base_url}/hooks/sms/ab12" if reports else None)


def test_reports_need_the_auth_token_to_be_checked(tmp_path: Path) -> None:
    environ = {
        "GATEPOST_ENV": "development", "GATEPOST_INSTANCE_DIR": str(tmp_path), **TWILIO,
        "TWILIO_AUTH_TOKEN": "", "TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "s",
        "GATEPOST_BASE_URL": "https://login.example.org",
    }  # fmt: skip
    assert sms.status_url(config.load(environ), "ab12") is None

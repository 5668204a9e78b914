"""The Twilio gateway against a real socket: each outcome, and how often Twilio was asked."""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import config
from services import sms
from services.sms.twilio import TwilioGateway
from tests.standins import faults
from tests.standins.certificate import make_certificate
from tests.standins.twilio import SETTINGS as TWILIO
from tests.standins.twilio import Answer, TwilioStandin, answer_well

NUMBER = "+12015550134"
TEXT = "123456 is your code."


@pytest.fixture
def twilio() -> Iterator[TwilioStandin]:
    with TwilioStandin() as standin:
        yield standin


@pytest.fixture
def gateway(tmp_path: Path, twilio: TwilioStandin) -> TwilioGateway:
    return make_gateway(tmp_path, twilio.base_url)


def make_gateway(folder: Path, base_url: str, **environ: str) -> TwilioGateway:
    return TwilioGateway(
        config.load(
            {
                "GATEPOST_ENV": "development",
                "GATEPOST_INSTANCE_DIR": str(folder),
                **TWILIO,
                "GATEPOST_TWILIO_BASE_URL": base_url,
                **environ,
            }
        )
    )


def send(gateway: TwilioGateway, ttl: int = 600, status_url: str | None = None) -> sms.SmsResult:
    return gateway.send(NUMBER, TEXT, ttl=ttl, status_url=status_url)


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


# What may be tried again: only what was certainly not sent


def test_a_refused_connection_is_tried_once_more_and_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = make_gateway(tmp_path, f"http://127.0.0.1:{faults.closed_port()}")
    tries = count_tries(gateway, monkeypatch)
    assert send(gateway).outcome == sms.BUSY
    assert len(tries) == 2


def test_an_unknown_host_is_tried_once_more_and_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = make_gateway(tmp_path, "https://twilio.invalid")
    tries = count_tries(gateway, monkeypatch)
    assert send(gateway).outcome == sms.BUSY
    assert len(tries) == 2


def test_a_connection_that_comes_up_at_the_second_try_sends_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = faults.closed_port()
    gateway = make_gateway(tmp_path, f"http://127.0.0.1:{port}")
    with TwilioStandin() as twilio:
        original = gateway._try

        def first_fails(messages: object, fields: dict[str, object]) -> tuple[sms.SmsResult, str]:
            result = original(messages, fields)
            gateway._client.api.base_url = twilio.base_url
            return result

        monkeypatch.setattr(gateway, "_try", first_fails)
        assert send(gateway).outcome == sms.ACCEPTED
        assert len(twilio.texts) == 1


def count_tries(gateway: TwilioGateway, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    tries: list[float] = []
    original = gateway._try

    def counted(messages: object, fields: dict[str, object]) -> tuple[sms.SmsResult, str]:
        tries.append(time.monotonic())
        return original(messages, fields)

    monkeypatch.setattr(gateway, "_try", counted)
    return tries


@pytest.mark.parametrize("busy", [faults.refuse(429, 20429), faults.say(429, "<h1>slow down</h1>")])
def test_too_many_requests_is_tried_twice_more_with_growing_pauses(
    gateway: TwilioGateway, twilio: TwilioStandin, busy: Answer
) -> None:
    twilio.always_answer(busy)
    assert send(gateway).outcome == sms.BUSY
    first, second, third = (request.at for request in twilio.requests)
    assert second - first >= 0.27
    assert third - second >= 0.72


def test_too_many_requests_may_be_over_at_the_third_try(
    gateway: TwilioGateway, twilio: TwilioStandin
) -> None:
    twilio.next_answers(faults.refuse(429, 20429), faults.refuse(429, "20429"), answer_well)
    assert send(gateway).outcome == sms.ACCEPTED
    assert len(twilio.texts) == 3


def test_too_many_requests_is_not_tried_again_past_the_deadline(
    tmp_path: Path, twilio: TwilioStandin
) -> None:
    gateway = make_gateway(tmp_path, twilio.base_url, GATEPOST_TWILIO_DEADLINE_SECONDS="1")
    twilio.always_answer(faults.refuse(429, 20429))
    started = time.monotonic()
    assert send(gateway).outcome == sms.BUSY
    assert time.monotonic() - started < 5
    assert len(twilio.texts) <= 2


# What must never be tried again


@pytest.mark.parametrize(
    "fault",
    [
        faults.reset,
        faults.hang_up,
        faults.say(500, "<h1>Internal Server Error</h1>"),
        faults.say(502, "Bad gateway"),
        faults.refuse(500, 20500),
        faults.refuse(503, 20503),
        faults.say(200, "<h1>Welcome to the hotel's network</h1>"),
        faults.say(201, ""),
        faults.say(201, "{}", "application/json"),
        faults.say(201, "[]", "application/json"),
        faults.say(201, "null", "application/json"),
    ],
    ids=[
        "reset", "closed", "500 HTML", "502", "500 JSON", "503 JSON", "200 HTML", "201 empty",
        "201 without a sid", "201 list", "201 null",
    ],
)  # fmt: skip
def test_what_may_have_been_sent_is_unknown_and_asked_for_once(
    gateway: TwilioGateway, twilio: TwilioStandin, fault: Answer
) -> None:
    twilio.next_answers(fault)
    assert send(gateway).outcome == sms.UNKNOWN
    assert len(twilio.texts) == 1


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (faults.hang(), {"READ": 1, "DEADLINE": 50}),
        (faults.hang(), {"READ": 50, "DEADLINE": 1}),
        (faults.drip_body(), {"READ": 50, "DEADLINE": 1}),
        (faults.drip_header(), {"READ": 50, "DEADLINE": 1}),
    ],
    ids=["hang, read timeout", "hang, deadline", "dripping body", "dripping header"],
)
def test_no_answer_is_waited_for_past_the_read_timeout_and_the_deadline(
    tmp_path: Path, twilio: TwilioStandin, fault: Answer, waits: dict[str, int]
) -> None:
    environ = {f"GATEPOST_TWILIO_{name}_SECONDS": str(value) for name, value in waits.items()}
    gateway = make_gateway(tmp_path, twilio.base_url, **environ)
    twilio.next_answers(fault)
    started = time.monotonic()
    assert send(gateway).outcome == sms.UNKNOWN
    assert 0.9 < time.monotonic() - started < 10
    assert len(twilio.texts) == 1


def test_the_next_text_is_sent_after_a_fault(gateway: TwilioGateway, twilio: TwilioStandin) -> None:
    twilio.next_answers(faults.reset, faults.hang_up)
    assert [send(gateway).outcome for _ in range(3)] == [sms.UNKNOWN, sms.UNKNOWN, sms.ACCEPTED]


# Under TLS


def test_a_certificate_that_nobody_vouches_for_is_our_setup_and_nothing_is_sent(
    tmp_path: Path,
) -> None:
    with TwilioStandin(certificate=make_certificate(tmp_path)) as twilio:
        result = send(make_gateway(tmp_path, twilio.base_url))
        assert result.outcome == sms.MISCONFIGURED
        assert twilio.requests == []


def test_a_drip_ends_with_the_deadline_under_tls_too_even_on_a_connection_used_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.certificate))
    with TwilioStandin(certificate=certificate) as twilio:
        gateway = make_gateway(tmp_path, twilio.base_url, GATEPOST_TWILIO_DEADLINE_SECONDS="2")
        twilio.next_answers(answer_well, faults.drip_header(), answer_well, faults.drip_body())
        started = time.monotonic()
        outcomes = [send(gateway).outcome for _ in range(5)]
        assert time.monotonic() - started < 30
        assert outcomes == [sms.ACCEPTED, sms.UNKNOWN, sms.ACCEPTED, sms.UNKNOWN, sms.ACCEPTED]
        assert len(twilio.texts) == 5


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

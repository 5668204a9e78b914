"""The Twilio gateway when things go wrong: what may be tried again, and what never."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import sms
from services.sms.twilio import TwilioGateway
from tests.standins import faults
from tests.standins.certificate import make_certificate
from tests.standins.gateway import make_gateway, send
from tests.standins.twilio import Answer, TwilioStandin, answer_well


@pytest.fixture
def twilio() -> Iterator[TwilioStandin]:
    with TwilioStandin() as standin:
        yield standin


@pytest.fixture
def gateway(tmp_path: Path, twilio: TwilioStandin) -> TwilioGateway:
    return make_gateway(tmp_path, twilio.base_url)


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

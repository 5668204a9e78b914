"""The SMTP gateway against a real server: what is sent, what may be tried again."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import config
from services import mail
from services.mail.smtp import SmtpGateway
from tests.standins import faults
from tests.standins.certificate import Certificate, make_certificate
from tests.standins.smtp import BREAK, HANG, SmtpStandin

TEXT = "Hello,\n\n.a line that begins with a dot\nhttps://login.example.org/x/" + "t" * 120 + "\n"


@pytest.fixture
def server() -> Iterator[SmtpStandin]:
    with SmtpStandin() as standin:
        yield standin


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def make_gateway(folder: Path, url: str, **environ: str) -> SmtpGateway:
    return SmtpGateway(
        config.load(
            {
                "GATEPOST_ENV": "development",
                "GATEPOST_INSTANCE_DIR": str(folder),
                "GATEPOST_MAIL_GATEWAY": "smtp",
                "GATEPOST_SMTP_URL": url,
                "GATEPOST_MAIL_FROM": "Example Login <login@example.org>",
                "GATEPOST_BASE_URL": "https://login.example.org",
                **environ,
            }
        )
    )


def send(
    gateway: SmtpGateway, to: str = "ann@example.org", subject: str = "Hello"
) -> mail.MailResult:
    return gateway.send(to, subject, TEXT, ref="ab12")


def test_a_mail_goes_to_one_recipient_with_what_a_mail_owes(
    tmp_path: Path, server: SmtpStandin
) -> None:
    assert send(make_gateway(tmp_path, server.url)).outcome == mail.ACCEPTED
    (taken,) = server.mails
    assert (taken.sender, taken.recipients) == ("login@example.org", ["ann@example.org"])
    assert taken.message["From"] == "Example Login <login@example.org>"
    assert taken.message["To"] == "ann@example.org"
    assert taken.message["Subject"] == "Hello"
    assert taken.message["Message-ID"] == "<ab12@example.org>"
    assert taken.message["Date"].datetime is not None
    assert taken.message["Auto-Submitted"] == "auto-generated"
    assert taken.message.get_content().replace("\r\n", "\n") == TEXT
    assert b"/x/" + b"t" * 120 in taken.raw


def test_words_in_any_script_arrive(tmp_path: Path, server: SmtpStandin) -> None:
    gateway = make_gateway(tmp_path, server.url)
    assert (
        gateway.send("ann@example.org", "Zugang für Zoë", "Grüße ☎\n", ref="r").outcome
        == mail.ACCEPTED
    )
    assert server.mails[0].message["Subject"] == "Zugang für Zoë"
    assert server.mails[0].message.get_content().strip() == "Grüße ☎"


def test_addresses_in_any_script_arrive(tmp_path: Path, server: SmtpStandin) -> None:
    gateway = make_gateway(tmp_path, server.url)
    assert send(gateway, "zoë@example.org").outcome == mail.ACCEPTED
    assert send(gateway, "ann@bücher.example.org").outcome == mail.ACCEPTED
    assert server.mails[0].recipients == ["zoë@example.org"]
    assert server.mails[1].recipients == ["ann@xn--bcher-kva.example.org"]


@pytest.mark.parametrize(
    "to",
    [
        "a@b.org, x@evil.org",
        "a@b.org,x@evil.org",
        "a@b.org; x@evil.org",
        "a@b.org\r\nBcc: x@evil.org",
        "a@b.org\nx@evil.org",
        "a@b.org> <x@evil.org",
        "Ann <a@b.org>",
        "a@b.org x@evil.org",
        '"a@b.org,x"@evil.org',
        "group:a@b.org;",
        "a(comment)@b.org",
        "a@b@evil.org",
        "ann",
        "@example.org",
        "ann@",
        "",
    ],
)
def test_no_second_recipient_is_smuggled_in(tmp_path: Path, server: SmtpStandin, to: str) -> None:
    assert send(make_gateway(tmp_path, server.url), to).outcome == mail.REFUSED
    assert server.commands == []


def test_no_header_is_smuggled_in(tmp_path: Path, server: SmtpStandin) -> None:
    result = send(make_gateway(tmp_path, server.url), subject="Hello\r\nBcc: x@evil.org")
    assert result.outcome == mail.REFUSED
    assert server.commands == []


def test_no_command_is_smuggled_in_by_the_text(tmp_path: Path, server: SmtpStandin) -> None:
    for end in ("\n.\n", "\r\n.\r\n", "\r.\r", "\r\n.\n", "\n.\r\n"):
        text = f"before{end}MAIL FROM:<x@evil.org>\n"
        gateway = make_gateway(tmp_path, server.url)
        assert gateway.send("ann@example.org", "Hello", text, ref="r").outcome == mail.ACCEPTED
    assert {taken.sender for taken in server.mails} == {"login@example.org"}
    assert len(server.mails) == 5


# Encryption and login


def test_starttls_is_used_where_it_is_offered(tmp_path: Path, certificate: Certificate) -> None:
    with SmtpStandin(certificate) as server:
        assert send(make_gateway(tmp_path, server.url)).outcome == mail.ACCEPTED
        assert server.mails[0].encrypted


def test_a_login_is_sent_encrypted(tmp_path: Path, certificate: Certificate) -> None:
    with SmtpStandin(certificate, login=("user", "pass")) as server:
        assert send(make_gateway(tmp_path, server.url)).outcome == mail.ACCEPTED
        assert (server.mails[0].encrypted, server.mails[0].login) == (True, "user")


def test_a_login_with_odd_characters_is_read_from_the_url(
    tmp_path: Path, certificate: Certificate
) -> None:
    with SmtpStandin(certificate, login=("user@example.org", "p/a:s s")) as server:
        url = f"smtp://user%40example.org:p%2Fa%3As%20s@127.0.0.1:{server.port}"
        assert send(make_gateway(tmp_path, url)).outcome == mail.ACCEPTED


def test_a_login_never_travels_in_clear(tmp_path: Path) -> None:
    with SmtpStandin(login=("user", "pass")) as server:
        assert send(make_gateway(tmp_path, server.url)).outcome == mail.MISCONFIGURED
        assert "AUTH" not in server.commands
        assert server.mails == []


def test_starttls_that_fails_is_not_done_without(tmp_path: Path, certificate: Certificate) -> None:
    with SmtpStandin(certificate) as server:
        server.refuse("STARTTLS", "454 4.7.0 TLS not available")
        assert send(make_gateway(tmp_path, server.url)).outcome == mail.BUSY
        assert server.mails == []


def test_tls_from_the_first_byte(tmp_path: Path, certificate: Certificate) -> None:
    with SmtpStandin(certificate, login=("user", "pass"), tls_at_once=True) as server:
        assert send(make_gateway(tmp_path, server.url)).outcome == mail.ACCEPTED
        assert (server.mails[0].encrypted, server.mails[0].login) == (True, "user")


@pytest.mark.parametrize("tls_at_once", [False, True])
def test_a_certificate_that_nobody_vouches_for_is_refused_off_this_machine(
    tmp_path: Path, certificate: Certificate, tls_at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.mail.smtp._LOOPBACK", frozenset())
    with SmtpStandin(certificate, tls_at_once=tls_at_once) as server:
        assert send(make_gateway(tmp_path, server.url)).outcome == mail.MISCONFIGURED
        assert server.mails == []


def test_a_wrong_password_is_our_setup(tmp_path: Path, certificate: Certificate) -> None:
    with SmtpStandin(certificate, login=("user", "pass")) as server:
        url = f"smtp://user:wrong@127.0.0.1:{server.port}"
        result = send(make_gateway(tmp_path, url))
        assert (result.outcome, result.code) == (mail.MISCONFIGURED, "535")


# What may be tried again


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA", "END"])
def test_later_means_later_at_every_step(tmp_path: Path, server: SmtpStandin, command: str) -> None:
    server.refuse(command, "451 4.3.0 Try again later")
    assert send(make_gateway(tmp_path, server.url)).outcome == mail.BUSY
    assert server.mails == []


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        ("EHLO", mail.MISCONFIGURED),
        ("MAIL", mail.MISCONFIGURED),
        ("RCPT", mail.REFUSED),
        ("DATA", mail.REFUSED),
        ("END", mail.REFUSED),
    ],
)
def test_no_means_no_and_says_whose_fault_it_is(
    tmp_path: Path, server: SmtpStandin, command: str, outcome: str
) -> None:
    server.refuse(command, "550 5.7.1 <ann@example.org> refused, call +1 201 555 0134")
    result = send(make_gateway(tmp_path, server.url))
    assert (result.outcome, result.code) == (outcome, "550")
    assert "ann@" not in result.detail
    assert "0134" not in result.detail


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("fault", [HANG, BREAK, "gibberish"])
def test_what_breaks_before_the_mail_was_out_may_be_tried_again(
    tmp_path: Path, server: SmtpStandin, command: str, fault: str
) -> None:
    server.refuse(command, fault)
    gateway = make_gateway(tmp_path, server.url, GATEPOST_SMTP_SECONDS="1")
    assert send(gateway).outcome == mail.BUSY


@pytest.mark.parametrize("fault", [HANG, BREAK, "gibberish"])
def test_what_breaks_after_the_mail_was_out_is_unknown(
    tmp_path: Path, server: SmtpStandin, fault: str
) -> None:
    server.refuse("END", fault)
    gateway = make_gateway(tmp_path, server.url, GATEPOST_SMTP_SECONDS="1")
    assert send(gateway).outcome == mail.UNKNOWN


def test_nobody_listens(tmp_path: Path) -> None:
    gateway = make_gateway(tmp_path, f"smtp://127.0.0.1:{faults.closed_port()}")
    assert send(gateway).outcome == mail.BUSY


def test_a_dripping_server_ends_with_the_deadline(tmp_path: Path) -> None:
    with faults.dripping_server(b"220-") as port:
        gateway = make_gateway(
            tmp_path, f"smtp://127.0.0.1:{port}", GATEPOST_DELIVERY_LEASE_SECONDS="2"
        )
        started = time.monotonic()
        assert send(gateway).outcome == mail.BUSY
        assert 1.2 < time.monotonic() - started < 10


@pytest.mark.parametrize(
    "sender", ["a@b.org, x@evil.org", "Login, Example <login@example.org>", "Ann <ann@>"]
)
def test_the_sender_of_the_settings_must_be_one_address(
    tmp_path: Path, server: SmtpStandin, sender: str
) -> None:
    with pytest.raises(config.SettingsInvalid, match="GATEPOST_MAIL_FROM must be an address"):
        make_gateway(tmp_path, server.url, GATEPOST_MAIL_FROM=sender)

"""The files of the development gateways."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import config
from services import mail, outbox_files, sms
from tests.portal import ROOT


def load(folder: Path, gateway: str) -> config.Config:
    return config.load(
        {
            "GATEPOST_ENV": "development",
            "GATEPOST_INSTANCE_DIR": str(folder),
            "GATEPOST_SMS_GATEWAY": gateway,
            "GATEPOST_MAIL_GATEWAY": gateway,
        }
    )


def test_a_message_is_one_line_with_its_four_fields_for_the_owner_alone(tmp_path: Path) -> None:
    gateway = sms.make_gateway(load(tmp_path, "file"))
    assert gateway is not None
    gateway.send("+12015550134", "123456\nis ünusual", ttl=60, status_url=None)
    path = tmp_path / "outbox" / "sms.jsonl"
    (line,) = path.read_text().splitlines()
    fields = json.loads(line)
    assert list(fields) == ["at", "to", "subject", "text"]
    assert (fields["to"], fields["subject"], fields["text"]) == (
        "+12015550134", "", "123456\nis ünusual",
    )  # fmt: skip
    assert fields["at"].endswith("+00:00")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_console_shows_a_message_and_writes_it_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load(tmp_path, "console")
    text_gateway = sms.make_gateway(settings)
    assert text_gateway is not None
    text_gateway.send("+12015550134", "123456 is it", ttl=60, status_url=None)
    mail.make_gateway(settings).send("ann@example.org", "Hello", "A link\n", ref="r")
    shown = capsys.readouterr().out
    assert "Text message to +12015550134" in shown
    assert "123456 is it" in shown
    assert "Mail to ann@example.org: Hello" in shown
    assert len(outbox_files.read_newest(tmp_path / "outbox", 10)) == 2


def test_the_newest_come_first_with_their_code_and_link(tmp_path: Path) -> None:
    outbox_files.append(tmp_path, "sms", "+12015550134", "", "123456 is your code. @x #123456")
    outbox_files.append(tmp_path, "mail", "a@example.org", "Hi", "See https://x.example.org/y z")
    outbox_files.append(tmp_path, "mail", "a@example.org", "Hi", "Number 12345678, no code")
    last, link, code = outbox_files.read_newest(tmp_path, 10)
    assert (last.code, last.link) == (None, None)
    assert (link.channel, link.subject, link.link) == ("mail", "Hi", "https://x.example.org/y")
    assert (code.channel, code.code, code.link) == ("sms", "123456", None)
    assert len(outbox_files.read_newest(tmp_path, 2)) == 2


def test_nothing_was_sent_yet(tmp_path: Path) -> None:
    assert outbox_files.read_newest(tmp_path / "none", 10) == []


def test_a_torn_or_foreign_line_hides_no_other(tmp_path: Path) -> None:
    outbox_files.append(tmp_path, "sms", "+1", "", "first")
    with (tmp_path / "sms.jsonl").open("a") as file:
        file.write('{"at": "x"}\n[1]\nnull\nrubbish\n')
    outbox_files.append(tmp_path, "sms", "+1", "", "last")
    assert [m.text for m in outbox_files.read_newest(tmp_path, 10)] == ["last", "first"]


def test_a_long_file_is_read_from_its_end(tmp_path: Path) -> None:
    for number in range(12):
        outbox_files.append(tmp_path, "mail", "a@example.org", str(number), "x" * 100_000)
    assert [m.subject for m in outbox_files.read_newest(tmp_path, 3)] == ["11", "10", "9"]


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from services import outbox_files\n"
        "text = sys.argv[2] * 3000\n"
        "for n in range(200): outbox_files.append(Path(sys.argv[1]), 'sms', '+1', '', text)"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), letter], cwd=ROOT)
        for letter in "abc"
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    lines = (tmp_path / "sms.jsonl").read_text().splitlines()
    assert len(lines) == 600
    assert all(len(set(json.loads(line)["text"])) == 1 for line in lines)

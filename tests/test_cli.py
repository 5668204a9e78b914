"""The command line: what it does, what it prints, and the status it ends with."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import time_machine
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import insert, text

import config_docs
from extensions import db, writing
from models import User
from services import (
    accounts,
    listing,
    mail,
    passwords,
    phones,
    sign_in,
    sms,
    trial_messages,
)
from services.audit import Event, record
from services.clock import now
from services.errors import AccountDisabled
from services.sign_in import Browser, SignedIn
from tests.messages import change, messages_to, queue
from tests.outbox import Outbox
from tests.people import (
    CLIENT,
    NUMBER,
    PASSWORD,
    Person,
    load_user,
    make_registration,
    open_session,
)
from tests.portal import flask

NewPerson = Callable[..., Person]
ANN = "ann@example.org"


@pytest.fixture
def run(runner: FlaskCliRunner) -> Callable[..., Result]:
    """Runs one command: ``run("user", "show", "ann@example.org")``."""

    def invoke(*args: str, typed: str | None = None) -> Result:
        return runner.invoke(args=list(args), input=typed)

    return invoke


def good(result: Result) -> str:
    """What a command printed that ended well."""
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(result: Result) -> str:
    """The one line that a command printed that ended with status 1, and nothing of a traceback."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.stderr.strip().splitlines()[-1]


def sign_in_with(app: Flask, password: str) -> object:
    with app.app_context():
        return sign_in.with_password(ANN, password, False, Browser(CLIENT))


def link_in(output: str) -> str:
    found = re.search(r"https?://\S+", output)
    assert found, output
    return found.group()


class TestUserCreate:
    def test_without_a_password_a_link_to_choose_one_is_printed(
        self, app: Flask, run: Callable[..., Result]
    ) -> None:
        printed = good(run("user", "create", ANN, "--name", "Ann Archer"))
        assert "good once, for 7 days" in printed
        with app.app_context():
            passwords.reset(link_in(printed).rsplit("/", 1)[-1], PASSWORD, CLIENT)
            user = accounts.find(ANN)
            assert (user.name, user.is_admin) == ("Ann Archer", False)

        assert isinstance(sign_in_with(app, PASSWORD), SignedIn)

    @pytest.mark.parametrize("end", ["\n", "\r\n", ""])
    def test_a_password_comes_from_standard_input_and_is_not_printed(
        self, app: Flask, run: Callable[..., Result], end: str
    ) -> None:
        result = run("user", "create", ANN, "--admin", "--password-stdin", typed=PASSWORD + end)
        good(result)
        assert PASSWORD not in result.output
        assert "://" not in result.stdout
        with app.app_context():
            assert accounts.find(ANN).is_admin

        assert isinstance(sign_in_with(app, PASSWORD), SignedIn)

    def test_an_address_has_one_account(
        self, run: Callable[..., Result], new_person: NewPerson
    ) -> None:
        new_person()
        assert "There is an account" in refused(run("user", "create", "ANN@example.org"))

    @pytest.mark.parametrize(
        ("args", "typed", "reason"),
        [
            (("nonsense",), None, "Enter an email address"),
            ((ANN, "--password-stdin"), "short\n", "at least 15 characters"),
            ((ANN, "--password-stdin"), "", "at least 15 characters"),
            ((ANN, "--password-stdin"), "ann@example.org\n", "easy to guess"),
        ],
    )
    def test_a_refusal_is_one_line(
        self, run: Callable[..., Result], args: tuple[str, ...], typed: str | None, reason: str
    ) -> None:
        assert reason in refused(run("user", "create", *args, typed=typed))


def test_who_has_an_account_is_not_invited(
    run: Callable[..., Result], new_person: NewPerson, outbox: Outbox
) -> None:
    new_person()
    assert "There is an account" in refused(run("user", "invite", "ANN@example.org"))
    assert outbox.messages("mail") == []


def test_an_invitation_is_mailed_and_printed(run: Callable[..., Result], outbox: Outbox) -> None:
    printed = good(run("user", "invite", ANN))

    assert "/register?invitation=" in printed
    assert outbox.link(ANN) == link_in(printed)


class TestUserShow:
    def test_it_prints_lines_for_people(
        self, run: Callable[..., Result], new_person: NewPerson
    ) -> None:
        new_person(number=NUMBER, two_factor=True)
        printed = good(run("user", "show", "ANN@example.org"))

        assert "email: ann@example.org" in printed
        assert "two factor: yes" in printed
        assert "the number ending 23" in printed
        assert "messages: none" in printed
        assert NUMBER not in printed

    def test_json_is_one_document_and_nothing_else(
        self, app: Flask, run: Callable[..., Result], new_person: NewPerson
    ) -> None:
        ann = new_person(number=NUMBER, name="Änn")
        with app.app_context():
            accounts.disable(load_user(ann.id))
        told = json.loads(good(run("user", "show", ANN, "--json")))

        assert (told["email"], told["name"], told["disabled"]) == (ANN, "Änn", True)
        assert told["phones"] == [
            {"number": "the number ending 23", "primary": True, "disabled": False}
        ]
        assert told["messages"][0]["kind"] == "account_disabled"
        assert told["activity"][0]["event"] == "account_disabled"

    def test_times_events_and_messages_are_in_words(
        self, app: Flask, run: Callable[..., Result], new_person: NewPerson
    ) -> None:
        ann = new_person(number=NUMBER, name="Ann")
        with app.app_context():
            accounts.disable(load_user(ann.id))
            message = queue(user_id=ann.id, to=NUMBER)
            change(message, state="failed", reason="opted_out", provider_code="21610")
            with writing() as session:
                record(session, Event.LIMIT_REACHED, CLIENT, ann.id, rule="codes_hour", by=None)
        printed = good(run("user", "show", ANN))

        assert "last signed in: never" in printed
        assert "  the number ending 23  primary\n" in printed
        moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  "
        for line in (
            r"sms  sign_in_code  to ••23  failed  opted_out  code 21610",
            r"mail  account_disabled  to a••@example.org  queued",
            r"account_disabled  The account was disabled by an administrator",
            r"limit_reached  No more codes were sent for a while  from 192.0.2.7  rule: codes_hour",
        ):
            assert re.search(rf"(?m)^  {moment}{line}$", printed), (line, printed)

    def test_of_who_was_invited_or_registered_it_says_since_when_and_until_when(
        self, app: Flask, run: Callable[..., Result]
    ) -> None:
        assert "ask the person to register first" in refused(run("user", "show", ANN))
        with time_machine.travel("2026-05-01 12:00Z", tick=False):
            good(run("user", "invite", "Ann@example.org"))
            assert refused(run("user", "show", ANN)) == (
                "No account has this email address yet. It was invited at 2026-05-01 12:00 UTC; "
                "the link works until 2026-05-08 12:00 UTC."
            )
            with app.app_context():
                make_registration(ANN)
            assert refused(run("user", "show", ANN)) == (
                "No account has this email address yet. It was registered at 2026-05-01 12:00 UTC, "
                "and the link that was mailed to it has not been followed. The registration "
                "is kept until 2026-05-08 12:00 UTC."
            )
        with time_machine.travel("2026-05-08 12:00Z", tick=False):
            assert "ask the person to register first" in refused(run("user", "show", ANN))


class TestUserList:
    def test_everybody_is_a_line(
        self, app: Flask, run: Callable[..., Result], new_person: NewPerson
    ) -> None:
        new_person(name="Ann", admin=True)
        bob = new_person("bob@example.org", number=NUMBER, two_factor=True)
        with app.app_context():
            open_session(load_user(bob.id))
            accounts.disable(load_user(bob.id))
            today = load_user(bob.id).last_sign_in_at
        assert good(run("user", "list")).splitlines() == [
            "ann@example.org  Ann  administrator  never signed in",
            f"bob@example.org  disabled  two factor  last signed in {today:%Y-%m-%d}",
        ]

    def test_json_is_one_document_however_many_there_are(
        self, app: Flask, run: Callable[..., Result]
    ) -> None:
        assert json.loads(good(run("user", "list", "--json"))) == []
        with app.app_context(), writing() as session:
            session.execute(
                insert(User),
                [
                    {"email": f"p{n}@example.org", "email_canonical": f"p{n}@example.org",
                     "created_at": now()}
                    for n in range(listing.STEP + 1)
                ],
            )  # fmt: skip
        told = json.loads(good(run("user", "list", "--json")))

        assert [row["email"] for row in told] == [
            f"p{n}@example.org" for n in range(listing.STEP + 1)
        ]
        assert told[0].keys() == {
            "id", "email", "name", "admin", "disabled", "two_factor", "created_at",
            "last_sign_in_at",
        }  # fmt: skip


def test_an_account_is_deleted_and_the_person_told(
    app: Flask, run: Callable[..., Result], new_person: NewPerson
) -> None:
    new_person()
    assert "The person was told" in good(run("user", "delete", "ANN@example.org"))
    assert good(run("user", "list")) == ""
    with app.app_context():
        assert len(messages_to(ANN, "account_closed")) == 1


class TestAdministrators:
    def test_promote_and_demote(self, run: Callable[..., Result], new_person: NewPerson) -> None:
        new_person()
        new_person("bob@example.org", admin=True)
        for command, first in (("promote", "is an"), ("demote", "is no longer an")):
            assert f"The person {first} administrator. The person was told." in good(
                run("user", command, ANN)
            )
            assert good(run("user", command, ANN)).endswith(": nothing to do.\n")

    @pytest.mark.parametrize("args", [("demote", ANN), ("delete", ANN, "--yes"), ("disable", ANN)])
    def test_the_last_one_stays(
        self, run: Callable[..., Result], new_person: NewPerson, args: tuple[str, ...]
    ) -> None:
        new_person(admin=True)
        assert refused(run("user", *args)).startswith("This is the last administrator")


class TestUserChanges:
    @pytest.mark.parametrize(
        ("command", "printed"),
        [
            ("enable", "The account is not disabled: nothing to do."),
            ("reset-two-factor", "Two-factor sign-in is off already, and there is no number"),
        ],
    )
    def test_nothing_is_claimed_where_nothing_was_to_do(
        self, run: Callable[..., Result], new_person: NewPerson, command: str, printed: str
    ) -> None:
        new_person()
        assert printed in good(run("user", command, ANN))

    def test_twice_is_once(
        self, app: Flask, run: Callable[..., Result], new_person: NewPerson
    ) -> None:
        new_person()
        good(run("user", "disable", ANN))
        assert good(run("user", "disable", ANN)) == (
            "The account is disabled already: nothing to do.\n"
        )
        with app.app_context():
            assert len(messages_to(ANN, "account_disabled")) == 1

    def test_disable_and_enable(
        self, app: Flask, run: Callable[..., Result], new_person: NewPerson
    ) -> None:
        new_person()
        assert "The person was told" in good(run("user", "disable", ANN))
        with pytest.raises(AccountDisabled):
            sign_in_with(app, PASSWORD)
        assert "The person was told" in good(run("user", "enable", ANN))

        assert isinstance(sign_in_with(app, PASSWORD), SignedIn)
        with app.app_context():
            for kind in ("account_disabled", "account_enabled"):
                assert len(messages_to(ANN, kind)) == 1

    def test_reset_two_factor(
        self, app: Flask, run: Callable[..., Result], new_person: NewPerson
    ) -> None:
        ann = new_person(number=NUMBER, two_factor=True)
        assert "The person was told" in good(run("user", "reset-two-factor", ANN))

        with app.app_context():
            assert not load_user(ann.id).two_factor_enabled
            assert phones.list_shown(load_user(ann.id)) == []
            assert len(messages_to(ANN, "two_factor_reset")) == 1
        assert isinstance(sign_in_with(app, PASSWORD), SignedIn)

    @pytest.mark.parametrize(
        "command",
        ["show", "disable", "enable", "reset-two-factor", "promote", "demote", "delete"],
    )
    @pytest.mark.parametrize("email", ["nobody@example.org", "nonsense"])
    def test_who_is_not_there_is_said_so(
        self, run: Callable[..., Result], command: str, email: str
    ) -> None:
        line = refused(run("user", command, email))
        assert "account" in line or "email address" in line


class TestTrialMessages:
    def test_a_text_goes_through_the_gateway(
        self, run: Callable[..., Result], outbox: Outbox
    ) -> None:
        assert good(run("sms", "test", "(201) 555-0123")) == (
            "The text was accepted for delivery.\n"
        )
        (message,) = outbox.messages("sms")
        assert (message["to"], message["text"]) == (
            NUMBER, "This is a test message from Gatepost."
        )  # fmt: skip

    def test_a_mail_goes_through_the_gateway(
        self, run: Callable[..., Result], outbox: Outbox
    ) -> None:
        good(run("mail", "test", ANN))
        (message,) = outbox.messages("mail")
        assert message["to"] == ANN

    @pytest.mark.parametrize(
        ("args", "reason"),
        [
            (("sms", "test", "123"), "does not look right"),
            (("sms", "test", "+1 900 555 0199"), ""),
            (("mail", "test", "nonsense"), "Enter an email address"),
        ],
    )
    def test_what_is_no_destination_is_refused(
        self, run: Callable[..., Result], args: tuple[str, ...], reason: str, outbox: Outbox
    ) -> None:
        assert reason in refused(run(*args))
        assert outbox.messages("sms") == outbox.messages("mail") == []

    @pytest.mark.settings(GATEPOST_SMS_GATEWAY="none")
    def test_a_portal_without_texts_says_so(self, run: Callable[..., Result]) -> None:
        result = run("sms", "test", NUMBER)
        assert result.exit_code == 1
        assert "this portal sends no texts" in result.stdout

    @pytest.mark.settings(GATEPOST_OUTBOX_DIR="/dev/null/nowhere")
    @pytest.mark.parametrize("args", [("sms", "test", NUMBER), ("mail", "test", ANN)])
    def test_what_the_gateway_does_not_take_ends_with_status_1(
        self, run: Callable[..., Result], args: tuple[str, ...]
    ) -> None:
        result = run(*args)
        assert result.exit_code == 1
        assert "was not sent" in result.stdout

    @pytest.mark.settings(
        GATEPOST_MAIL_GATEWAY="smtp",
        GATEPOST_SMTP_URL="smtp://127.0.0.1:1",
        GATEPOST_SMTP_SECONDS="2",
    )
    def test_a_mail_server_that_is_not_there_is_named_in_words(
        self, run: Callable[..., Result]
    ) -> None:
        result = run("mail", "test", ANN)
        assert result.exit_code == 1
        assert result.stdout == (
            "The mail was not sent: the mail server could not be reached, or asked to try later"
            " (ConnectionRefusedError: Connection refused).\n"
        )

    @pytest.mark.parametrize("channel", ["text", "mail"])
    def test_every_outcome_has_its_words(self, channel: str) -> None:
        gateway = sms if channel == "text" else mail
        outcomes = {
            value
            for name, value in vars(gateway).items()
            if name.isupper() and isinstance(value, str) and name != "ACCEPTED"
        }
        assert outcomes == set(trial_messages.WORDS[channel])


def test_deliver_sends_what_is_due(app: Flask, run: Callable[..., Result], outbox: Outbox) -> None:
    with app.app_context():
        message_id = queue()
    good(run("deliver", "--until-idle"))

    with app.app_context():
        state = db.session.scalar(
            text("SELECT state FROM messages WHERE id = :id"), {"id": message_id}
        )
    assert state == "sent"


class TestSweep:
    def test_it_prints_what_went(self, app: Flask, run: Callable[..., Result]) -> None:
        with app.app_context(), writing() as session:
            session.execute(
                text("INSERT INTO limits VALUES ('x/1', 1, 1, 0, 0, 1), ('x/2', 1, 1, 0, 0, 1)")
            )
        assert "limits: 2" in good(run("sweep")).splitlines()

    def test_json_is_one_document_with_every_table(self, run: Callable[..., Result]) -> None:
        swept = json.loads(good(run("sweep", "--json")))

        assert set(swept.values()) == {0}
        assert {"registrations", "challenges", "messages", "activity", "limits"} <= set(swept)


def test_after_restore_says_what_it_ended(
    app: Flask, run: Callable[..., Result], new_person: NewPerson
) -> None:
    ann = new_person()
    with app.app_context():
        open_session(load_user(ann.id))
    assert "login sessions: 1" in good(run("after-restore")).splitlines()
    assert "login sessions: 0" in good(run("after-restore", "--yes")).splitlines()


def test_settings_docs_prints_the_page(run: Callable[..., Result]) -> None:
    assert good(run("settings", "docs")) == config_docs.render()


@pytest.mark.parametrize(
    "command",
    ["user create", "user invite", "user list", "user show", "user disable", "user enable",
     "user promote", "user demote", "user delete", "ready",
     "user reset-two-factor", "sms test", "mail test", "deliver", "sweep", "settings check",
     "settings docs", "db upgrade", "after-restore"],
)  # fmt: skip
def test_every_command_says_what_it_is_for(run: Callable[..., Result], command: str) -> None:
    printed = good(run(*command.split(), "--help"))
    assert printed.startswith("Usage: ")
    assert len(printed.splitlines()) > 3


GOOD = {
    "GATEPOST_BASE_URL": "https://login.example.org",
    "GATEPOST_SECRET_KEY": "n3vFq0cWb8TzKx1LrYpMduHs6JgAEi9oVt2ZCR5QwX7y",
    "GATEPOST_SMS_GATEWAY": "none",
    "GATEPOST_MAIL_GATEWAY": "smtp",
    "GATEPOST_SMTP_URL": "smtps://mail.example.org:465",
    "GATEPOST_MAIL_FROM": "login@example.org",
}
"""A complete production environment."""


def problems_in(printed: str) -> list[str]:
    """The lines of a list of problems."""
    return [line[4:] for line in printed.splitlines() if line.startswith("  - ")]


class TestSettingsCheck:
    def test_good_ones_end_with_status_0(self, tmp_path: Path) -> None:
        result = flask(tmp_path / "new", "settings", "check", **GOOD)

        assert (result.returncode, result.stdout.splitlines()[-2:]) == (
            0,
            [
                "Note: The database has no tables yet: run flask db upgrade.",
                "The settings are good.",
            ],
        )

    def test_what_is_left_of_the_examples_is_a_note(self, tmp_path: Path) -> None:
        result = flask(tmp_path, "settings", "check", **GOOD)

        assert result.returncode == 0
        assert "Note: GATEPOST_BASE_URL is in example.org" in result.stdout

    def test_names_that_set_nothing_and_an_absent_database_are_listed_with_the_rest(
        self, tmp_path: Path
    ) -> None:
        result = flask(
            tmp_path, "settings", "check",
            **{**GOOD, "GATEPOST_MAIL_FROM": ""}, GATEPOST_CODE_SECOND="60",
            GATEPOST_DATABASE_URL="postgresql://ann:pass-word@127.0.0.1:1/gate",
        )  # fmt: skip

        assert (result.returncode, result.stdout) == (1, "")
        assert problems_in(result.stderr) == [
            "GATEPOST_MAIL_FROM is needed with the smtp gateway",
            "GATEPOST_CODE_SECOND sets nothing; did you mean GATEPOST_CODE_SECONDS?",
            "The database postgresql://ann@127.0.0.1:1/gate cannot be used (Connection refused)",
        ]

    def test_a_name_that_sets_nothing_is_a_problem_by_itself(self, tmp_path: Path) -> None:
        result = flask(tmp_path, "settings", "check", **GOOD, GATEPOST_REGISTRATON="closed")

        assert result.returncode == 1
        assert problems_in(result.stderr) == [
            "GATEPOST_REGISTRATON sets nothing; did you mean GATEPOST_REGISTRATION?"
        ]

    def test_every_problem_is_listed_and_ends_with_status_1(self, tmp_path: Path) -> None:
        result = flask(
            tmp_path, "settings", "check", GATEPOST_SMS_GATEWAY="console", GATEPOST_CODE_TRIES="x"
        )

        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert problems_in(result.stderr) == [
            "GATEPOST_CODE_TRIES must be a whole number",
            "GATEPOST_BASE_URL is needed in production, such as https://login.example.org",
            "GATEPOST_SECRET_KEY is needed in production",
            "GATEPOST_SMS_GATEWAY=console is for development only",
            "GATEPOST_MAIL_GATEWAY is needed in production",
        ]

    def test_json_is_one_document_with_the_same_statuses(self, tmp_path: Path) -> None:
        fine = flask(tmp_path, "settings", "check", "--json", **GOOD)
        assert fine.returncode == 0
        told = json.loads(fine.stdout)
        assert told["problems"] == []
        assert any("GATEPOST_BASE_URL is in example.org" in note for note in told["notes"])

        wrong = {**GOOD, "GATEPOST_MAIL_FROM": "", "FLASK_DEBUG": "1"}
        result = flask(tmp_path, "settings", "check", "--json", **wrong)
        assert (result.returncode, result.stderr) == (1, "")
        told = json.loads(result.stdout)
        assert told["problems"] == [
            "GATEPOST_MAIL_FROM is needed with the smtp gateway",
            "FLASK_DEBUG must not be set in production",
        ]
        assert told["notes"]

    def test_a_newcomer_is_told_how_to_reach_the_portal_of_make_run(self, tmp_path: Path) -> None:
        hint = (
            "For the portal of make run set GATEPOST_ENV=development (and PORT, if it was moved)."
        )
        for command in (("settings", "check"), ("app", "list")):
            assert flask(tmp_path, *command).stderr.splitlines()[-1] == hint
            told = flask(tmp_path, *command, GATEPOST_ENV="production").stderr
            assert "problems" in told
            assert hint not in told


@pytest.mark.parametrize("args", [("--debug", "app", "list"), ("app", "list")])
def test_production_does_not_start_with_debugging_on(tmp_path: Path, args: tuple[str, ...]) -> None:
    environ = GOOD if "--debug" in args else {**GOOD, "FLASK_DEBUG": "1"}
    result = flask(tmp_path, *args, **environ)
    assert result.returncode == 1
    assert problems_in(result.stderr) == ["FLASK_DEBUG must not be set in production"]


def test_a_new_database_is_prepared_by_db_upgrade(tmp_path: Path) -> None:
    development = {"GATEPOST_ENV": "development"}
    before = flask(tmp_path, "user", "create", ANN, **development)
    assert before.returncode != 0
    assert flask(tmp_path, "db", "upgrade", **development).returncode == 0
    assert flask(tmp_path, "db", "upgrade", **development).returncode == 0, "again does no harm"

    created = flask(tmp_path, "user", "create", ANN, **development)
    assert created.returncode == 0, created.stderr
    shown = flask(tmp_path, "user", "show", ANN, "--json", **development)
    assert json.loads(shown.stdout)["email"] == ANN

"""Settings: read once, checked all together, and never half good."""

import secrets
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from flask.helpers import get_debug_flag

from config import load, names
from config_checks import find_notes
from tests.environs import GOOD_KEY, PRODUCTION, TWILIO, problems_in_production, problems_of

DEFAULTS = {
    "code_seconds": 600, "code_tries": 5, "pending_sign_in_seconds": 20 * 60,
    "code_tries_per_5_minutes": 5, "code_tries_per_hour": 20, "code_tries_per_day": 50,
    "code_failures_in_a_row": 100,
    "send_gap_seconds": 30, "send_gap_most_seconds": 240,
    "sends_per_hour": 5, "sends_per_day": 10, "sends_per_day_in_all": 30,
    "new_numbers_per_hour": 3, "new_numbers_per_address_per_hour": 20,
    "new_number_prefix_per_10_minutes": 3,
    "new_number_prefix_per_day": 10, "new_number_country_per_day": 50,
    "new_number_portal_per_hour": 60, "new_number_portal_per_day": 300,
    "proven_number_per_day": 10, "number_per_day_in_all": 30,
    "proven_number_portal_per_day_each": 5,
    "breaker_texts": 20, "breaker_percent": 30, "breaker_pause_seconds": 3600,
    "password_fails_per_hour": 30, "password_fails_per_day": 100,
    "password_fails_per_5_minutes": 5, "password_wait_seconds": 30,
    "password_wait_most_seconds": 3600, "password_fails_per_address_per_5_minutes": 20,
    "known_browser_fails_per_5_minutes": 10,
    "reset_seconds": 30 * 60, "resets_per_hour": 3, "resets_per_day": 5,
    "confirmation_seconds": 24 * 3600,
    "session_idle_seconds": 3600, "session_seconds": 12 * 3600, "remember_me_days": 14,
    "admin_session_idle_seconds": 30 * 60, "admin_session_seconds": 12 * 3600,
    "sessions_per_person": 50, "reauth_seconds": 600, "remembered_browser_days": 14,
    "password_least_characters": 15, "password_most_characters": 256,
    "argon2_memory_kib": 19 * 1024, "argon2_passes": 2,
    "request_bytes": 64 * 1024, "request_fields": 20,
}  # fmt: skip
"""The numbers that were weighed: a default that changes changes here too, on purpose."""

SECRETS = {name for name, about in names().items() if about.metadata["secret"]}


class TestDefaults:
    @pytest.mark.parametrize("field", DEFAULTS)
    def test_every_number_is_as_it_was_weighed(self, field: str) -> None:
        assert getattr(load(PRODUCTION), field) == DEFAULTS[field]

    def test_production_is_what_it_is_unless_told_otherwise(self) -> None:
        loaded = load(PRODUCTION)

        assert loaded.env == "production"
        assert not loaded.development
        assert loaded.registration == "open"
        assert not loaded.require_two_factor
        assert loaded.trusted_proxies == ()

    def test_the_database_is_sqlite_in_the_instance_folder(self, tmp_path: Path) -> None:
        loaded = load({**PRODUCTION, "GATEPOST_INSTANCE_DIR": str(tmp_path)})

        assert loaded.database_url == f"sqlite:///{tmp_path}/gatepost.db"
        assert loaded.outbox_dir == tmp_path / "outbox"

    def test_nothing_changes_once_it_is_loaded(self) -> None:
        with pytest.raises(FrozenInstanceError):
            load(PRODUCTION).code_tries = 99  # type: ignore[misc]


class TestProduction:
    def test_it_starts_with_good_settings(self) -> None:
        assert load(PRODUCTION).https

    def test_with_no_setting_at_all_every_missing_one_is_listed(self) -> None:
        found = problems_of()

        assert [problem.split()[0] for problem in found] == [
            "GATEPOST_BASE_URL", "GATEPOST_SECRET_KEY", "GATEPOST_SMS_GATEWAY",
            "GATEPOST_MAIL_GATEWAY",
        ]  # fmt: skip

    def test_everything_that_is_wrong_is_listed_at_once(self, tmp_path: Path) -> None:
        found = problems_of(
            GATEPOST_ENV="production",
            GATEPOST_BASE_URL="http://login.example.org",
            GATEPOST_SECRET_KEY="changeme",
            GATEPOST_SECRET_KEY_FALLBACKS="short",
            GATEPOST_DATABASE_URL="mysql://127.0.0.1/gatepost",
            GATEPOST_REGISTRATION="sometimes",
            GATEPOST_TRUSTED_PROXIES="everyone",
            GATEPOST_SMS_GATEWAY="twilio",
            GATEPOST_MAIL_GATEWAY="file",
            GATEPOST_SMTP_URL="https://mail.example.org",
            GATEPOST_MAIL_FROM="nobody",
            GATEPOST_SMS_COUNTRIES="US,Atlantis",
            GATEPOST_CODE_TRIES="five",
            GATEPOST_CODE_SECONDS="0",
            GATEPOST_SEND_GAP_SECONDS="300",
            GATEPOST_REMEMBERED_BROWSER_DAYS="31",
            GATEPOST_PASSWORD_LEAST_CHARACTERS="8",
            GATEPOST_PORTAL_LOGO=str(tmp_path / "no.svg"),
            GATEPOST_ACCENT_COLOUR="blue",
            GATEPOST_REQUIRE_TWO_FACTOR="perhaps",
            GATEPOST_TWILIO_BASE_URL="http://sms.example.org",
            TWILIO_ACCOUNT_SID="SK1",
            TWILIO_API_KEY="SK2",
            TWILIO_FROM="+12015550100",
            TWILIO_MESSAGING_SERVICE_SID="MG1",
        )

        for name in (
            "GATEPOST_BASE_URL must be https", "GATEPOST_SECRET_KEY is too weak",
            "GATEPOST_SECRET_KEY_FALLBACKS is too weak", "GATEPOST_DATABASE_URL must",
            "GATEPOST_REGISTRATION must be one of", "GATEPOST_TRUSTED_PROXIES",
            "GATEPOST_MAIL_GATEWAY=file", "GATEPOST_SMTP_URL must start",
            "GATEPOST_MAIL_FROM must be", "GATEPOST_SMS_COUNTRIES does not know",
            "GATEPOST_CODE_TRIES must be a whole number", "GATEPOST_CODE_SECONDS must be at least",
            "GATEPOST_SEND_GAP_MOST_SECONDS", "GATEPOST_REMEMBERED_BROWSER_DAYS",
            "GATEPOST_PASSWORD_LEAST_CHARACTERS", "GATEPOST_PORTAL_LOGO",
            "GATEPOST_ACCENT_COLOUR", "GATEPOST_REQUIRE_TWO_FACTOR", "GATEPOST_TWILIO_BASE_URL",
            "TWILIO_ACCOUNT_SID", "TWILIO_API_KEY and TWILIO_API_SECRET belong together",
            "exactly one of TWILIO_FROM and TWILIO_MESSAGING_SERVICE_SID",
        ):  # fmt: skip
            assert any(problem.startswith(name) for problem in found), (name, found)

    @pytest.mark.parametrize(
        "key",
        [
            "", "changeme", "a" * 64, "abcabcabcabc" * 4, "0123456789" * 4,
            "0123456789abcdef" * 2, f"{GOOD_KEY}{GOOD_KEY}{GOOD_KEY[:9]}",
        ],
    )  # fmt: skip
    def test_a_weak_key_is_refused(self, key: str) -> None:
        (problem,) = problems_in_production(GATEPOST_SECRET_KEY=key)

        assert problem.startswith("GATEPOST_SECRET_KEY ")
        assert not key or key not in problem

    @pytest.mark.parametrize("word", ["changeme", "Secret", "PASSWORD", "development", "gatepost"])
    def test_a_published_key_is_refused_however_long(self, word: str) -> None:
        (problem,) = problems_in_production(GATEPOST_SECRET_KEY=f"{word}-{GOOD_KEY}")

        assert "published examples" in problem

    def test_no_key_as_we_advise_to_make_it_is_refused(self) -> None:
        for _ in range(3000):
            load({**PRODUCTION, "GATEPOST_SECRET_KEY": secrets.token_urlsafe(48)})
        load({**PRODUCTION, "GATEPOST_SECRET_KEY": f"dEv{GOOD_KEY}"})

    @pytest.mark.parametrize("debug", ["1", "true", "Yes", "on", " "])
    def test_debugging_is_refused(self, debug: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLASK_DEBUG", debug)
        assert get_debug_flag(), "Flask would not debug at all"

        assert problems_in_production(FLASK_DEBUG=debug) == [
            "FLASK_DEBUG must not be set in production"
        ]

    @pytest.mark.parametrize("debug", ["", "0", "False", "no"])
    def test_debugging_that_is_off_is_not(
        self, debug: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FLASK_DEBUG", debug)
        assert not get_debug_flag()

        assert load({**PRODUCTION, "FLASK_DEBUG": debug})

    def test_developers_may_debug(self) -> None:
        assert load({**PRODUCTION, "GATEPOST_ENV": "development", "FLASK_DEBUG": "1"})

    @pytest.mark.parametrize("gateway", ["console", "file"])
    @pytest.mark.parametrize("channel", ["SMS", "MAIL"])
    def test_a_gateway_for_developers_is_refused(self, channel: str, gateway: str) -> None:
        name = f"GATEPOST_{channel}_GATEWAY"

        assert problems_in_production(**{name: gateway}) == [
            f"{name}={gateway} is for development only"
        ]

    @pytest.mark.parametrize("name", ["GATEPOST_SMTP_URL", "GATEPOST_MAIL_FROM"])
    def test_smtp_needs_its_server_and_its_sender(self, name: str) -> None:
        assert problems_in_production(**{name: ""}) == [f"{name} is needed with the smtp gateway"]

    @pytest.mark.parametrize(
        "url", ["mysql://127.0.0.1/gatepost", "gatepost.db", "/var/lib/gatepost.db", "//h/db"]
    )
    def test_a_database_that_it_does_not_know_is_refused(self, url: str) -> None:
        (problem,) = problems_in_production(GATEPOST_DATABASE_URL=url)

        assert problem.startswith("GATEPOST_DATABASE_URL must start with")
        assert url not in problem

    @pytest.mark.parametrize("name", ["", ":memory:", "file:x?mode=memory&uri=true", "?x=1"])
    def test_a_database_without_a_file_of_its_own_is_refused(self, name: str) -> None:
        assert problems_in_production(GATEPOST_DATABASE_URL=f"sqlite:///{name}") == [
            "GATEPOST_DATABASE_URL must name a file, as in sqlite:////var/lib/gatepost/gatepost.db"
        ]

    @pytest.mark.parametrize(
        "url", ["postgresql://ann:word@host:port/x", "postgres://ann:word@[::1/x"]
    )
    def test_an_address_of_a_database_that_cannot_be_read_is_refused(self, url: str) -> None:
        (problem,) = problems_in_production(GATEPOST_DATABASE_URL=url)

        assert problem.startswith("GATEPOST_DATABASE_URL must look like")
        assert "word@host:port" not in problem

    @pytest.mark.parametrize("contact", ["security@example.org", "mailto:", "http://x.org", "us"])
    def test_a_security_contact_that_no_one_can_follow_is_refused(self, contact: str) -> None:
        (problem,) = problems_in_production(GATEPOST_SECURITY_CONTACT=contact)

        assert problem.startswith("GATEPOST_SECURITY_CONTACT must be like mailto:")

    @pytest.mark.parametrize(
        "contact",
        ["mailto:security@example.org", "https://example.org/security", "tel:+12015550100"],
    )
    def test_a_good_one_is_not(self, contact: str) -> None:
        assert load({**PRODUCTION, "GATEPOST_SECURITY_CONTACT": contact}).security_contact

    @pytest.mark.parametrize(
        "address", ["it", "it@", "a@example.org, b@example.org", "It <it@example.org>", "i t@x.org"]
    )
    def test_alerts_go_to_one_address(self, address: str) -> None:
        (problem,) = problems_in_production(GATEPOST_ALERT_EMAIL=address)

        assert problem.startswith("GATEPOST_ALERT_EMAIL must be one address")

    def test_the_login_of_the_examples_is_refused(self) -> None:
        example = "smtp://user:password@smtp.example.org:587"
        (problem,) = problems_in_production(GATEPOST_SMTP_URL=example)

        assert problem == "GATEPOST_SMTP_URL is that of the examples; put your mail server's"

    @pytest.mark.parametrize("env", ["production", "development"])
    def test_a_folder_that_cannot_be_written_to_is_refused(self, env: str) -> None:
        (problem,) = problems_in_production(
            GATEPOST_ENV=env, GATEPOST_INSTANCE_DIR="/dev/null/gatepost", GATEPOST_SECRET_KEY=""
        )[:1]

        assert problem == "GATEPOST_INSTANCE_DIR: /dev/null/gatepost cannot be written to"

    @pytest.mark.parametrize(
        "url", ["smtp://", "smtps://user:word@", "smtp:///x", "smtp://[::1", "smtp://host:port"]
    )
    def test_a_mail_server_without_a_host_is_refused(self, url: str) -> None:
        (problem,) = problems_in_production(GATEPOST_SMTP_URL=url)

        assert problem.startswith("GATEPOST_SMTP_URL ")

    def test_no_problem_tells_a_secret(self, tmp_path: Path) -> None:
        found = problems_in_production(
            GATEPOST_SECRET_KEY="hunter2hunter2",
            GATEPOST_SECRET_KEY_FALLBACKS="hunter2",
            GATEPOST_SMTP_URL="imap://ann:hunter2@mail.example.org",
            GATEPOST_DATABASE_URL="mysql://ann:hunter2@127.0.0.1/x",
            TWILIO_AUTH_TOKEN="hunter2",
        )

        assert len(found) == 4
        assert "hunter2" not in " ".join(found)


class TestTwilio:
    def test_it_starts_with_good_settings(self) -> None:
        assert load({**PRODUCTION, **TWILIO}).sms_gateway == "twilio"

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"TWILIO_ACCOUNT_SID": ""}, "TWILIO_ACCOUNT_SID"),
            ({"TWILIO_ACCOUNT_SID": "SK123"}, "TWILIO_ACCOUNT_SID"),
            ({"TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN"),
            ({"TWILIO_API_KEY": "SK123"}, "belong together"),
            ({"TWILIO_API_SECRET": "x"}, "belong together"),
            ({"TWILIO_MESSAGING_SERVICE_SID": "MG123"}, "exactly one"),
            ({"TWILIO_FROM": "", "GATEPOST_SMS_COUNTRIES": "US"}, "exactly one"),
            ({"TWILIO_FROM": "Gatepost"}, "GATEPOST_SMS_COUNTRIES"),
            ({"GATEPOST_TWILIO_BASE_URL": "http://sms.example.org"}, "must be https"),
            *(
                ({"TWILIO_FROM": sender, "GATEPOST_SMS_COUNTRIES": "US"}, "TWILIO_FROM must be")
                for sender in (
                    "2015550100",
                    "+0123456789",
                    "+1 201 555 0100",
                    "Twelve chars",
                    "Käse",
                    "12 34",
                )
            ),
        ],
    )
    def test_each_thing_that_is_wrong_is_told(self, changes: dict[str, str], words: str) -> None:
        (problem,) = problems_in_production(**{**TWILIO, **changes})

        assert words in problem

    @pytest.mark.parametrize("sender", ["+12015550100", "12345", "Gatepost", "ACME 24"])
    def test_numbers_short_codes_and_names_can_send(self, sender: str) -> None:
        changes = {"TWILIO_FROM": sender, "GATEPOST_SMS_COUNTRIES": "US"}

        assert load({**PRODUCTION, **TWILIO, **changes}).twilio_from == sender

    @pytest.mark.parametrize(
        ("sender", "country"),
        [("+12015550100", "US"), ("+4915112345678", "DE"), ("+353861234567", "IE")],
    )
    def test_texts_go_to_the_sender_s_own_country_unless_told(
        self, sender: str, country: str
    ) -> None:
        loaded = load({**PRODUCTION, **TWILIO, "TWILIO_FROM": sender})

        assert loaded.sms_countries == (country,)
        assert loaded.default_region == country

    def test_told_countries_win(self) -> None:
        loaded = load({**PRODUCTION, **TWILIO, "GATEPOST_SMS_COUNTRIES": "de, us"})

        assert loaded.sms_countries == ("DE", "US")


class TestNotes:
    def test_what_is_left_of_the_examples_is_told_and_stops_nothing(self) -> None:
        assert [note.split()[0] for note in find_notes(load(PRODUCTION))] == [
            "GATEPOST_BASE_URL", "GATEPOST_SMTP_URL", "GATEPOST_MAIL_FROM",
        ]  # fmt: skip

    def test_it_is_found_wherever_a_name_stands(self) -> None:
        notes = find_notes(
            load({
                **PRODUCTION,
                "GATEPOST_BASE_URL": "https://example.com", "GATEPOST_APP_DOMAINS": "example.net",
                "GATEPOST_SUPPORT_CONTACT": "it@example.org or 555 0100",
                "GATEPOST_SECURITY_CONTACT": "mailto:us@example.org",
                "GATEPOST_ALERT_EMAIL": "it@example.org",
            })
        )  # fmt: skip
        assert len(notes) == 7
        assert "GATEPOST_APP_DOMAINS is in example.net" in " ".join(notes)

    def test_other_names_are_nobody_s_example(self) -> None:
        own = {
            "GATEPOST_BASE_URL": "https://login.counterexample.org",
            "GATEPOST_SMTP_URL": "smtps://example.org.mail.invalid:465",
            "GATEPOST_MAIL_FROM": "Example Login <login@my-example.com>",
        }
        assert find_notes(load({**PRODUCTION, **own})) == []

    def test_development_may_use_examples(self) -> None:
        assert find_notes(load({**PRODUCTION, "GATEPOST_ENV": "development"})) == []

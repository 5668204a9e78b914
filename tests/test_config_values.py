"""Settings as they are read from text, in development, and misspelt."""

import stat
from ipaddress import ip_network
from pathlib import Path

import pytest

import config
from config import Config, hint_for_newcomers, load, names, unknown_names
from tests.environs import GOOD_KEY, PRODUCTION, TWILIO, problems_in_production, problems_of

LEAST = "GATEPOST_PASSWORD_LEAST_CHARACTERS"
SECRETS = {name for name, about in names().items() if about.metadata["secret"]}


def in_development(folder: Path, **environ: str) -> Config:
    return load({"GATEPOST_ENV": "development", "GATEPOST_INSTANCE_DIR": str(folder), **environ})


class TestReading:
    @pytest.mark.parametrize("name", sorted(SECRETS))
    def test_every_secret_may_stand_in_a_file(self, name: str, tmp_path: Path) -> None:
        values = {
            "GATEPOST_SECRET_KEY": GOOD_KEY, "GATEPOST_SECRET_KEY_FALLBACKS": GOOD_KEY[::-1],
            "GATEPOST_SMTP_URL": "smtps://mail.example.org",
            "GATEPOST_DATABASE_URL": "postgresql://ann:word@127.0.0.1/gatepost",
        }  # fmt: skip
        file = tmp_path / "secret"
        file.write_text(values.get(name, "a secret") + "\n")
        environ = {k: v for k, v in PRODUCTION.items() if k != name}
        loaded = load({**environ, f"{name}_FILE": str(file)})

        direct = load({**environ, name: file.read_text().strip()})
        field = names()[name].name
        assert getattr(loaded, field) == getattr(direct, field) != names()[name].default

    def test_a_secret_in_both_places_is_refused(self, tmp_path: Path) -> None:
        (problem,) = problems_in_production(GATEPOST_SECRET_KEY_FILE=str(tmp_path / "key"))[:1]

        assert problem == "GATEPOST_SECRET_KEY and GATEPOST_SECRET_KEY_FILE are both set; keep one"

    def test_a_file_that_is_not_there_is_told_without_a_trace(self, tmp_path: Path) -> None:
        environ = {k: v for k, v in PRODUCTION.items() if k != "GATEPOST_SECRET_KEY"}
        found = problems_of(**environ, GATEPOST_SECRET_KEY_FILE=str(tmp_path / "no"))

        assert found[0] == "GATEPOST_SECRET_KEY_FILE cannot be read: No such file or directory"

    def test_what_is_no_secret_has_no_file(self, tmp_path: Path) -> None:
        file = tmp_path / "name"
        file.write_text("Other")

        assert (
            load({**PRODUCTION, "GATEPOST_PORTAL_NAME_FILE": str(file)}).portal_name == "Gatepost"
        )

    def test_no_secret_is_shown(self) -> None:
        environ = {**PRODUCTION, **TWILIO, "GATEPOST_DATABASE_URL": "postgresql://a:hunter2@h/db"}
        shown = repr(load(environ))

        for told in (GOOD_KEY, "word@mail", "hunter2", TWILIO["TWILIO_AUTH_TOKEN"]):
            assert told not in shown

    @pytest.mark.parametrize("value", ["-1", "1.5", "ten", "1e3", "٣", "1" * 10, "0x10"])
    def test_a_number_is_made_of_digits(self, value: str) -> None:
        assert problems_in_production(GATEPOST_CODE_TRIES=value) == [
            "GATEPOST_CODE_TRIES must be a whole number"
        ]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("GATEPOST_CODE_TRIES", "0"),
            ("GATEPOST_ARGON2_MEMORY_KIB", "7"),
            ("GATEPOST_PASSWORD_MOST_CHARACTERS", "63"),
        ],
    )
    def test_a_number_may_be_too_small(self, name: str, value: str) -> None:
        (problem,) = problems_in_production(**{name: value})
        assert problem == f"{name} must be at least {int(value) + 1}"

        assert load({**PRODUCTION, name: str(int(value) + 1)})

    @pytest.mark.parametrize(
        "value", ["Berlin", "+01:00", "../UTC", "Europe/", "\x00", "right/UTC"]
    )
    def test_a_time_zone_is_one_that_has_a_name(self, value: str) -> None:
        assert problems_in_production(GATEPOST_TIME_ZONE=value) == [
            "GATEPOST_TIME_ZONE must be a time zone such as Europe/Berlin or UTC"
        ]
        assert load({**PRODUCTION, "GATEPOST_TIME_ZONE": " Europe/Berlin "}).time_zone == (
            "Europe/Berlin"
        )

    @pytest.mark.parametrize("value", ["yes", "Yes", "true", "1"])
    def test_yes_is_yes(self, value: str) -> None:
        assert load({**PRODUCTION, "GATEPOST_REQUIRE_TWO_FACTOR": value}).require_two_factor

    def test_an_empty_value_is_no_value(self) -> None:
        assert load({**PRODUCTION, "GATEPOST_CODE_TRIES": ""}).code_tries == 5

    @pytest.mark.parametrize(
        ("given", "read"),
        [
            ("https://Login.Example.org/", "https://login.example.org"),
            (" https://login.example.org:8443 ", "https://login.example.org:8443"),
        ],
    )
    def test_the_address_is_kept_in_one_form(self, given: str, read: str) -> None:
        assert load({**PRODUCTION, "GATEPOST_BASE_URL": given}).base_url == read

    @pytest.mark.parametrize(
        "given",
        [
            "login.example.org", "ftp://login.example.org", "https://", "https://a.example.org/x",
            "https://ann:word@login.example.org", "https://login.example.org?x=1",
            "https://login.example.org:port", "https://login.example.org:99999", "https://[::1",
            "https://:word@login.example.org", "https://login exa.org", "https://l\u00f6gin.example.org",
        ],
    )  # fmt: skip
    def test_an_address_that_is_none_is_refused(self, given: str) -> None:
        (problem,) = problems_in_production(GATEPOST_BASE_URL=given)[:1]

        assert problem.startswith("GATEPOST_BASE_URL ")

    def test_the_host_is_named_without_its_port(self) -> None:
        assert load({**PRODUCTION, "GATEPOST_BASE_URL": "https://a.example.org:8443"}).host == (
            "a.example.org"
        )

    @pytest.mark.parametrize("given", ["postgres://h/db", "postgresql://h/db"])
    def test_postgresql_gets_its_driver(self, given: str) -> None:
        loaded = load({**PRODUCTION, "GATEPOST_DATABASE_URL": given})

        assert loaded.database_url == "postgresql+psycopg://h/db"

    def test_proxies_are_networks_and_the_unix_socket(self) -> None:
        loaded = load({**PRODUCTION, "GATEPOST_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8 unix ::1"})

        assert loaded.trusted_proxies == (
            ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"), "unix", ip_network("::1/128"),
        )  # fmt: skip

    @pytest.mark.parametrize("days", ["30", "1"])
    def test_a_browser_is_remembered_for_thirty_days_at_most(self, days: str) -> None:
        assert load({**PRODUCTION, "GATEPOST_REMEMBERED_BROWSER_DAYS": days})

        assert problems_in_production(GATEPOST_REMEMBERED_BROWSER_DAYS="31")

    def test_short_passwords_need_two_factor_sign_in_of_everyone(self) -> None:
        short = {"GATEPOST_PASSWORD_LEAST_CHARACTERS": "8"}
        assert problems_in_production(**short)
        assert load({**PRODUCTION, **short, "GATEPOST_REQUIRE_TWO_FACTOR": "yes"})

        shorter = {"GATEPOST_PASSWORD_LEAST_CHARACTERS": "7", "GATEPOST_REQUIRE_TWO_FACTOR": "yes"}
        assert problems_in_production(**shorter)

    @pytest.mark.parametrize(
        ("given", "least"),
        [({}, 8), ({LEAST: ""}, 8), ({LEAST: "15"}, 15), ({LEAST: "12"}, 12)],
    )
    def test_they_are_the_default_there_and_what_is_set_wins(
        self, given: dict[str, str], least: int
    ) -> None:
        strict = {**PRODUCTION, "GATEPOST_REQUIRE_TWO_FACTOR": "yes"}

        assert load({**strict, **given}).password_least_characters == least

    @pytest.mark.parametrize(
        "name",
        ["CODE_SECONDS", "SESSION_IDLE_SECONDS", "SESSION_SECONDS", "ADMIN_SESSION_IDLE_SECONDS",
         "ADMIN_SESSION_SECONDS"],
    )  # fmt: skip
    def test_a_life_can_be_as_short_as_a_second(self, name: str) -> None:
        loaded = load({**PRODUCTION, f"GATEPOST_{name}": "1"})
        assert getattr(loaded, name.lower()) == 1

        assert problems_in_production(**{f"GATEPOST_{name}": "0"}) == [
            f"GATEPOST_{name} must be at least 1"
        ]

    @pytest.mark.parametrize("name", ["logo.txt", "logo.svg.exe", "missing.png"])
    def test_a_logo_is_a_picture_that_exists(self, name: str, tmp_path: Path) -> None:
        if not name.startswith("missing"):
            (tmp_path / name).write_text("<svg/>")

        assert problems_in_production(GATEPOST_PORTAL_LOGO=str(tmp_path / name))


def test_a_mark_takes_no_files_place(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    (tmp_path / "mark").symlink_to("kept")
    for name in (str(tmp_path / "kept"), "mark"):
        (problem,) = problems_in_production(GATEPOST_VERDICT_MARK=name)
        assert problem.startswith("GATEPOST_VERDICT_MARK must be a whole path")
    for name in ("mark", "none/mark"):
        assert load({**PRODUCTION, "GATEPOST_VERDICT_MARK": str(tmp_path / name)}).verdict_mark


class TestDevelopment:
    def test_it_needs_no_setting_at_all(self, tmp_path: Path) -> None:
        loaded = in_development(tmp_path)

        assert loaded.development
        assert loaded.base_url == "http://127.0.0.1:8000"
        assert (loaded.sms_gateway, loaded.mail_gateway) == ("console", "console")

    def test_it_makes_its_own_key_once(self, tmp_path: Path) -> None:
        key = in_development(tmp_path / "new").secret_key

        assert len(key) >= 32
        assert in_development(tmp_path / "new").secret_key == key
        assert in_development(tmp_path / "other").secret_key != key
        assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600

    def test_the_port_moves_its_address(self, tmp_path: Path) -> None:
        assert in_development(tmp_path, PORT="8001").base_url == "http://127.0.0.1:8001"

    def test_what_is_set_wins(self, tmp_path: Path) -> None:
        loaded = in_development(
            tmp_path, PORT="8001", GATEPOST_BASE_URL="http://localhost:9000",
            GATEPOST_SMS_GATEWAY="file", GATEPOST_SECRET_KEY="mine",
        )  # fmt: skip

        assert loaded.base_url == "http://localhost:9000"
        assert loaded.sms_gateway == "file"
        assert loaded.secret_key == "mine"

    def test_its_problems_are_told_too(self, tmp_path: Path) -> None:
        assert problems_of(
            GATEPOST_ENV="development", GATEPOST_INSTANCE_DIR=str(tmp_path),
            GATEPOST_CODE_TRIES="x", GATEPOST_REGISTRATION="x",
        ) == [
            "GATEPOST_REGISTRATION must be one of: open, invite, closed",
            "GATEPOST_CODE_TRIES must be a whole number",
        ]  # fmt: skip


class TestUnknownNames:
    def test_a_typing_error_is_told_with_what_was_meant(self) -> None:
        assert unknown_names({"GATEPOST_CODE_TRYS": "5"}) == [
            "GATEPOST_CODE_TRYS sets nothing; did you mean GATEPOST_CODE_TRIES?"
        ]

    def test_known_names_and_other_programs_names_are_left_alone(self) -> None:
        known = dict.fromkeys(names(), "") | {f"{name}_FILE": "" for name in SECRETS}

        assert unknown_names({**known, "PATH": "", "TWILIO_OTHER": ""}) == []

    def test_a_file_of_what_is_no_secret_is_told(self) -> None:
        assert len(unknown_names({"GATEPOST_PORTAL_NAME_FILE": "x"})) == 1


class TestHint:
    def test_who_set_nothing_is_told_how_to_reach_the_portal_of_developers(self) -> None:
        for environ in ({}, {"PATH": "", "GATEPOST_ENV": "", "GATEPOST_CODE_TRIES": "5"}):
            assert "set GATEPOST_ENV=development" in hint_for_newcomers(environ)

    @pytest.mark.parametrize("name", ["ENV", "SECRET_KEY", "SECRET_KEY_FILE"])
    def test_who_runs_a_portal_is_not(self, name: str) -> None:
        assert hint_for_newcomers({f"GATEPOST_{name}": "production"}) == ""


def test_only_secrets_are_secret() -> None:
    assert {
        "GATEPOST_SECRET_KEY", "GATEPOST_SECRET_KEY_FALLBACKS", "GATEPOST_DATABASE_URL",
        "GATEPOST_SMTP_URL", "TWILIO_AUTH_TOKEN", "TWILIO_API_SECRET",
    } == SECRETS  # fmt: skip


def test_the_instance_folder_stands_beside_the_app() -> None:
    assert load(PRODUCTION).instance_dir == config.ROOT / "instance"

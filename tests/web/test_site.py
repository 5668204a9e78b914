"""What belongs to the portal as a whole: health, the operator's look, addresses of programs."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from extensions import db
from tests.page import open_page
from tests.page_owes import check_headers

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


class TestHealth:
    def test_alive(self, client: FlaskClient) -> None:
        answer = client.get("/healthz")

        assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})
        check_headers(answer)

    def test_able_to_serve(self, client: FlaskClient) -> None:
        answer = client.get("/readyz")

        assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})

    def test_not_with_the_tables_of_another_version(self, client: FlaskClient, app: Flask) -> None:
        with app.app_context(), db.engine.begin() as connection:
            newest = connection.scalar(text("SELECT version_num FROM alembic_version"))
            connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
        answer = client.get("/readyz")
        with app.app_context(), db.engine.begin() as connection:
            put_back = text("UPDATE alembic_version SET version_num = :newest")
            connection.execute(put_back, {"newest": newest})

        assert (answer.status_code, answer.get_json()) == (503, {"status": "database not upgraded"})
        assert client.get("/readyz").status_code == 200

    def test_they_need_no_cookie_and_set_none(self, client: FlaskClient) -> None:
        for path in ("/healthz", "/readyz"):
            assert "Set-Cookie" not in client.get(path).headers


class TestLook:
    @pytest.mark.settings(GATEPOST_PORTAL_NAME="Team Door <3")
    def test_the_portal_has_its_operator_s_name(self, client: FlaskClient) -> None:
        page = open_page(client, "/sign-in")

        assert page.title == "Sign in – Team Door <3"
        assert "Team Door <3" in page.text

    @pytest.mark.settings(GATEPOST_ACCENT_COLOUR="#1D4ED8")
    def test_the_accent_colour_is_a_style_sheet_of_its_own(self, client: FlaskClient) -> None:
        page = open_page(client, "/sign-in")
        sheets = [e.get("href") for e in page.root.all("link") if e.get("rel") == "stylesheet"]
        assert sheets[-1].startswith("/theme.css")

        answer = client.get(sheets[-1])
        assert answer.mimetype == "text/css"
        assert "#1d4ed8" in answer.text
        assert answer.cache_control.max_age

        again = client.get(sheets[-1], headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == answer.headers["ETag"]
        assert again.headers["Cache-Control"] == answer.headers["Cache-Control"]

    def test_without_one_there_is_no_such_sheet_on_the_page(self, client: FlaskClient) -> None:
        assert "theme.css" not in open_page(client, "/sign-in").html

    def test_a_logo_is_shown_and_cannot_run_anything(
        self, environ: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        (tmp_path / "logo.svg").write_text(SVG)
        environ["GATEPOST_PORTAL_LOGO"] = str(tmp_path / "logo.svg")
        client = request.getfixturevalue("client")
        page = open_page(client, "/sign-in")
        assert [image.get("src") for image in page.root.all("img")] == ["/logo"]

        with client.get("/logo") as answer:
            assert answer.mimetype == "image/svg+xml"
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "sandbox" in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "Set-Cookie" not in answer.headers

    def test_without_one_there_is_none(self, client: FlaskClient) -> None:
        assert list(open_page(client, "/sign-in").root.all("img")) == []
        assert open_page(client, "/logo", status=404)

    @pytest.mark.settings(GATEPOST_SUPPORT_CONTACT="help@example.org")
    def test_whom_to_ask_stands_on_the_page(self, client: FlaskClient) -> None:
        page = open_page(client, "/sign-in")

        assert page.links["help@example.org"] == "mailto:help@example.org"

    def test_files_have_an_address_that_changes_with_them(self, client: FlaskClient) -> None:
        page = open_page(client, "/sign-in")
        files = [e.get("href") or e.get("src") for e in page.root.all("link", "script")]

        assert files
        for file in files:
            assert "?v=" in file
            with client.get(file) as answer:
                assert answer.status_code == 200


class TestWellKnown:
    def test_search_engines_stay_out(self, client: FlaskClient) -> None:
        assert client.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"

    def test_password_managers_find_where_to_change_one(self, client: FlaskClient) -> None:
        answer = client.get("/.well-known/change-password")

        assert (answer.status_code, answer.location) == (302, "/account/password")

    @pytest.mark.settings(GATEPOST_SECURITY_CONTACT="mailto:security@example.org")
    def test_whom_to_tell_of_a_weakness(self, client: FlaskClient, clock: object) -> None:
        assert client.get("/.well-known/security.txt").text.splitlines() == [
            "Contact: mailto:security@example.org",
            "Expires: 2026-08-29T00:00:00Z",
            "Canonical: http://127.0.0.1:8000/.well-known/security.txt",
        ]

    def test_without_a_contact_there_is_no_such_file(self, client: FlaskClient) -> None:
        assert open_page(client, "/.well-known/security.txt", status=404)

    def test_an_icon_is_found_where_old_browsers_look(self, client: FlaskClient) -> None:
        with client.get("/favicon.ico", follow_redirects=True) as answer:
            assert answer.mimetype == "image/svg+xml"

"""``flask doctor`` finds what is planted, behind real proxies, and nothing where all is right."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from services.app_drafts import AppDraft
from services.apps import add
from services.audit import OPERATOR
from tests.proxies import kinds
from tests.proxies.practice import WIKI, Practice

NO_DEFAULT = [(" default_server", "")]
"""Makes of an app's block, the first one, nginx's answer to every host that has none."""


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_nothing_is_found_where_the_generated_lines_are(practice: Practice, kind: str) -> None:
    assert practice.visit(kind, []) == set()


def test_the_lines_refuse_foreign_hosts_as_the_proxys_default_too(practice: Practice) -> None:
    assert practice.visit("nginx", NO_DEFAULT) == set()


@pytest.mark.parametrize("url", [f"https://{WIKI}", WIKI, f"https://{WIKI.upper()}:443?x=1"])
def test_the_address_may_be_written_as_people_do(practice: Practice, url: str) -> None:
    assert practice.visit("nginx", [], url=url) == set()


@pytest.mark.parametrize(
    ("kind", "faults", "expected"),
    [
        ("nginx", [(r"auth_request +/.gatepost/verdict;", "")], {"not-guarded"}),
        ("nginx", [(r"proxy_set_header Remote-User .*", "")],
         {"identity-survives", "identity-not-copied"}),
        ("nginx", [(r"(proxy_pass http://127\S+ # Wiki)", r"proxy_set_header A b; \1")],
         {"identity-survives", "identity-not-copied", "cookies-reach-app"}),
        ("nginx", [(r"underscores_in_headers off", "underscores_in_headers on"),
                   ("ignore_invalid_headers on", "ignore_invalid_headers off")],
         {"alias-survives", "underscores-merged"}),
        ("nginx", [(r"X-Original-URL    \$scheme", "X-Original-URL http")], {"wrong-scheme"}),
        ("nginx", [(r"proxy_set_header Cookie \$http_cookie;", "")], {"cookies-not-asked-with"}),
        ("nginx", [(r"error_page 401.*", "")], {"not-led-to-sign-in"}),
        ("nginx", [(r"(upstream gatepost_verdicts \{\n    server) [^;]*", r"\1 127.0.0.1:1")],
         {"no-verdict"}),
        ("nginx", [(r"proxy_set_header Cookie +\$gatepost_cookies;", "")], {"cookies-reach-app"}),
        ("nginx", [(r"location /api/authz/ ", "location /api/other/ ")],
         {"verdicts-for-strangers"}),
        ("nginx", [(r"\$remote_addr; # replaced", "$http_x_forwarded_for; #")],
         {"client-forged"}),
        ("nginx", [(r"location = /.gatepost/hand-over", "location = /elsewhere")],
         {"hand-over-blocked"}),
        ("nginx", [(r"(location = /.gatepost/hand-over \{)", r"\1 return 444;")],
         {"hand-over-blocked"}),
        ("caddy", [(r"request_header -\*_\*", ""), (r"request_header -Remote-\*", "")],
         {"identity-not-deleted"}),
        ("caddy-2.6", [(r"request_header -\*\.\*", "")], {"alias-survives"}),
        ("nginx", [(r"Upgrade +\$gatepost_upgrade", "Upgrade $http_upgrade"),
                   ("proxy_set_header HTTP2-Settings .*", "")], {"tunnel-open"}),
        ("caddy", [("request_header (@other_upgrade|@websocket|-Http2-Settings).*", "")],
         {"tunnel-open"}),
        ("haproxy", [("http-request set-header upgrade websocket.*", ""),
                     ("del-header http2-settings", "del-header other")], {"tunnel-open"}),
        ("caddy", [(r"copy_headers.*", "")], {"identity-not-copied"}),
        ("haproxy", [("lua.gatepost .*", "set-header X-Nothing asked")], {"not-guarded"}),
        ("haproxy", [(r"del-header \[\^a-z0-9-\] -m reg", "del-header other")], {"alias-survives"}),
        ("haproxy", [("http-request set-header X-Forwarded-For .*", ""),
                     ("del-header x-forwarded- -m beg", "del-header other")], {"client-forged"}),
        ("haproxy", [("acl gatepost_pages path .*", "")], {"hand-over-blocked"}),
        ("haproxy", [("deny deny_status 404 if gatepost_itself .*", "set-header Other x")],
         {"verdicts-for-strangers"}),
        ("envoy", [("headers_with_underscores_action: REJECT_REQUEST", "idle_timeout: 60s"),
                   (r"- remove_on_match: .*safe_regex.*", "")], {"alias-survives"}),
        ("envoy", [(r'- \{ exact: "remote-groups".*', "")], {"identity-not-copied"}),
        ("envoy", [("use_remote_address: true", "xff_num_trusted_hops: 1")],
         {"client-forged", "target-forged"}),
        ("envoy", [(r'"%REQ\(:SCHEME\)%"', '"http"')], {"wrong-scheme"}),
        ("envoy", [(r'prefix: "/api/authz/"', 'prefix: "/api/other/"')],
         {"verdicts-for-strangers"}),
        ("caddy", [(r"(uri /api/authz/forward-auth)", r"\1\n header_up X-Forwarded-Proto http")],
         {"wrong-scheme"}),
        ("nginx", [*NO_DEFAULT, (r"if \(\$host !~\* .*", "")], {"foreign-hosts"}),
        ("nginx", [*NO_DEFAULT,
                   (r"(?s)(\{ return 421; \})(.*?)(proxy_pass http://127\S+) # Wiki itself\n    \}",
                    r"\1 error_page 421 = @open; \2 \3 } location @open { auth_request off; \3 }")],
         {"foreign-hosts"}),
        ("caddy", [("respond @foreign 421", "")], {"foreign-hosts"}),
        ("caddy", [("respond @foreign 421", ""),
                   (r"https://wiki.example.org \{", "https://*.example.org {")],
         {"foreign-hosts"}),
        ("haproxy", [("http-request deny deny_status 421 .*", "")], {"foreign-hosts"}),
        ("envoy", [(r'domains: \["wiki.*', 'domains: ["*"]')], {"foreign-hosts"}),
        ("caddy", [(r"respond /api/authz/\* 404", 'redir /sign-in* /sign-in?again={path}')],
         {"redirect-loop"}),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(
    practice: Practice, kind: str, faults: list[tuple[str, str]], expected: set[str]
) -> None:
    assert practice.visit(kind, faults) == expected


@pytest.mark.parametrize(
    ("kind", "fault", "line"),
    [
        ("nginx", ("ignore_invalid_headers on", "ignore_invalid_headers off"), "ignore_invalid_"),
        (
            "caddy",
            ("request_header (@other_upgrade|@websocket|-Http2-Settings).*", ""),
            "request_header @websocket",
        ),
        ("haproxy", (r"del-header \[\^a-z0-9-\]", "del-header other"), "http-request del-header ["),
        ("envoy", (r"- remove_on_match: .*safe_regex.*", ""), "remove_on_match"),
        ("haproxy", ("http-request deny deny_status 421 .*", ""), "flask app lines Wiki haproxy"),
        ("caddy", ("respond @foreign 421", ""), "flask app lines Wiki caddy"),
    ],
)
def test_the_remedy_is_that_proxys(
    practice: Practice, kind: str, fault: tuple[str, str], line: str
) -> None:
    practice.visit(kind, [fault])
    assert [line in finding["mend"] for finding in practice.found] == [True]


HOSTS = ("other.invalid", "doctor-forged.example.org", "wiki.example.org:65443")


@pytest.mark.parametrize(
    ("kind", "faults", "answered"),
    [
        ("nginx", [*NO_DEFAULT, (r"if \(\$host !~\* .*", "")], HOSTS[:2]),
        ("caddy", [("respond @foreign 421", "")], HOSTS[2:]),
        ("caddy", [("respond @foreign 421", ""),
                   (r"https://wiki.example.org \{", "https://*.example.org {")], HOSTS[1:]),
        ("haproxy", [("http-request deny deny_status 421 .*", "")], HOSTS),
    ],
)  # fmt: skip
def test_the_hosts_that_are_wrongly_answered_are_named(
    practice: Practice, kind: str, faults: list[tuple[str, str]], answered: tuple[str, ...]
) -> None:
    with practice.running(kind, faults) as (prepared, _):  # and the app is not stood in for
        found = practice.ask(prepared)
    assert found.keys() == {"foreign-hosts"}
    assert f"not its own ({', '.join(answered)}):" in found["foreign-hosts"]


def test_faults_of_the_settings_are_found(practice: Practice) -> None:
    found = practice.visit(
        "nginx",
        [],
        "--direct",
        f"{practice.portal.url}/",
        GATEPOST_TRUSTED_PROXIES="0.0.0.0/0",
        GATEPOST_APP_DOMAINS="example.net",
    )
    assert found == {"trust-too-wide", "app-outside", "around-the-proxy"}


@pytest.mark.settings(
    GATEPOST_BASE_URL="https://auth.team.example.org",
    GATEPOST_APP_DOMAINS="example.org",
    GATEPOST_TRUSTED_PROXIES="unix",
)
def test_a_cookie_for_more_than_the_apps_is_found(app: Flask, runner: FlaskCliRunner) -> None:
    with app.app_context():
        add(AppDraft("Board", ("https://board.team.example.org",)), OPERATOR)
    said = runner.invoke(args=["doctor", "--json"])
    found = {finding["name"]: finding["mend"] for finding in json.loads(said.stdout)}
    assert found["cookie-too-wide"] == "GATEPOST_APP_DOMAINS=team.example.org"
    assert set(found) == {"cookie-too-wide", "app-for-nobody"}
    said = runner.invoke(args=["doctor", "https://other.example.org/"])
    assert said.exit_code == 1
    assert "No app has the address https://other.example.org: flask app list" in said.output
    said = runner.invoke(args=["doctor", "https://ann@board.team.example.org"])
    assert (said.exit_code, "holds a user name." in said.output) == (1, True)

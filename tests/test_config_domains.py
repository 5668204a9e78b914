"""The domains of the apps: only those that one organisation holds may share a cookie."""

import pytest

from config import load
from tests.environs import PRODUCTION, problems_in_production


class TestAppDomains:
    def test_none_is_the_default(self) -> None:
        assert load(PRODUCTION).app_domains == ()
        assert load(PRODUCTION).cookie_domain == ""

    @pytest.mark.parametrize("given", ["example.org,example.net", " Example.ORG ,\n example.net "])
    def test_they_are_read_in_lower_case_in_their_order(self, given: str) -> None:
        loaded = load({**PRODUCTION, "GATEPOST_APP_DOMAINS": given})

        assert loaded.app_domains == ("example.org", "example.net")
        assert loaded.cookie_domain == "example.org"

    def test_a_portal_elsewhere_can_share_no_cookie(self) -> None:
        loaded = load({**PRODUCTION, "GATEPOST_APP_DOMAINS": "example.net"})

        assert loaded.cookie_domain == ""

    def test_a_host_belongs_to_the_domain_that_it_is_in(self) -> None:
        loaded = load({**PRODUCTION, "GATEPOST_APP_DOMAINS": "example.org,example.net"})

        found = [
            loaded.app_domain_of(host)
            for host in ("example.org", "a.b.example.net", "badexample.org", "example.org.test")
        ]
        assert found == ["example.org", "example.net", "", ""]

    @pytest.mark.parametrize(
        "domain", ["example.test", "wiki.duckdns.org", "xn--bcher-kva.example"]
    )
    def test_a_domain_of_one_s_own_is_accepted(self, domain: str) -> None:
        assert load({**PRODUCTION, "GATEPOST_APP_DOMAINS": domain}).app_domains == (domain,)

    @pytest.mark.parametrize(
        ("domain", "words"),
        [
            ("duckdns.org", "public suffix"),
            ("co.uk", "public suffix"),
            ("github.io", "public suffix"),
            ("anything.ck", "public suffix"),
            ("org", "public suffix"),
            ("lan", "public suffix"),
            ("localhost", "localhost"),
            ("wiki.localhost", "localhost"),
            ("127.0.0.1", "IP address"),
            ("[::1]", "IP address"),
            ("::1", "IP address"),
            ("2130706433", "IP address"),
            ("0x7f.1", "IP address"),
            ("example.org.", "end with a dot"),
            ("bücher.example", "xn--"),
            (".example.org", "must look like"),
            ("*.example.org", "must look like"),
            ("https://example.org", "must look like"),
            ("example.org:8443", "must look like"),
            ("example.org/wiki", "must look like"),
            ("a_b.example.org", "must look like"),
            ("-a.example.org", "must look like"),
            (f"{'a' * 64}.example.org", "must look like"),
            (".".join(["a" * 60] * 5), "must look like"),
        ],
    )
    def test_what_no_cookie_should_be_shared_over_is_refused(self, domain: str, words: str) -> None:
        (problem,) = problems_in_production(GATEPOST_APP_DOMAINS=domain)

        assert problem.startswith("GATEPOST_APP_DOMAINS: ")
        assert words in problem

    @pytest.mark.parametrize(
        ("domains", "words"),
        [
            ("example.org,EXAMPLE.org", "example.org is named twice"),
            ("example.org,apps.example.org", "apps.example.org and example.org overlap"),
            ("apps.example.org,example.org", "example.org and apps.example.org overlap"),
        ],
    )
    def test_no_host_belongs_to_two(self, domains: str, words: str) -> None:
        (problem,) = problems_in_production(GATEPOST_APP_DOMAINS=domains)

        assert words in problem

    def test_every_one_that_is_wrong_is_told_at_once(self) -> None:
        found = problems_in_production(GATEPOST_APP_DOMAINS="co.uk,example.org,localhost,10.0.0.1")

        assert len(found) == 3

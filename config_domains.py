"""Which domains the apps may share a cookie over: what is wrong with those that are named.

A cookie for a domain goes to every host under it. So it must be a domain that one
organisation holds: never a public suffix, under which strangers rent names.
"""

import ipaddress
import re

from publicsuffixlist import PublicSuffixList

NAME = "GATEPOST_APP_DOMAINS"
LONGEST = 253
"""Octets of a host name (RFC 1035, 2.3.4)."""
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")


def find_domain_problems(domains: tuple[str, ...]) -> list[str]:
    """A sentence for each domain that no cookie should, or can, be shared over."""
    suffixes = PublicSuffixList() if domains else None
    problems = []
    for place, domain in enumerate(domains):
        sentence = _problem(domain, suffixes) or _overlap(domain, domains[:place])
        if sentence:
            problems.append(f"{NAME}: {sentence}")
    return problems


def is_within(host: str, domain: str) -> bool:
    """Whether a host is a domain itself or a name under it; both in lower case."""
    return host == domain or host.endswith(f".{domain}")


def _problem(domain: str, suffixes: PublicSuffixList | None) -> str:
    if _is_address(domain):
        return f"{domain} is an IP address; no cookie can be shared over one"
    if domain == "localhost" or domain.endswith(".localhost"):
        return f"{domain} cannot carry a cookie for apps; use a name such as example.test"
    if domain.endswith("."):
        return f"{domain} must not end with a dot"
    if not domain.isascii():
        return f"{domain} must be written as browsers send it, beginning with xn--"
    if suffixes and (_is_suffix(domain, suffixes) or "." not in domain):
        return f"{domain} is shared by strangers (a public suffix); name a domain of your own"
    if len(domain) > LONGEST or not _DOMAIN.fullmatch(domain):
        return f"{domain} must look like example.org: no scheme, port, path, star or leading dot"
    return ""


def _is_suffix(domain: str, suffixes: PublicSuffixList) -> bool:
    return bool(_DOMAIN.fullmatch(domain)) and bool(suffixes.is_public(domain))


def _is_address(text: str) -> bool:
    """An address, or what a browser takes for one: a last label of digits (WHATWG URL, 3.5)."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return bool(re.fullmatch(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", text))
    return True


def _overlap(domain: str, earlier: tuple[str, ...]) -> str:
    """One host must belong to one domain, or nobody could say which cookie counts."""
    for other in earlier:
        if domain == other:
            return f"{domain} is named twice"
        if is_within(domain, other) or is_within(other, domain):
            return f"{domain} and {other} overlap; name only the one that holds every app"
    return ""

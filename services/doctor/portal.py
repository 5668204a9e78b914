"""The portal's own address, asked from outside: a loop, verdicts for strangers, a way around."""

import secrets
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs, urljoin, urlsplit

from config import Config
from services.doctor import probes
from services.doctor.findings import Finding, found
from services.doctor.probes import LOOK, Probe
from services.doctor.wire import FORGED_CLIENT, PAGE, Unreachable, Wire, kind_by_name

MOST_REDIRECTS = 5


def examine(config: Config, wire: Wire, direct: Sequence[str]) -> list[Finding]:
    """What is wrong before the portal's own host; ``direct`` are addresses that must not answer."""
    return [*_judge_portal(config, wire), *_judge_direct(direct)]


def _judge_portal(config: Config, wire: Wire) -> Iterator[Finding]:
    nonce = secrets.token_hex(8)
    cookie = f"{probes.COOKIE}={probes.make(config, Probe(LOOK, '', nonce))}"
    headers = {**PAGE, "Cookie": cookie, "X-Forwarded-For": FORGED_CLIENT}
    underscored = {**PAGE, "Cookie": cookie, "X_Forwarded_For": FORGED_CLIENT}
    address = config.base_url + probes.PATH
    try:
        if circle := _find_circle(config.base_url, wire):
            yield found("redirect-loop", base_url=config.base_url, why=circle)
            return
        heard = wire.get(address, headers)
        merged = probes.read_report(config, wire.get(address, underscored).text, nonce)
        verdict = wire.get(f"{config.base_url}/api/authz/forward-auth", headers)
    except Unreachable as error:
        yield found("portal-unreachable", base_url=config.base_url, why=str(error))
        return
    kind, where = kind_by_name(heard), f" on {urlsplit(config.base_url).netloc}"
    report = probes.read_report(config, heard.text, nonce)
    if report is None:
        why = f"{address} answered {heard.status}, and not as this portal would"
        yield found("portal-unreachable", base_url=config.base_url, why=why)
        return
    if report.client == FORGED_CLIENT:
        yield found("client-forged", kind, where=where)
    elif merged and FORGED_CLIENT in (merged.client, *merged.headers.values()):
        yield found("underscores-merged", kind, where=where)
    if report.scheme == "http" and config.https:
        yield found("portal-scheme", kind, base_url=config.base_url)
    if probes.ANSWER in parse_qs(urlsplit(verdict.location).query):
        yield found("verdicts-for-strangers", kind, base_url=config.base_url)


def _judge_direct(addresses: Sequence[str]) -> Iterator[Finding]:
    for address in addresses:
        try:
            heard = Wire(trusting=True).get(f"{address}/healthz", {})
        except Unreachable:
            continue
        if heard.status == 200 or "gatepost" in heard.headers.get("set-cookie", ""):
            yield found("around-the-proxy", address=address)


def _find_circle(base_url: str, wire: Wire) -> str:
    """In which way the portal's own page is never reached, or ""."""
    url = f"{base_url}/sign-in"
    for _ in range(MOST_REDIRECTS):
        heard = wire.get(url, PAGE)
        if not 300 <= heard.status < 400:
            return ""
        target = urljoin(url, heard.location)
        if urlsplit(target).netloc != urlsplit(base_url).netloc:
            return f"{url} leads to {target}"
        url = target
    return f"after {MOST_REDIRECTS} redirects it leads to {url[:200]}"

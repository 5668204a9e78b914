"""What can be seen from inside: the settings, the database, the apps, the delivery worker."""

import ipaddress
from collections.abc import Iterator, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from config import Config, unknown_names
from extensions import db
from models import Message
from models_apps import App
from services import grants, mail, readiness
from services.clock import now
from services.days import write_moment
from services.doctor.findings import Finding
from services.mail.smtp import make_gateway
from services.trial_messages import describe

WAIT = timedelta(minutes=5)
"""A message that is due for longer waits for a worker that does not run."""

WIDEST = {4: 8, 6: 32}
"""The shortest prefix of a network that can be one's own, by version of the protocol."""


def examine(config: Config) -> list[Finding]:
    """Everything that is wrong inside; needs an application context."""
    problem = readiness.find_problem()
    if problem:
        return [Finding("database", f"{problem.sentence}.", problem.mend)]
    apps = list(db.session.scalars(
        select(App).options(selectinload(App.addresses), selectinload(App.grants)).order_by(App.id)
    ))  # fmt: skip
    return [
        *_judge_settings(),
        *_judge_trust(config, apps),
        *_judge_domains(config, apps),
        *_judge_apps(config, apps),
        *_judge_worker(),
        *_judge_mail(config),
    ]


def _judge_settings() -> Iterator[Finding]:
    for sentence in unknown_names():
        yield Finding("setting-unknown", f"{sentence}.", "correct or remove it")


def _judge_trust(config: Config, apps: Sequence[App]) -> Iterator[Finding]:
    if apps and not config.trusted_proxies:
        yield Finding("no-proxy-trusted",
                      "Only proxies on this machine can ask, and everybody's address is theirs.",
                      "GATEPOST_TRUSTED_PROXIES=127.0.0.1/32, or unix for the socket")  # fmt: skip
    for network in config.trusted_proxies:
        if not isinstance(network, str) and _is_too_wide(network):
            yield Finding("trust-too-wide",
                          f"Everybody in {network} can ask for verdicts and choose an address.",
                          "GATEPOST_TRUSTED_PROXIES=<the proxy's own address>/32")  # fmt: skip


def _is_too_wide(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return network.prefixlen < WIDEST[network.version] or (
        network.is_global and network.num_addresses > 1
    )


def _judge_domains(config: Config, apps: Sequence[App]) -> Iterator[Finding]:
    """The cookie that all apps share goes to every host of its domain: it must be no wider."""
    shared = config.cookie_domain
    hosts = [config.host, *(host for app in apps for host in _hosts_of(app))]
    within = [host for host in hosts if shared and config.app_domain_of(host) == shared]
    common = _common_domain(within)
    if len(within) > 1 and len(common) > len(shared):
        text = (
            f"The cookie of the apps goes to every host in {shared};"
            f" portal and apps are all in {common}."
        )
        instead = ",".join(common if d == shared else d for d in config.app_domains)
        yield Finding("cookie-too-wide", text, f"GATEPOST_APP_DOMAINS={instead}")


def _common_domain(hosts: Sequence[str]) -> str:
    """The narrowest domain that all hosts are in; the host itself where there is only one."""
    common: list[str] = []
    for labels in zip(*(reversed(host.split(".")) for host in hosts), strict=False):
        if len(set(labels)) > 1:
            break
        common.insert(0, labels[0])
    return ".".join(common)


def _judge_apps(config: Config, apps: Sequence[App]) -> Iterator[Finding]:
    for app in apps:
        for host in _hosts_of(app):
            if host == config.host:
                yield Finding("app-at-portal", f"{app.name} has the portal's own host: a loop.",
                              "give it a host of its own")  # fmt: skip
            elif not config.app_domain_of(host):
                yield Finding("app-outside", f"{app.name}: {host} is in no domain of apps, so"
                              " nobody is led there.",
                              f"GATEPOST_APP_DOMAINS=…,{host.partition('.')[2]}")  # fmt: skip
        if not app.for_everyone and all(map(grants.has_ended, app.grants)):
            mend = "add a group or a person on the app's page, or let everyone in"
            yield Finding("app-for-nobody", f"Nobody may enter {app.name}.", mend)


def _hosts_of(app: App) -> list[str]:
    return [urlsplit(address.origin).hostname or "" for address in app.addresses]


def _judge_worker() -> Iterator[Finding]:
    oldest = db.session.scalar(select(func.min(Message.due_at)).where(Message.state == "queued"))
    if oldest is not None and now() - oldest > WAIT:
        since = write_moment(oldest)
        yield Finding("worker", f"Messages have waited for the delivery worker since {since}.",
                      "systemctl status gatepost; or run flask deliver")  # fmt: skip


def _judge_mail(config: Config) -> Iterator[Finding]:
    """Links and notices go by mail, and codes for who has no phone."""
    if config.mail_gateway != "smtp":
        return
    result = make_gateway(config).check()
    if result.outcome != mail.ACCEPTED:
        why = describe("mail", result.outcome, result.detail)
        yield Finding("mail", f"Mails cannot be sent: {why}.",
                      "correct GATEPOST_SMTP_URL; flask mail test ADDRESS sends one")  # fmt: skip

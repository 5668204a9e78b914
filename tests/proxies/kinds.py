"""The proxies that are tested: where each is, and how generated lines become a running one.

Of the lines only what belongs to a machine is replaced: ports, certificates, folders.
Without a proxy's program its tests are skipped with a line that says how to get it; where
``CI=true`` that is a failure.
"""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.portal import ROOT, free_port
from tests.standins.certificate import Certificate

VENV = ROOT / ".venv-proxies" / "bin"
PROBES_SECONDS = 20

PROGRAMS = {
    "nginx": (Path("/usr/sbin/nginx"), "apt-get install nginx-light"),
    "caddy": (VENV / "caddy", "make proxies"),
    "caddy-2.6": (Path("/usr/bin/caddy"), "apt-get install caddy"),
    "haproxy": (Path("/usr/sbin/haproxy"), "apt-get install haproxy"),
    "envoy": (VENV / "envoy", "make proxies"),
}
"""Each kind's program, and what brings it."""

KINDS = tuple(PROGRAMS)


def missing(kind: str) -> str:
    """What to say where a proxy's program is not there; "" where it is."""
    program, remedy = PROGRAMS[kind]
    return "" if program.is_file() else f"{kind} is not at {program}: {remedy}"


def need(kind: str) -> None:
    """Skip the test, or in CI let it fail, where a proxy is not installed."""
    missing_fails(missing(kind))


def missing_fails(missing: str) -> None:
    """Skip the test, or in CI let it fail, where anything is said to be missing."""
    if missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)


def template_of(kind: str) -> str:
    """The name that ``services.proxy_lines`` knows the kind by."""
    return kind.partition("-")[0]


@dataclass
class Prepared:
    """Lines made ready to run: the commands that check and run them, and where it will answer."""

    kind: str
    folder: Path
    port: int
    run: list[str]
    check: list[str]
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / "proxy.log"


def prepare(kind: str, lines: str, folder: Path, certificate: Certificate) -> Prepared:
    """Write a kind's generated lines as a configuration of this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    return _PREPARE[template_of(kind)](kind, lines, folder, port, certificate)


def check(prepared: Prepared) -> subprocess.CompletedProcess[str]:
    """Let the proxy itself check its configuration."""
    return subprocess.run(
        prepared.check, env=prepared.environ, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


@contextmanager
def running(prepared: Prepared) -> Iterator[Prepared]:
    """The proxy, until the block ends."""
    with prepared.log.open("wb") as log:
        process = subprocess.Popen(
            prepared.run, env=prepared.environ, stdout=log, stderr=subprocess.STDOUT,
            cwd=prepared.folder, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until_it_listens(prepared, process)
        yield prepared
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


def _wait_until_it_listens(prepared: Prepared, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PROBES_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", prepared.port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"{prepared.kind} does not run:\n{prepared.log.read_text()[-3000:]}")


def _replaced(lines: str, *pairs: tuple[str, str]) -> str:
    """Lines with every pattern replaced; each must be there, or the test would test nothing."""
    for pattern, instead in pairs:
        lines, found = re.subn(pattern, instead, lines)
        assert found, f"the lines have no {pattern}"
    return lines


def _prepare_nginx(
    kind: str, lines: str, folder: Path, port: int, certificate: Certificate
) -> Prepared:
    site = _replaced(
        lines,
        (r"/etc/letsencrypt/\S+/fullchain.pem", str(certificate.certificate)),
        (r"/etc/letsencrypt/\S+/privkey.pem", str(certificate.key)),
        (r"listen \[::\].*", ""),
        (r"listen 443", f"listen 127.0.0.1:{port}"),
    )
    (folder / "site.conf").write_text(site)
    own = f"client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; access_log off;"
    own += f" fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;"
    own += f" include {folder}/site.conf;"
    user = "user root;" if os.geteuid() == 0 else ""  # or workers cannot write into our folder
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;"
        f" events {{}} http {{ {own} }}"
    )
    command = [str(PROGRAMS[kind][0]), "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
    return Prepared(kind, folder, port, command, [*command, "-t"])


def _prepare_caddy(
    kind: str, lines: str, folder: Path, port: int, certificate: Certificate
) -> Prepared:
    sites = _replaced(
        lines,
        (r"(?m)^(https://.*) \{$", rf"\1 {{\n\ttls {certificate.certificate} {certificate.key}"),
    )
    options = (
        f"{{\n\tadmin off\n\tauto_https disable_redirects\n\thttps_port {port}\n"
        "\tdefault_bind 127.0.0.1\n\tskip_install_trust\n\tservers {\n\t\tprotocols h1 h2\n\t}\n}\n"
    )
    (folder / "Caddyfile").write_text(options + sites)
    about = ["--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]
    program = str(PROGRAMS[kind][0])
    environ = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    return Prepared(
        kind, folder, port, [program, "run", *about], [program, "validate", *about], environ
    )


def _prepare_haproxy(
    kind: str, lines: str, folder: Path, port: int, certificate: Certificate
) -> Prepared:
    both = folder / "both.pem"
    both.write_text(certificate.certificate.read_text() + certificate.key.read_text())
    script = ROOT / "deploy" / "haproxy" / "gatepost.lua"
    heading = _replaced(lines.partition("\n\n")[0], (r"/etc/haproxy/gatepost.lua", str(script)))
    of_global = [line.removeprefix("#") for line in heading.splitlines()[1:]]
    sites = _replaced(
        lines,
        (r"bind :443 ssl crt \S+", f"bind 127.0.0.1:{port} ssl crt {both}"),
    )
    text = "\n".join(["global", *of_global, "    log stderr format raw local0", "", sites])
    (folder / "haproxy.cfg").write_text(text)
    command = [str(PROGRAMS[kind][0]), "-f", f"{folder}/haproxy.cfg"]
    return Prepared(kind, folder, port, [*command, "-db"], [*command, "-c"])


def _prepare_envoy(
    kind: str, lines: str, folder: Path, port: int, certificate: Certificate
) -> Prepared:
    text = _replaced(
        lines,
        (r"/etc/letsencrypt/\S+/fullchain.pem", str(certificate.certificate)),
        (r"/etc/letsencrypt/\S+/privkey.pem", str(certificate.key)),
        (r'"::", port_value: 443, ipv4_compat: true', f'"127.0.0.1", port_value: {port}'),
    )
    (folder / "envoy.yaml").write_text(text)
    command = [str(PROGRAMS[kind][0]), "-c", f"{folder}/envoy.yaml", "--log-level", "warning"]
    return Prepared(
        kind, folder, port,
        [*command, "--use-dynamic-base-id", "--concurrency", "1"], [*command, "--mode", "validate"],
        {"HOME": str(folder), "PATH": os.environ["PATH"]},
    )  # fmt: skip


_PREPARE = {
    "nginx": _prepare_nginx,
    "caddy": _prepare_caddy,
    "haproxy": _prepare_haproxy,
    "envoy": _prepare_envoy,
}

"""What ``deploy/`` offers operators: settings that start, a proxy that keeps secrets out of its
logs and lies out of the portal, a unit whose server knows its options, and the other server.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from bench import processes
from config import load, unknown_names
from tests import portal
from tests.conftest import QUICK
from tests.outbox import wait_for as wait_for_messages
from tests.portal import ROOT, free_port
from tests.standins.certificate import make_certificate

DEPLOY = ROOT / "deploy"
NGINX = Path("/usr/sbin/nginx")
HOST = "login.example.org"
SECRET = "c2VjcmV0LXRva2Vu"
ADDRESSES = (
    f"/reset-password/{SECRET}",
    f"/confirm-email/{SECRET}?from=mail",
    f"/hooks/sms/{SECRET}",
    f"/register?invitation={SECRET}",
)
FILLED_IN = {
    "GATEPOST_BASE_URL": "https://login.example.org",
    "GATEPOST_SMTP_URL": "smtp://login:pass-word@mail.example.org:587",
    "GATEPOST_MAIL_FROM": "Example Login <login@example.org>",
    "GATEPOST_SECRET_KEY": "tests-use-this-key-0123456789abcdefghijklmnop",
    "TWILIO_ACCOUNT_SID": "AC0123456789",
    "TWILIO_API_KEY": "SK0123456789",
    "TWILIO_API_SECRET": "0123456789",
    "TWILIO_AUTH_TOKEN": "0123456789",
    "TWILIO_FROM": "+12015550100",
}


def read_example() -> dict[str, str]:
    """The settings of the example file, as systemd reads them."""
    lines = (DEPLOY / "gatepost.env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def wait_for(url: str, pool: urllib3.PoolManager) -> None:
    """Return once something answers at the address."""
    for _ in range(150):
        try:
            pool.request("GET", url, retries=False, timeout=5)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"nothing answers at {url}")


@contextmanager
def process(*command: str, **settings: str) -> Iterator[None]:
    """A process of this test's own, ended with it."""
    environ = {"PATH": os.environ["PATH"], **settings}
    started = subprocess.Popen(command, cwd=ROOT, env=environ, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(30)


def test_the_example_needs_only_its_blanks_filled_in() -> None:
    example = read_example()
    assert {name for name, value in example.items() if not value} == set(FILLED_IN)
    config = load({**example, **FILLED_IN})
    assert not config.development


def test_a_shell_reads_the_example_too(tmp_path: Path) -> None:
    """Its examples of values as well, which stand in comments."""
    text = (DEPLOY / "gatepost.env.example").read_text()
    text = re.sub(r"(?m)^#(?=GATEPOST_\w+=)", "", text)
    text = text.replace("GATEPOST_MAIL_FROM=", f"GATEPOST_MAIL_FROM={sender_in(text)}")
    (tmp_path / "env").write_text(text)
    result = subprocess.run(
        ["/bin/sh", "-eu", "-c", f"set -a; . {tmp_path}/env; env"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    for line in ("PORTAL_NAME=Example Login", "MAIL_FROM=Example Login <login@example.org>"):
        assert f"GATEPOST_{line}\n" in result.stdout


def sender_in(example: str) -> str:
    """The example of a sender, as its comment writes it."""
    (found,) = re.findall(r'(?m)^# (".*<.*>")$', example)
    return str(found)


def test_every_setting_of_the_example_is_one() -> None:
    text = (DEPLOY / "gatepost.env.example").read_text()
    assert unknown_names(dict.fromkeys(re.findall(r"(?m)^#?(GATEPOST_\w+)=", text), "")) == []


def test_the_server_knows_every_option_of_the_unit() -> None:
    unit = (DEPLOY / "gatepost.service").read_text().replace("\\\n", "")
    (command,) = re.findall(r"(?m)^ExecStart=(.*)$", unit)
    known = subprocess.run(
        [sys.executable, "-m", "granian", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for option in re.findall(r"--[a-z-]+", command):
        assert option in known


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """nginx with our site before a portal that is down: its address, and the folder of its logs."""
    if not NGINX.exists():
        missing = "nginx is not at /usr/sbin/nginx: apt-get install nginx-light"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    certificate, port = make_certificate(tmp_path), free_port()
    site = (DEPLOY / "nginx.conf").read_text()
    for what, instead in (
        (r"/etc/letsencrypt/\S+/fullchain.pem", str(certificate.certificate)),
        (r"/etc/letsencrypt/\S+/privkey.pem", str(certificate.key)),
        (r"/var/log/nginx", str(tmp_path)),
        (r"/run/gatepost/gatepost.sock", str(tmp_path / "gatepost.sock")),
        (r"listen 80;", f"listen 127.0.0.1:{free_port()};"),
        (r"listen 443", f"listen 127.0.0.1:{port}"),
        (r"listen \[::\].*", ""),
    ):
        site, found = re.subn(what, instead, site)
        assert found, f"deploy/nginx.conf has no {what}"
    (tmp_path / "site.conf").write_text(site)
    own = "client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f;"
    own += " uwsgi_temp_path {0}/u; scgi_temp_path {0}/s; include {0}/site.conf;"
    main = f"daemon off; pid {tmp_path}/pid; events {{}} http {{ {own.format(tmp_path)} }}"
    (tmp_path / "nginx.conf").write_text(main)
    with process(str(NGINX), "-c", f"{tmp_path}/nginx.conf", "-e", f"{tmp_path}/start.log"):
        yield f"https://127.0.0.1:{port}", tmp_path


def read_logs(folder: Path) -> str:
    return "".join(log.read_text() for log in folder.glob("*.log"))


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_no_secret_of_an_address_is_in_a_log_of_nginx(nginx: tuple[str, Path]) -> None:
    url, logs = nginx
    pool = pool_for(HOST)
    wait_for(f"{url}/healthz", pool)
    for address in ADDRESSES:
        assert pool.request("GET", f"{url}{address}", retries=False).status == 502
    # nginx writes a request's line after its answer: the last one's is waited for.
    last = time.monotonic() + 5
    while '"GET /register"' not in (text := read_logs(logs)) and time.monotonic() < last:
        time.sleep(0.02)
    assert '"GET /register"' in text
    assert text.count("[cut]") == 3
    assert SECRET not in text


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_nginx_answers_under_the_portals_name_alone(nginx: tuple[str, Path]) -> None:
    url, _ = nginx
    wait_for(f"{url}/healthz", pool_for(HOST))
    with pytest.raises(urllib3.exceptions.SSLError):
        pool_for("other.example.org").request("GET", f"{url}/sign-in", retries=False)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        pool_for(HOST).request(
            "GET", f"{url}/sign-in", headers={"Host": "other.example.org"}, retries=False
        )


def pool_for(host: str) -> urllib3.PoolManager:
    """Requests to a host, whatever the address."""
    return urllib3.PoolManager(cert_reqs="CERT_NONE", server_hostname=host, headers={"Host": host})


def test_the_portal_serves_and_delivers_under_gunicorn(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    port = free_port()
    settings = {**environ, **QUICK, "PORT": str(port)}
    options = ("--worker-class", "gthread", "--workers", "2", "--threads", "4")
    bind = ("--bind", f"127.0.0.1:{port}", "app:serve()")
    with process(sys.executable, "-m", "gunicorn", *options, *bind, **settings):
        pool = urllib3.PoolManager()
        wait_for(f"http://127.0.0.1:{port}/readyz", pool)
        form = pool.request("GET", f"http://127.0.0.1:{port}/reset-password")
        token = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"', form.data)
        assert token
        assert register(pool, port, token[1].decode(), form.headers["Set-Cookie"]) == 303
        folder = Path(environ["GATEPOST_INSTANCE_DIR"]) / "outbox"
        assert wait_for_messages(folder, "mail", 1, to="ann@example.org")


def register(pool: urllib3.PoolManager, port: int, token: str, cookie: str) -> int:
    """Register over HTTP; returns the status."""
    answer = pool.request_encode_body(
        "POST",
        f"http://127.0.0.1:{port}/register",
        fields={
            "csrf_token": token,
            "email": "ann@example.org",
            "password": "correct horse battery tram",
            "name": "",
        },
        headers={"Cookie": cookie.split(";")[0]},
        encode_multipart=False,
        redirect=False,
        retries=False,
    )
    return answer.status


@pytest.mark.parametrize("target", ["run", "serve"])
def test_a_second_server_does_not_share_the_port_of_the_first(target: str) -> None:
    with socket.socket() as first:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        first.bind(("127.0.0.1", 0))
        first.listen()
        second = subprocess.run(
            ["make", target], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, **QUICK, "PORT": str(first.getsockname()[1])},
        )  # fmt: skip

    assert second.returncode != 0
    assert "cannot listen there: the port is taken" in second.stderr


def test_ctrl_c_reaches_the_server_alone_which_ends_its_workers(
    tmp_path: Path, prepared_database: str
) -> None:
    with portal.running(tmp_path, QUICK, workers=2, database=Path(prepared_database)) as started:
        for _ in range(1000):
            if started.read_log().count("Started worker") == 2:
                break
            time.sleep(0.02)
        assert sum(map(_blocks_sigint, processes.tree(started.process.pid))) == 2
        os.killpg(started.process.pid, signal.SIGINT)
        started.process.wait(10)


def _blocks_sigint(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^SigBlk:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> (signal.SIGINT - 1) & 1)

"""Which address a request really comes from: the right-most hop that is no proxy of ours."""

from ipaddress import ip_network

import pytest
from werkzeug.test import EnvironBuilder

from blueprints.client_address import client_address
from config_values import Network

PROXIES: tuple[Network | str, ...] = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
SOCKET: tuple[Network | str, ...] = ("unix",)


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("192.0.2.1", "", (), "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", (), "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", PROXIES, "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", PROXIES, "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", PROXIES, "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", PROXIES, "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", PROXIES, "10.0.0.3"),
        ("10.0.0.1", "", PROXIES, "10.0.0.1"),
        ("10.0.0.1", "not an address", PROXIES, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, not an address", PROXIES, "10.0.0.1"),
        ("10.0.0.1", " , ,198.51.100.7, ", PROXIES, "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:4711", PROXIES, "10.0.0.1"),
        ("fd00::1", "2001:DB8:0:0::7", PROXIES, "2001:db8::7"),
        ("", "198.51.100.7", SOCKET, "198.51.100.7"),
        ("", "198.51.100.7", (), ""),
        ("", "198.51.100.7", PROXIES, ""),
        ("", "203.0.113.9, 198.51.100.7", SOCKET, "198.51.100.7"),
        ("192.0.2.1", "198.51.100.7", SOCKET, "192.0.2.1"),
    ],
)
def test_only_trusted_proxies_are_believed(
    peer: str, forwarded: str, trusted: tuple[Network | str, ...], address: str
) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    builder = EnvironBuilder(headers=headers, environ_overrides={"REMOTE_ADDR": peer})

    assert client_address(builder.get_request(), trusted) == address

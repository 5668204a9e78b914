"""Which network address a request really comes from."""

import ipaddress

from werkzeug.wrappers import Request

from config_values import UNIX_SOCKET, Network


def client_address(request: Request, trusted: tuple[Network | str, ...]) -> str:
    """The right-most hop that is not a trusted proxy.

    What stands left of it in ``X-Forwarded-For`` was written by whoever sent it.
    """
    return find_address(
        request.remote_addr or "", request.headers.get("X-Forwarded-For", ""), trusted
    )


def find_address(peer: str, forwarded: str, trusted: tuple[Network | str, ...]) -> str:
    """The same, from the peer's address and the value of ``X-Forwarded-For``."""
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    address = peer
    while is_trusted(address, trusted) and hops:
        hop = _plain_address(hops.pop())
        if hop is None:
            break
        address = hop
    return address


def is_trusted(address: str, trusted: tuple[Network | str, ...]) -> bool:
    """Whether a peer is one of the trusted proxies; a Unix socket's has no address."""
    if not address:
        return UNIX_SOCKET in trusted
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return UNIX_SOCKET in trusted
    return any(not isinstance(network, str) and parsed in network for network in trusted)


def may_ask_for_verdicts(peer: str, trusted: tuple[Network | str, ...]) -> bool:
    """Whether a peer is a proxy of ours: a trusted one; where none is named, this machine's own."""
    if trusted:
        return is_trusted(peer, trusted)
    try:
        return not peer or ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False


def _plain_address(hop: str) -> str | None:
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return None

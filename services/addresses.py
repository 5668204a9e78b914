"""Network addresses as limits see them: who counts as one sender."""

import ipaddress


def network_of(address: str) -> str:
    """The address for counting: IPv4 as it is, IPv6 its /64 (one household or office)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)

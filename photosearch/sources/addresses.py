"""Checks of web addresses and IP addresses before a picture is fetched from them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from photosearch.errors import PhotoError

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_UNICAST = ipaddress.ip_network("2000::/3")  # the part of IPv6 that IANA assigns for the public network
_IETF = ipaddress.ip_network("192.0.0.0/24")  # RFC 6890: for protocols; some clouds serve credentials there


def check_url(url: str) -> None:
    """Raise `PhotoError` for an address that must not be fetched; the message leaves out the address."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise PhotoError("the address is damaged") from None  # the cause quotes the address, with its password
    if parts.scheme.lower() not in ("http", "https"):
        raise PhotoError("the address does not begin with http:// or https://")
    if not host or any(char.isspace() or not char.isprintable() for char in url):
        raise PhotoError("the address is damaged")
    if parts.username is not None or parts.password is not None:
        raise PhotoError("the address holds a user or password; give one without")


def is_public(address: str) -> bool:
    """Tell whether an IP address, and each IPv4 address embedded in it, is on the public network."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    embedded: list[ipaddress.IPv4Address | None] = []
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip not in _UNICAST:
            return False
        embedded = [ip.sixtofour, *(ip.teredo or ())]
    elif ip in _IETF:
        return False
    return (
        ip.is_global and not ip.is_multicast and all(is_public(str(other)) for other in embedded if other is not None)
    )

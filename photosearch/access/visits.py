"""What a request says about itself: the host it names, the page that sent it, the machine it came from."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.types import Scope

_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,255})(?::(\d{1,5}))?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
# Set by proxies: a request that has one comes from another machine, whatever the address of its connection.
_FORWARDING = frozenset(
    "forwarded via x-real-ip x-client-ip x-cluster-client-ip true-client-ip cf-connecting-ip fly-client-ip"
    " fastly-client-ip x-original-host x-envoy-external-address".split()
)
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Host:
    """A host as an address bar has it: a name or an IP address, and a port if one is given."""

    name: str  # lower case, IPv6 without brackets, without a dot at the end
    port: int | None

    @property
    def is_loopback(self) -> bool:
        """Whether it names the machine that the visitor sits at."""
        address = ip_address(self.name)
        return address.is_loopback if address else self.name == "localhost" or self.name.endswith(".localhost")


@dataclass(frozen=True)
class Visit:
    """A request for a page, picture or upload, or the request to open a WebSocket."""

    scope: Scope = field(repr=False)

    @cached_property
    def headers(self) -> dict[str, list[str]]:
        """Return the values of each header by its name in lower case."""
        found: dict[str, list[str]] = {}
        for name, value in self.scope["headers"]:
            found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        return found

    def header(self, name: str) -> str:
        """Return a header's only value; "" where it is missing or given twice."""
        values = self.headers.get(name, [])
        return values[0] if len(values) == 1 else ""

    @property
    def path(self) -> str:
        """The path, decoded, as routes are compared with it."""
        return str(self.scope["path"])

    @property
    def is_websocket(self) -> bool:
        """Whether a WebSocket is to be opened."""
        return self.scope["type"] == "websocket"

    @property
    def method(self) -> str:
        """The method; a WebSocket is opened by GET."""
        return "GET" if self.is_websocket else str(self.scope["method"])

    @property
    def changes_nothing(self) -> bool:
        """Whether the method is one that only reads."""
        return self.method in _SAFE_METHODS

    @property
    def is_secure(self) -> bool:
        """Whether the browser speaks HTTPS to the server or to the proxy before it."""
        return self.scope.get("scheme") in ("https", "wss") or self.header("x-forwarded-proto") == "https"

    @cached_property
    def host(self) -> Host | None:
        """The host that the request is addressed to; None where it names none, two, or no valid one."""
        return parse_host(self.header("host"))

    @cached_property
    def cookies(self) -> dict[str, str]:
        """Return the cookies by name; those that cannot be read are left out."""
        found: dict[str, str] = {}
        for part in ";".join(self.headers.get("cookie", [])).split(";"):
            try:
                found.update({name: morsel.value for name, morsel in SimpleCookie(part.strip()).items()})
            except CookieError:
                continue
        return found

    @property
    def origin(self) -> str | None:
        """The origin of the page that sent the request, as browsers tell it; None where none is told."""
        return ", ".join(self.headers["origin"]) if "origin" in self.headers else None

    @cached_property
    def client(self) -> str:
        """The visitor's address, or the nearest proxy's that is not on this machine; "" where it is unknown."""
        return str((self.scope.get("client") or ("",))[0])

    @property
    def is_from_this_machine(self) -> bool:
        """Whether the visitor sits at this machine: no proxy, and a connection that did not leave it."""
        if any(name in _FORWARDING or name.startswith("x-forwarded-") for name in self.headers):
            return False
        address = ip_address(self.client)
        own = ip_address(str((self.scope.get("server") or ("",))[0]))
        return address is not None and (address.is_loopback or address == own)

    @property
    def is_sent_by_another_site(self) -> bool:
        """Whether a browser says that a page of another site, or another port, loads this as a part of itself."""
        site, mode = self.header("sec-fetch-site"), self.header("sec-fetch-mode")
        return site in ("cross-site", "same-site") and mode != "navigate"


def parse_host(text: str) -> Host | None:
    """Read the value of a Host header; None where it is not a name or address with or without a port."""
    found = _HOST.fullmatch(text)
    if not found or (found[2] and int(found[2]) > 65535):
        return None
    name = found[1].lower().strip("[]").removesuffix(".")
    if found[1].startswith("[") and ip_address(name) is None:
        return None
    return Host(name, int(found[2]) if found[2] else None) if name else None


def parse_origin(text: str) -> tuple[str, Host] | None:
    """Read an origin, as "http://localhost:8501": its scheme, and its host with the port; None for all else."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    host = parse_host(parts.netloc)
    if parts.scheme not in ("http", "https") or host is None or text != f"{parts.scheme}://{parts.netloc}":
        return None
    return parts.scheme, Host(host.name, host.port or _DEFAULT_PORTS[parts.scheme])


def ip_address(text: str) -> IPAddress | None:
    """Read an IP address, an IPv4 address inside of IPv6 as IPv4; None for all else."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_same_origin(visit: Visit, scheme: str, origin: Host) -> bool:
    """Tell whether a page of an origin is one of the host, name and port, that a request is addressed to."""
    if visit.host is None or visit.host.name != origin.name:
        return False
    return (visit.host.port or _DEFAULT_PORTS[scheme]) == origin.port


def own_names() -> frozenset[str]:
    """Return the names by which a home network knows this machine; no name server of others gives them."""
    name = socket.gethostname().lower().rstrip(".")
    short = name.partition(".")[0]
    return frozenset({short, f"{short}.local"} if short else ())


def is_allowed_host(visit: Visit, names: Iterable[str]) -> bool:
    """Tell whether a request is addressed to a host by which this server may be called.

    A page whose name server suddenly gives this machine's address (DNS rebinding) still names its own host. Allowed
    are loopback names, the address at which the connection arrived, and `names`; "*.example.org" allows all below it.
    """
    if visit.host is None:
        return False
    own = str((visit.scope.get("server") or ("",))[0])
    address = ip_address(visit.host.name)
    if visit.host.is_loopback or (address is not None and address == ip_address(own)):
        return True
    return is_named(visit.host.name, names)


def is_named(host: str, names: Iterable[str]) -> bool:
    """Tell whether a host is one of the names; "*.example.org" names all below it."""
    return any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in names)

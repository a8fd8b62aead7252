"""The address guard: a submission chooses where to connect, and this decides whether it may.

An address is read strictly (one spelling, no user, no odd numbers), looked up once, and every address that
the look-up
gave has to be reachable by anyone on the internet. The connection then goes to one of those very numbers.
Networks: IANA's special-purpose address registries for IPv4 and IPv6, as of 2026-11-22.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import NamedTuple

from grader.patterns import pattern
from grader.text import excerpt

MOST_LENGTH = 2_000
"""Characters of an address."""
_MOST_NUMBERS = 16

_PARTS = pattern(r"(?i)\A(https?)://([^/?#]*)([^#]*)")
_SCHEME = pattern(r"(?i)\A([a-z][a-z0-9+.-]{0,30}):")
_LABEL = pattern(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_NUMBER = pattern(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
_PORT = pattern(r"[1-9][0-9]{0,4}\Z")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?%")

_PRIVATE_SUFFIXES = (
    "localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa",
    "in-addr.arpa", "ip6.arpa", "onion",
)  # fmt: skip
"""Names that nobody outside one network can have."""

_V4 = {
    "0.0.0.0/8": "unspecified",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared between a provider's customers",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "reserved for protocols",
    "192.0.2.0/24": "for documentation",
    "192.88.99.0/24": "a relay that is given up",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "for measurements",
    "198.51.100.0/24": "for documentation",
    "203.0.113.0/24": "for documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
_V6 = {
    "::/128": "unspecified",
    "::1/128": "loopback",
    "::ffff:0:0/96": "an IPv4 address in disguise",
    "::/96": "an IPv4 address in disguise",
    "64:ff9b:1::/48": "private",
    "100::/8": "for discarding",
    "2001::/23": "reserved for protocols",
    "2001:db8::/32": "for documentation",
    "2002::/16": "an IPv4 address in disguise",
    "3fff::/20": "for documentation",
    "5f00::/16": "for routing",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "fec0::/10": "private",
    "ff00::/8": "multicast",
}
_REFUSED = tuple((ipaddress.ip_network(net), why) for net, why in (*_V4.items(), *_V6.items()))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
# Never, not even with --allow-private: there the keys of the machine itself can be asked for (its metadata
# service).
_METADATA = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32")))
_SPEAKS_TO_ALL = ("multicast", "reserved")


class Refused(Exception):
    """An address that is not asked. The message is one sentence without the address's own text."""


class Unresolved(Exception):
    """A name that could not be looked up from here."""


class Address(NamedTuple):
    """An address that may be asked, by its form. ``host`` is lower case, without brackets; ``path`` with the
    query.

    ``number`` is the host where it is a number and no name.
    """

    scheme: str
    host: str
    port: int
    path: str
    number: str | None = None

    @property
    def authority(self) -> str:
        """The host and, where it is not the scheme's own, the port, as a ``Host`` header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _port_of(self.scheme) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def shown(self) -> str:
        """The address without its query, which may hold a key."""
        path, query, _ = self.path.partition("?")
        return excerpt(f"{self.scheme}://{self.authority}{path}{'?…' if query else ''}", 200)


def _port_of(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def parse(url: str, *, allow_private: bool = False) -> Address:
    """Read an address in the one spelling that is taken.

    Raises:
        Refused: another scheme, an odd spelling, a host or port that is never asked.
    """
    if len(url) > MOST_LENGTH:
        raise Refused(f"an address has at most {MOST_LENGTH:,} characters")
    if any(ord(c) < 0x21 or 0x7F <= ord(c) <= 0xA0 for c in url) or "\\" in url:
        raise Refused("an address has no spaces, control characters or backslashes in it")
    match = _PARTS.match(url)
    if match is None:
        other = _SCHEME.match(url)
        if other is None or other.group(1).lower() in ("http", "https"):
            raise Refused("an address begins with https:// or http:// and names a host")
        raise Refused("only https and http addresses are asked")
    scheme, authority, path = match.group(1).lower(), match.group(2), match.group(3)
    host, port = _host_and_port(authority, scheme)
    name, number = _host(host, allow_private=allow_private)
    return Address(scheme, name, port, _path(path), number)


def _host_and_port(authority: str, scheme: str) -> tuple[str, int]:
    if "@" in authority:
        raise Refused("an address has no user name or password in it")
    if "%" in authority or not authority.isascii():
        raise Refused("the host of an address is written in plain letters, digits, dots and hyphens")
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        host += bracket
        colon, port = rest[:1], rest[1:]
        if not bracket or colon not in ("", ":"):
            raise Refused("the host of the address cannot be read")
    else:
        host, colon, port = authority.partition(":")
    if not colon:
        return host, _port_of(scheme)
    if not _PORT.match(port) or int(port) > 65_535:
        raise Refused("the port of an address is a number from 1 to 65535")
    if int(port) < 1_024 and int(port) not in (80, 443):
        raise Refused(f"port {port} is no web server's; 80, 443 and those from 1024 on are asked")
    return host, int(port)


def _host(host: str, *, allow_private: bool) -> tuple[str, str | None]:
    """(the host's name or number, the number if it is one)."""
    if host.startswith("["):
        inner = host[1:-1]
        try:
            six = ipaddress.IPv6Address(inner)
        except ValueError:
            raise Refused("what stands in brackets is no IPv6 address") from None
        why = not_public(six, allow_private=allow_private)
        if why is not None:
            raise Refused(why)
        return str(six), str(six)
    name = host.lower()
    if not name:
        raise Refused("the address names no host")
    labels = name.split(".")
    if _NUMBER.match(labels[-1]) or (labels[-1] == "" and len(labels) > 1 and _NUMBER.match(labels[-2])):
        # What a browser takes for a number: only the four decimal parts, as everybody writes them, are one
        # here.
        try:
            four = ipaddress.IPv4Address(name)
        except ValueError:
            four = None
        if four is None or str(four) != name:
            raise Refused(
                "the host is a number in an odd spelling; write it as four decimal parts, or write a name"
            )
        why = not_public(four, allow_private=allow_private)
        if why is not None:
            raise Refused(why)
        return name, name
    if len(name) > 253 or not all(_LABEL.match(label) for label in labels):
        raise Refused("the host is no name that anybody can have on the internet")
    if not allow_private:
        if len(labels) < 2:
            raise Refused("the host is a name of one word, which is known in one network only")
        if any(name.endswith("." + suffix) for suffix in _PRIVATE_SUFFIXES):
            raise Refused("the host is a name that is known in one network only")
    return name, None


def _path(path: str) -> str:
    """The path and query with everything escaped that is not plain."""
    made = "".join(
        c if c in _PLAIN else "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "replace")) for c in path
    )
    return made if made.startswith("/") else "/" + made


def not_public(
    number: ipaddress.IPv4Address | ipaddress.IPv6Address, *, allow_private: bool = False
) -> str | None:
    """Why a number is not asked, as a sentence's beginning; None where everybody can reach it.

    ``allow_private``: only what no web server has (multicast, reserved) and what hands out a machine's own
    keys
    (link-local) is refused then.
    """
    if isinstance(number, ipaddress.IPv6Address) and number in _NAT64:
        return not_public(ipaddress.IPv4Address(int(number) & 0xFFFFFFFF), allow_private=allow_private)
    disguised = number.ipv4_mapped if isinstance(number, ipaddress.IPv6Address) else None
    if disguised is not None and allow_private:
        return not_public(disguised, allow_private=True)
    if any(number in net for net in _METADATA if net.version == number.version):
        return "the address is link-local, where a machine's own keys can be asked for"
    for net, why in _REFUSED:
        if net.version == number.version and number in net:
            if allow_private and why not in _SPEAKS_TO_ALL:
                return None
            return f"the address is {why}, and not to be reached by everybody"
    if isinstance(number, ipaddress.IPv6Address) and number not in _UNICAST:
        return "the address is reserved, and not to be reached by everybody"
    if not number.is_global and not allow_private:
        return "the address is not to be reached by everybody"
    return None


def resolve(address: Address, *, allow_private: bool = False) -> tuple[str, ...]:
    """The numbers to connect to, looked up once; each of them may be asked.

    Raises:
        Refused: one of them is not to be reached by everybody.
        Unresolved: there is none, or the look-up failed.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        reason = getattr(problem, "strerror", None) or type(problem).__name__
        raise Unresolved(f"its host could not be looked up ({excerpt(str(reason), 80)})") from None
    numbers = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not numbers:
        raise Unresolved("its host could not be looked up")
    for text in numbers:
        number, zone, _ = text.partition("%")
        why = (
            "the address is link-local"
            if zone
            else not_public(ipaddress.ip_address(number), allow_private=allow_private)
        )
        if why is not None:
            raise Refused(why)
    return tuple(numbers[:_MOST_NUMBERS])

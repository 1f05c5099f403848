"""A name says a port or an address that its value does not have.

`service tcp_8443 = tcp/8080` is what remains when the port moved and the name did not. Everybody who reads a rule with
that name takes the port from it, and so the rule is never read right again.

**What to do.** Rename it after what it is for, not after its value; or correct the value.

**What is said exactly.** A name of a service says ports when a protocol, `port`, or the name of a registered service
stands before a number (`tcp_8443`, `udp53`, `tcp-8000-8099`, `port_25`, `https-8443`; after the name of a service only
numbers of three digits and more, and no years). A name of a network or host says an address when it has four numbers up
to 255 in a row (`net-10-1-0-0`), and a prefix when a length follows (`net_10_1_0_0_16`). It is reported when the value
does not contain all that the name says. That a service is called `ssh` and has another port is FW707. Labels, and the
names of chains in iptables, are free texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.everyday import assigned
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Definition, Field, Service
from policy.packet import PORT_PROTOCOLS, Intervals
from policy.packet.address import parse_prefix
from policy.packet.names import protocol_number
from policy.reach.items import line_of

_PORTS = re.compile(
    r"(?<![a-z0-9])(?P<word>[a-z][a-z0-9]*?)[-_]?(?P<ports>\d{2,5}(?:[-_]\d{2,5})*)(?![a-z0-9])", re.IGNORECASE
)
_ADDRESS = re.compile(
    r"(?<!\d)(?<!\d[-_])(?P<address>\d{1,3}(?:[-_]\d{1,3}){3})(?:[-_](?P<length>\d{1,2}))?(?![-_]?\d)"
)
_YEARS = range(1990, 2040)
_TRANSPORTS = tuple(number for low, high in PORT_PROTOCOLS.ranges for number in range(low, high + 1))


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the names that say what their value does not contain."""
    for each in facts.ruleset.definitions:
        said = _addresses_said(each) if isinstance(each.value, Intervals) else _ports_said(each)
        if said is not None:
            message = f"the name `{each.name}` says {said}, and its value `{each.text}` does not contain that"
            yield CHECK.finding(each.span, message, help="rename it, or correct the value")


def _addresses_said(definition: Definition) -> str | None:
    """Return the addresses that the name of a definition says and its value does not contain."""
    value = definition.value
    for found in _ADDRESS.finditer(definition.name):
        text = re.sub("[-_]", ".", found["address"]) + (f"/{found['length']}" if found["length"] else "")
        try:
            said = parse_prefix(text)
        except ValueError:
            continue
        if isinstance(value, Intervals) and not value.covers(said):
            return text
    return None


def _ports_said(definition: Definition) -> str | None:
    """Return a port that the name of a definition says and its value does not contain."""
    value = definition.value
    if value is None or isinstance(value, Intervals):
        return None
    has = line_of(value)
    for found in _PORTS.finditer(definition.name):
        for port in map(int, re.split("[-_]", found["ports"])):
            protocols = _protocols(found["word"].lower(), port)
            if protocols and not any(has.covers(line_of((_service(protocol, port),))) for protocol in protocols):
                return f"port {port}"
    return None


def _protocols(word: str, port: int) -> tuple[int, ...]:
    """Return the protocols of which a word before a number says the port; none where it does not."""
    number = protocol_number(word)
    if number is not None and number in PORT_PROTOCOLS:
        return (number,)
    said = word in ("port", "ports") or (port >= 100 and port not in _YEARS and assigned(word))
    return _TRANSPORTS if said and port <= 65535 else ()


def _service(protocol: int, port: int) -> Service:
    return (Field("proto", Intervals.of(protocol)), Field("dport", Intervals.of(port)))


CHECK = Check(
    code="FW705",
    name="misleading-name",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
network net_10_1_0_0_16 = 10.1.0.0/24 ### FW705 "says 10.1.0.0/16"
host    db-10-2-0-5     = 10.2.0.6 ### FW705 "says 10.2.0.5"
service tcp_8443        = tcp/8080 ### FW705 "says port 8443"
service udp53           = tcp/53 ### FW705 "says port 53"
service app-tcp-8000-8099 = tcp/8000-8009 ### FW705 "says port 8099"
service https-8443      = tcp/443 ### FW705 "says port 8443"

policy border {
    allow tcp_8443, https-8443          from net_10_1_0_0_16
    allow udp53                         from net_10_1_0_0_16 to db-10-2-0-5
    allow app-tcp-8000-8099             from any
}
""",
    ),
    good=(
        """
network net_10_1_0_0_16  = 10.1.0.0/16, 2001:db8::/32
network site-101         = 10.1.1.0/24
network lan-2026-11-25-1 = 10.3.0.0/24
host    db-10-2-0-5      = 10.2.0.5
service tcp_8443         = tcp/{443,8443}
service http2            = tcp/443
service tcp_80_443       = tcp/80, tcp/443
service tcp6             = tcp
service https-2026       = tcp/443
service tls13            = tcp/443
service office365        = tcp/443
service port53           = udp/53

policy border {
    allow tcp_8443, tcp_80_443, tcp6, http2, https-2026, tls13, office365, port53 from site-101 to db-10-2-0-5
    allow udp/53 from lan-2026-11-25-1, net_10_1_0_0_16
}
""",
    ),
    find=find,
)

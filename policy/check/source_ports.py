"""Rules that ask for the source port: those for replies, and those that trust it."""

from __future__ import annotations

from policy.check.traffic import bound
from policy.ir import Allow, Rule
from policy.packet import Intervals
from policy.packet.connection import CLIENT_PORTS

SERVICES = Intervals.of((0, 1023))
"""The well-known ports (RFC 6335, 6)."""

FEW_PORTS = 16
MANY_PORTS = 1000
_ALL = 1 << 16


def waits_for_replies(rule: Rule) -> bool:
    """Is a rule written for replies: from a few ports, or from those of services, to any that clients have?"""
    target = bound(rule.match, "dport")
    return _from_services(rule) and (target.size == _ALL or (target.size >= MANY_PORTS and not target.meets(SERVICES)))


def left_out(rule: Rule) -> Intervals | None:
    """Return the ports of clients that a rule for replies leaves out; None where it is no such rule."""
    if not waits_for_replies(rule) or not any(isinstance(action, Allow) for action in rule.actions):
        return None
    return CLIENT_PORTS - bound(rule.match, "dport")


def trusts_source_port(rule: Rule) -> bool:
    """Is a rule about certain source ports, and lets all well-known destination ports in?"""
    return _from_services(rule) and bound(rule.match, "dport").covers(SERVICES)


def is_about_source_ports(rule: Rule) -> bool:
    """Is a rule one for replies, or one that trusts a source port?"""
    return trusts_source_port(rule) or waits_for_replies(rule)


def _from_services(rule: Rule) -> bool:
    source = bound(rule.match, "sport")
    return source.size <= FEW_PORTS or SERVICES.covers(source)

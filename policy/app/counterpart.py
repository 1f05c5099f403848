"""The rules of one host in two files, one for each IP version: which is which, and that they are two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policy.app.problem import CannotAnswer
from policy.ir import Ruleset
from policy.packet import Intervals
from policy.packet.address import whole

_OTHER = {"iptables": "ip6tables", "ip6tables": "iptables"}


def other_version(language: str | None) -> str | None:
    """Return what a counterpart is written in, where rules are in *language*: the same, for the other IP version."""
    return _OTHER.get(language, language) if language else None


def without_own(local: Intervals | None, pair: Sequence[Ruleset]) -> Iterator[int]:
    """Yield the IP versions of which a host has rules, and addresses of the other one alone are known."""
    if local is not None and len(pair) > 1:
        yield from (family for rules in pair for family in rules.families if not local.meets(whole(family)))


def check_pair(one: Ruleset, other: Ruleset) -> None:
    """Raise `CannotAnswer` where both rule sets have rules for one IP version: there would be two answers."""
    if twice := one.families & other.families:
        families = " and ".join(f"IPv{family}" for family in sorted(twice))
        names = " and ".join(f"`{each.sources[0].name}`" for each in (one, other))
        help = "name one file for IPv4 and one for IPv6"
        if one.language in _OTHER and other.language in _OTHER:
            help += f"; `--language` says what `{one.sources[0].name}` is"
        raise CannotAnswer(f"{names} are both rules for {families}", help)

"""The rules of one host in two files: which is which, and what they are together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from policy.app.problem import CannotAnswer
from policy.ir import Ruleset
from policy.joined import Apart, joined
from policy.packet import Intervals
from policy.packet.address import whole

_OTHER = {"iptables": "ip6tables", "ip6tables": "iptables"}
_NFTABLES = "nftables"


def without_own(local: Intervals | None, pair: Sequence[Ruleset]) -> Iterator[int]:
    """Yield the IP versions of which a host has rules, and addresses of the other one alone are known."""
    if local is not None and len(pair) > 1:
        yield from (family for rules in pair for family in rules.families if not local.meets(whole(family)))


def together(one: Ruleset, read: Callable[[str | None], Ruleset], language: str | None) -> tuple[Ruleset, ...]:
    """Return the rules of a host in two texts: *one*, and what *read* reads, in a language or (None) in its own.

    They are two sets, one for each IP version, or one, where nftables and a dump are for the same packets. *language*
    is what was said of the first. Raises `CannotAnswer` where both are rules for one IP version.
    """
    other = read(_counterpart(one, language))
    if one.language == _NFTABLES and other.language in _OTHER and other.families <= one.families:
        missing = {4, 6} - one.families
        if missing:  # a dump that does not say for which IP version it is
            other = read("iptables" if 4 in missing else "ip6tables")
    twice = one.families & other.families
    if twice and {one.language, other.language} & {_NFTABLES} and one.language != other.language:
        try:
            return (joined(one, other) if one.language == _NFTABLES else joined(other, one),)
        except Apart as why:
            names = " and ".join(f"`{each.sources[0].name}`" for each in (one, other))
            raise CannotAnswer(f"{names} cannot be asked together: {why}", "ask each by itself") from None
    _check_pair(one, other)
    return (one, other)


def _counterpart(one: Ruleset, language: str | None) -> str | None:
    """Return what the other text is written in, where rules are said to be in *language*; None: it tells itself."""
    return _OTHER.get(language) if language and one.language in _OTHER else None


def _check_pair(one: Ruleset, other: Ruleset) -> None:
    """Raise `CannotAnswer` where both rule sets have rules for one IP version: there would be two answers."""
    if twice := one.families & other.families:
        families = " and ".join(f"IPv{family}" for family in sorted(twice))
        names = " and ".join(f"`{each.sources[0].name}`" for each in (one, other))
        help = "name one file for IPv4 and one for IPv6"
        if one.language in _OTHER and other.language in _OTHER:
            help += f"; `--language` says what `{one.sources[0].name}` is"
        raise CannotAnswer(f"{names} are both rules for {families}", help)

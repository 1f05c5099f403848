"""What checks are told about the place where rules are used: zones, thresholds, names, the date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal

from policy.ir import Field, Match, all_of, either_of
from policy.packet import Intervals, Names

Pattern = Annotated[str, "pattern"]
"""A regular expression."""

Named = Annotated[str, Literal["network", "host", "service", "policy", "label"]]
"""The kinds of what has names."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the network. A field, but for the name, is a key of the configuration."""

    name: str
    interfaces: Names | None = None
    """The interfaces behind which the zone lies; a `+` at the end stands for any ending. Any, where it is not said."""
    addresses: Intervals | None = None
    """The addresses and prefixes that are in the zone. Any, where it is not said."""
    untrusted: bool = False
    """Is it a zone that nothing may come from unasked, such as the Internet?"""

    @property
    def sends(self) -> Match:
        """The packets that come from it."""
        return self._at("in", "src")

    @property
    def receives(self) -> Match:
        """The packets that go to it."""
        return self._at("out", "dst")

    def _at(self, interface: str, address: str) -> Match:
        parts = ((interface, self.interfaces), (address, self.addresses))
        return all_of(*(Field(name, values) for name, values in parts if values is not None))


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says to checks. The defaults hold where there is none.

    A field is a key of the configuration, `wide_ports` is `wide-ports`: its annotation says what is written there, and
    the sentence below it is what the JSON Schema and docs/configuration.md say.
    """

    zones: tuple[Zone, ...] = ()
    """The parts of the network, by their names: tables `[zones.NAME]`."""
    wide_ports: int = 1000
    """More ports than these are many."""
    expiry_days: int = 30
    """Rules are reported so many days before they expire."""
    names: Mapping[Named, Pattern] = field(default_factory=dict)
    """Patterns (regular expressions) that whole names have to match, by the kind of what is named."""
    today: date | None = None
    """The date, None where checks are not to know it; no key."""

    @property
    def untrusted(self) -> Match | None:
        """The packets that come from untrusted zones; None where no zone is untrusted."""
        zones = [zone.sends for zone in self.zones if zone.untrusted]
        return either_of(*zones) if zones else None

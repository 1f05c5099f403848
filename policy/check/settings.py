"""What checks are told about the place where rules are used: zones, thresholds, names, the date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from policy.ir import Field, Match, all_of, either_of
from policy.packet import Intervals, Names


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the network: the *interfaces* behind which it lies, the *addresses* that are in it, None: any.

    *untrusted*: is it one that nothing may come from unasked, such as the Internet?
    """

    name: str
    interfaces: Names | None = None
    addresses: Intervals | None = None
    untrusted: bool = False

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

    *zones* are the parts of the network that it names; *wide_ports*: more ports than these are many;
    *expiry_days*: rules are reported so many days before they expire; *names*: patterns (regular expressions) that
    whole names have to match, by the kind of what is named (`network`, `host`, `service`, `policy`, `label`); *today*:
    the date, None where checks are not to know it.
    """

    zones: tuple[Zone, ...] = ()
    wide_ports: int = 1000
    expiry_days: int = 30
    names: Mapping[str, str] = field(default_factory=dict)
    today: date | None = None

    @property
    def untrusted(self) -> Match | None:
        """The packets that come from untrusted zones; None where no zone is untrusted."""
        zones = [zone.sends for zone in self.zones if zone.untrusted]
        return either_of(*zones) if zones else None

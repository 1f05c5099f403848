"""What a rule does with the packets that match."""

from __future__ import annotations

from policy._record import dataclass
from policy.ir.match import Opaque, mark
from policy.packet import Value
from policy.source import Span


@dataclass(frozen=True, slots=True)
class Allow:
    """Let the packet pass (in netfilter: past this table)."""


@dataclass(frozen=True, slots=True)
class Block:
    """Drop the packet silently."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Block the packet and tell the sender, with *how* (an ICMP type or `tcp-reset`; None: the usual)."""

    how: str | None = None


@dataclass(frozen=True, slots=True)
class Jump:
    """Go through another policy; when it returns, go on behind this rule."""

    policy: str
    span: Span | None = mark()


@dataclass(frozen=True, slots=True)
class Goto:
    """Go through another policy; when it returns, return from this one too."""

    policy: str
    span: Span | None = mark()


@dataclass(frozen=True, slots=True)
class Return:
    """Leave this policy; in an entry policy: take its default."""


@dataclass(frozen=True, slots=True)
class Set:
    """Clear the bits under *mask* of a field, then set (or, *xor*, flip) those of *value*; None: they become unknown.

    Without a connection (`state`) its fields are lost.
    """

    field: str
    value: int | None
    mask: int = (1 << 32) - 1
    xor: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """Clear the bits under *mask* of a field, then flip those of *source* under *taken*; on packets that have both."""

    field: str
    source: str
    mask: int = (1 << 32) - 1
    taken: int = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Change fields of the packet (NAT); the rules that follow see the new ones.

    A new `hook` gives it the fields of packets there; *status* are bits of `ctstatus` set where a value really changes.
    An *alike* source port is of the `packet.fields.PORT_CLASSES` of the old one."""

    changes: tuple[tuple[str, Value], ...]
    status: int = 0
    alike: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Do something that no verdict depends on: *text* says what (remember in a list, clamp the MSS …)."""

    text: str


@dataclass(frozen=True, slots=True)
class Log:
    """Write the packet to a log."""

    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class UnknownAction:
    """An action that is not modelled: any of *outcomes* may be what happens.

    `continue`: as if it were not there; `pass`: the packet passes, whatever the entries that follow would say (a
    rewrite may take it to another hook).
    """

    text: str
    key: str
    outcomes: frozenset[str] = frozenset({"allow", "block", "continue"})
    opaque: Opaque | None = mark()


Verdict = Allow | Block | Reject
Change = Set | Copy | Rewrite
Action = Verdict | Jump | Goto | Return | Change | Note | Log | UnknownAction

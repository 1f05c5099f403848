"""What is known where a rule is lowered: its table, its chain, the host, and what packets come to it."""

from __future__ import annotations

from policy._record import dataclass
from policy.diagnostic import Collector
from policy.host import Host
from policy.languages.nftables.state import ChainState, State, TableState


@dataclass(slots=True)
class Context:
    """Where a rule stands. *hooks* are those of the base chains that call its chain: `prerouting`, `input`, `forward` …

    *tracked*: connection tracking has seen the packets by then, at all, some or none of the hooks (True, None, False):
    a base chain with a priority of -200 or less comes before it (nf_conntrack, `NF_IP_PRI_CONNTRACK`).
    """

    state: State
    table: TableState
    chain: ChainState | None
    hooks: frozenset[str]
    tracked: bool | None
    host: Host
    mistakes: Collector
    types: frozenset[str] = frozenset()
    """The types of the base chains that call its chain: `filter`, `nat`, `route`."""
    network: str | None = None
    """The protocol that a rule of inet has asked for so far: `ip`, `ip6` or None."""

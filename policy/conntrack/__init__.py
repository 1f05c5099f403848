"""Connection tracking as Linux does it: the state of each packet of a sequence.

    tracker = Tracker()
    seen = tracker.see(Step(TCP, client, server, 40000, 22, SYN), at=0)
    tracker.confirm(seen, at=0)

Times are seconds. It knows packets and no rules; docs/conntrack.md says what is modelled.
"""

from policy.conntrack.entry import ASSURED, CONFIRMED, DST_NAT, EXPECTED, ORIGINAL, REPLY, SEEN_REPLY, SRC_NAT, Entry
from policy.conntrack.expect import Expectation
from policy.conntrack.first import first_state, possible, step_of
from policy.conntrack.helper import Hearing, hear
from policy.conntrack.settings import TIMEOUTS, Settings
from policy.conntrack.step import Chunk, Segment, Step
from policy.conntrack.tracker import Seen, Tracker
from policy.conntrack.tuples import GRE, Tuple, inverse, tuple_of

__all__ = [
    "ASSURED",
    "CONFIRMED",
    "DST_NAT",
    "EXPECTED",
    "GRE",
    "ORIGINAL",
    "REPLY",
    "SEEN_REPLY",
    "SRC_NAT",
    "TIMEOUTS",
    "Chunk",
    "Entry",
    "Expectation",
    "Hearing",
    "Seen",
    "Segment",
    "Settings",
    "Step",
    "Tracker",
    "Tuple",
    "first_state",
    "hear",
    "inverse",
    "possible",
    "step_of",
    "tuple_of",
]

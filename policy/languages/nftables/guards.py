"""Which packets statements are for: those of an IP version, those with a header of TCP."""

from __future__ import annotations

from policy.ir import Field
from policy.packet import FIELDS
from policy.packet.address import V4, V6

IPV4, IPV6 = Field("src", V4), Field("src", V6)
TCP_HEADER = Field("flags", FIELDS["flags"].domain)

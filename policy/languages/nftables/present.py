"""Which packets have what an expression reads: a rule that reads what is not there is passed over (nft: NFT_BREAK)."""

from __future__ import annotations

from policy.ir import Field
from policy.languages.nftables.matches import present
from policy.languages.nftables.selectors.payload import IPV4, IPV6
from policy.packet import FIELDS

TCP_HEADER = Field("flags", FIELDS["flags"].domain)

__all__ = ["IPV4", "IPV6", "TCP_HEADER", "present"]

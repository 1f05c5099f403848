"""Devices that a script of nftables names where it cannot be loaded without them: at ingress and egress, in flowtables.

Sources: the kernel's nf_tables_api.c (nft_chain_parse_netdev, nf_tables_parse_netdev_hooks: a device that is not there
is ENOENT); nft(8), CHAINS, FLOWTABLES; libnftables-json(5).
"""

from __future__ import annotations

import re

_NAME = r"""(?:"[^"\s/{},]{1,15}"|[\w.@-]{1,15})"""
_SAID = re.compile(rf"""\bdevices?\s*=?\s*(?:({_NAME})|\{{([^}}]*)\}})|"dev"\s*:\s*(?:("[^"]*")|\[([^\]]*)\])""")
_EACH = re.compile(_NAME)


def named_devices(text: str) -> tuple[str, ...]:
    """Return the names of the devices that chains and flowtables of a script, or of its JSON, stand at.

    >>> named_devices('flowtable f { hook ingress priority 0; devices = { eth0, "eth1" }; }')
    ('eth0', 'eth1')
    >>> named_devices('type filter hook ingress device "eth3" priority 0;')
    ('eth3',)
    >>> named_devices('{"flowtable": {"dev": ["eth0", "eth1"]}}, {"chain": {"dev": "eth2"}}')
    ('eth0', 'eth1', 'eth2')
    """
    said = ("".join(part or "" for part in each.groups()) for each in _SAID.finditer(text))
    return tuple(dict.fromkeys(name.strip('"') for words in said for name in _EACH.findall(words)))

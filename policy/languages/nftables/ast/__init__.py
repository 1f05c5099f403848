"""nftables as it is written: scripts of commands, chains of rules, statements, expressions.

One tree for both forms, the script (nft(8)) and the JSON of `nft -j` (libnftables-json(5)).
"""

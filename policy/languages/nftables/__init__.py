"""The front end for nftables: scripts for `nft -f`, and the JSON of `nft -j list ruleset`."""

"""Builds the tree of a statement while lark parses it: one method per rule of `grammar/nftables.lark`."""

"""Builds the tree of a script while lark parses it: one method per rule of `grammar/nftables.lark`."""

from __future__ import annotations

from policy.languages.nftables.reader.command import Head, Option, Reader

__all__ = ["Head", "Option", "Reader"]

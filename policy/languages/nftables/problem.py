"""A mistake in an expression, on its way to the place where it is noted."""

from __future__ import annotations

from policy.source import Span


class Bad(Exception):
    """An expression that nft refuses: its code, what is wrong, where, and what to do."""

    def __init__(self, code: str, message: str, span: Span, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.help = code, message, span, help

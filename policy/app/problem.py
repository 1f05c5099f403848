"""The one exception of the facade: what was asked for cannot be had, and why."""


class CannotAnswer(Exception):
    """There is no answer; `str()` says why, `.help` what to do."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help

"""Builds the tables of the grammars for the wheel (hatchling calls this): the first run need not."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACE = "policy/language/tables"


class TablesHook(BuildHookInterface):  # type: ignore[type-arg] # generic in hatchling's own configuration alone
    """Puts the tables beside the code that reads them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build them into a temporary folder; an editable installation has none (`make` puts them into the tree)."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from policy.language.grammar import install

        self.folder = Path(tempfile.mkdtemp())
        install(self.folder)
        for file in self.folder.iterdir():
            build_data["force_include"][str(file)] = f"{PLACE}/{file.name}"

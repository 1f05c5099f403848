"""The JSON Schema of a configuration, for editors, and what each key is for: from the classes that are its keys."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from typing import Any

from policy.app.config.keys import whole_table
from policy.app.config.kinds import Key


def schema() -> dict[str, Any]:
    """Return the schema (draft 7) of `fwpolicy.toml`, and of `[tool.fwpolicy]`."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "fwpolicy",
        "description": "The configuration of fwpolicy: fwpolicy.toml, or the table [tool.fwpolicy] in pyproject.toml.",
        **whole_table().schema(described),
    }


def described(key: Key) -> str:
    """Return what a key is for: the docstring of the field, in Markdown."""
    return _docstrings(key.owner)[key.attribute]


@cache
def _docstrings(owner: type) -> dict[str, str]:
    """Return the docstrings of the fields of a class: texts alone on the line below them, which Python forgets."""
    (tree,) = ast.parse(inspect.getsource(owner)).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for line, below in zip(tree.body, tree.body[1:], strict=False):
        match line, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found

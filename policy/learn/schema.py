"""The JSON Schema of a lesson, for editors: from the classes that are its keys."""

from __future__ import annotations

from typing import Any

from policy.app.config.schema import described
from policy.learn.keys import lesson_table


def lesson_schema() -> dict[str, Any]:
    """Return the schema (draft 7) of `lesson.yaml`."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "fwpolicy lesson",
        "description": "A lesson: its questions with their proofs, and its exercise. lesson.yaml.",
        **lesson_table().schema(described),
    }

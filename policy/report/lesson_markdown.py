"""The keys of a lesson as tables in Markdown, for docs/lessons.md."""

from __future__ import annotations

from policy.app.scenario.keys import keys_of
from policy.learn import keys
from policy.report.keys_markdown import keys_table

_PARTS = (
    ("The file", keys.LessonKeys),
    ("A question", keys.QuestionKeys),
    ("`exercise`", keys.ExerciseKeys),
    ("A promise", keys.PromiseKeys),
    ("A promise about connections", keys.ConnectionKeys),
)


def lesson_markdown() -> str:
    """Return a table of the keys for each place where they may stand."""
    return "\n\n".join(f"### {title}\n\n{keys_table(keys_of(owner))}" for title, owner in _PARTS)

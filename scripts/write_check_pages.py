"""Write what is made from the code; `--check` only says whether it is fresh.

That is: the pages of the checks, docs/checks/; the JSON Schemas of a configuration, of a scenario and of a lesson; the
tables of docs/configuration.md, docs/scenarios.md and docs/lessons.md.
"""

import json
import sys
from pathlib import Path

from policy.app.config.schema import schema
from policy.app.pages import pages
from policy.app.scenario.schema import scenario_schema
from policy.learn.schema import lesson_schema
from policy.report.configuration_markdown import keys_markdown
from policy.report.lesson_markdown import lesson_markdown
from policy.report.page_markdown import index_markdown, page_markdown
from policy.report.scenario_markdown import scenario_markdown

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "checks"
SCHEMA = ROOT / "schemas" / "fwpolicy.schema.json"
SCENARIO_SCHEMA = ROOT / "schemas" / "scenario.schema.json"
LESSON_SCHEMA = ROOT / "schemas" / "lesson.schema.json"
CONFIGURATION = ROOT / "docs" / "configuration.md"
SCENARIOS = ROOT / "docs" / "scenarios.md"
LESSONS = ROOT / "docs" / "lessons.md"
MARKS = ("<!-- keys: written by scripts/write_check_pages.py -->\n\n", "\n\n<!-- end of keys -->")


def written() -> dict[Path, str]:
    """Return what the files have to hold."""
    texts = {FOLDER / f"{page.code}.md": page_markdown(page) for page in pages() if page.bad}
    return {
        **texts,
        FOLDER / "index.md": index_markdown(pages()),
        SCHEMA: json.dumps(schema(), indent=2) + "\n",
        SCENARIO_SCHEMA: json.dumps(scenario_schema(), indent=2) + "\n",
        LESSON_SCHEMA: json.dumps(lesson_schema(), indent=2) + "\n",
        CONFIGURATION: _with_keys(CONFIGURATION, keys_markdown()),
        SCENARIOS: _with_keys(SCENARIOS, scenario_markdown()),
        LESSONS: _with_keys(LESSONS, lesson_markdown()),
    }


def _with_keys(path: Path, keys: str) -> str:
    """Return a page with these tables of keys."""
    before, _, rest = path.read_text(encoding="utf-8").partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}{keys}{MARKS[1]}{after}"


def stale() -> list[Path]:
    """Return the files that are missing, not as they should be, or too many."""
    texts = written()
    there = {*FOLDER.glob("*"), *(path for path in texts if path.exists())}
    changed = {path for path, text in texts.items() if path not in there or path.read_text(encoding="utf-8") != text}
    return sorted(changed | (there - texts.keys()))


def main() -> int:
    """Write what is not fresh; with `--check` only name it, and return 1 if there is any."""
    texts, found = written(), stale()
    check = sys.argv[1:] == ["--check"]
    for path in found:
        done = "not fresh" if check else "wrote" if path in texts else "removed"
        print(f"{done}: {path.relative_to(ROOT)}")
        if check:
            continue
        path.parent.mkdir(exist_ok=True)
        if path in texts:
            path.write_text(texts[path], encoding="utf-8")
        else:
            path.unlink()
    return int(check and bool(found))


if __name__ == "__main__":
    sys.exit(main())

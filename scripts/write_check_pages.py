"""Write the pages of the checks, docs/checks/, from the checks; `--check` only says whether they are fresh."""

import sys
from pathlib import Path

from policy.app.pages import pages
from policy.report.page_markdown import index_markdown, page_markdown

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "checks"


def written() -> dict[Path, str]:
    """Return what the folder has to hold."""
    texts = {FOLDER / f"{page.code}.md": page_markdown(page) for page in pages() if page.bad}
    return {**texts, FOLDER / "index.md": index_markdown(pages())}


def stale() -> list[Path]:
    """Return the files that are missing, not as they should be, or too many."""
    texts = written()
    there = set(FOLDER.glob("*")) if FOLDER.is_dir() else set()
    changed = {path for path, text in texts.items() if path not in there or path.read_text(encoding="utf-8") != text}
    return sorted(changed | (there - texts.keys()))


def main() -> int:
    """Write what is not fresh; with `--check` only name it, and return 1 if there is any."""
    texts, found = written(), stale()
    check = sys.argv[1:] == ["--check"]
    for path in found:
        done = "not fresh" if check else "wrote" if path in texts else "removed"
        print(f"{done}: docs/checks/{path.name}")
        if check:
            continue
        FOLDER.mkdir(exist_ok=True)
        if path in texts:
            path.write_text(texts[path], encoding="utf-8")
        else:
            path.unlink()
    return int(check and bool(found))


if __name__ == "__main__":
    sys.exit(main())

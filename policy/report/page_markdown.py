"""The page of a check, and the list of all, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from policy.app.pages import Page
from policy.check import Settings
from policy.report.settings_toml import settings_toml

INDEX = """\
# Checks

What `fwpolicy lint` looks for. `fwpolicy explain CODE` shows a page in the terminal.
"""

_OFF = """\
## Off by default

A finding is worth reading, or the linter is switched off. These find what is often meant; `--select` asks for them.
"""

_MISTAKES = """\
## Mistakes

They make a file unreadable. Every command reports them, and nothing silences them.
"""


def page_markdown(page: Page) -> str:
    """Return a page."""
    blocks = [
        f"# {page.code}: {page.name}",
        f"*{_standing(page)}*",
        page.text,
        *_given(page.settings),
        *_examples(page),
    ]
    if page.bad and not page.mistake:
        blocks += ["## To silence it", _silence(page.code)]
    return "\n\n".join(blocks) + "\n"


def index_markdown(pages: Iterable[Page]) -> str:
    """Return the list of all pages."""
    pages = list(pages)
    checks = [page for page in pages if page.bad]
    mistakes = [page for page in pages if not page.bad]
    rows = [f"| [{p.code}]({p.code}.md) | {p.name} | {p.severity} | {_on(p)} | {_cell(p.summary)} |" for p in checks]
    lines = [
        INDEX,
        "| code | name | severity | default | what is found |",
        "|---|---|---|---|---|",
        *rows,
        "",
        _OFF,
        "| code | name | why it is off |",
        "|---|---|---|",
        *(f"| {page.code} | {page.name} | {_cell(page.off)} |" for page in checks if page.off),
        "",
        _MISTAKES,
    ]
    lines += ["| code | name | what is wrong |", "|---|---|---|"]
    lines += [f"| {page.code} | {page.name} | {_cell(page.text)} |" for page in mistakes]
    return "\n".join(lines) + "\n"


def _on(page: Page) -> str:
    return "mistake" if page.mistake else "on" if page.enabled else "off"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _standing(page: Page) -> str:
    if page.mistake:
        return "A mistake, which makes a file unreadable: every command reports it, and nothing silences it."
    if page.off:
        return f"Severity {page.severity}, off unless it is asked for (`--select {page.code}`): {page.off}"
    return f"Severity {page.severity}, on by default."


def _given(settings: Settings) -> Iterator[str]:
    """Yield what the examples were linted with."""
    configuration = settings_toml(settings)
    day = f" on {settings.today}" if settings.today else ""
    if configuration or day:
        said = " with this `fwpolicy.toml`:" if configuration else "."
        yield f"The examples were linted{day}{said}"
    if configuration:
        yield f"```toml\n{configuration}\n```"


def _examples(page: Page) -> Iterator[str]:
    for title, examples in (("Bad", page.bad), ("Good", page.good)):
        if examples:
            yield f"## {title}"
            yield from (f"```\n{example}\n```" for example in examples)
        if examples is page.bad and examples:
            yield f"`← {page.code}` stands where something is found."


def _silence(code: str) -> str:
    return (
        f"A comment `# fwpolicy: ignore {code}: REASON` silences it for the rule, definition or policy in its line\n"
        "or, alone in a line, in the one below; at a policy, for all rules in it. With `ignore-file` it does so\n"
        f'for the whole file. An iptables rule may carry it: `--comment "fwpolicy: ignore {code}: REASON"`.\n'
        f"`--ignore {code}` leaves the check out of a run."
    )

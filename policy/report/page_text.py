"""The page of a check for the terminal."""

from __future__ import annotations

from policy.app.pages import Page
from policy.report.drawn import drawn
from policy.report.page_markdown import page_markdown
from policy.report.style import PLAIN, Style

WIDEST = 100


def page_text(page: Page, style: Style = PLAIN, width: int = WIDEST) -> str:
    """Return a page: with colours as it is meant, without them as Markdown."""
    markdown = page_markdown(page).rstrip("\n")
    if not style.color:
        return markdown
    from rich.markdown import Markdown

    return drawn(Markdown(markdown, code_theme="ansi_dark"), style, min(width, WIDEST))

"""What there is to say about a code, as JSON."""

from __future__ import annotations

from typing import Any

from policy.app.pages import Page
from policy.report.diagnostics_json import VERSION
from policy.report.settings_toml import settings_toml


def page_json(page: Page) -> dict[str, Any]:
    """Return the fields of a page."""
    return {
        "version": VERSION,
        "code": page.code,
        "name": page.name,
        "severity": str(page.severity),
        "mistake": page.mistake,
        "enabled": page.enabled,
        "summary": page.summary,
        "text": page.text,
        "bad": list(page.bad),
        "good": list(page.good),
        "configuration": settings_toml(page.settings) or None,
        "today": page.settings.today and page.settings.today.isoformat(),
    }

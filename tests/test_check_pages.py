"""The pages of the checks in docs/checks are what the checks say, and `explain` shows them."""

from __future__ import annotations

import pytest

from policy.app.pages import pages
from policy.checks import checks
from policy.diagnostic import CODES
from scripts.write_check_pages import FOLDER, stale
from tests.command import ROOT, run


def test_the_pages_are_fresh() -> None:
    assert not stale(), "`python scripts/write_check_pages.py` writes them anew"


def test_every_check_has_a_page() -> None:
    there = {path.stem for path in FOLDER.glob("FW*.md")}
    assert there == {check.code for check in checks()}


def test_sarif_has_every_check() -> None:
    log = run("lint", "-", "--select", "FW", "--format", "sarif", stdin=b"policy p {\n}\n").json()
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [check.code for check in checks()]
    assert {rule["id"] for rule in rules if rule["defaultConfiguration"]["enabled"]} == {
        check.code for check in checks() if check.enabled
    }


def test_every_code_is_explained() -> None:
    assert {page.code for page in pages()} == {check.code for check in checks()} | CODES.keys()


def test_a_mistake_that_is_a_check_has_its_name() -> None:
    names = {check.code: check.name for check in checks()}
    for code, name in CODES.items():
        assert names.get(code, name) == name


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.code)
def test_explain(page: object) -> None:
    code, name = page.code, page.name  # type: ignore[attr-defined] # parametrize gives objects
    by_code, by_name, lower = run("explain", code), run("explain", name), run("explain", code.lower())
    assert by_code == by_name == lower
    assert (by_code.status, by_code.err) == (0, "")
    assert by_code.out.startswith(f"# {code}: {name}\n")
    file = ROOT / "docs" / "checks" / f"{code}.md"
    if file.exists():
        assert by_code.out == file.read_text(encoding="utf-8")
    found = run("explain", code, "--format", "json").json()
    assert (found["code"], found["name"]) == (code, name)
    assert "###" not in "".join(found["bad"])


def test_on_a_terminal_a_page_is_laid_out() -> None:
    done = run("explain", "jump-cycle", "--color", "always")
    assert "\x1b[" in done.out
    assert "## Bad" not in done.out


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("jmp-cycle", "did you mean `jump-cycle`?"),
        ("FW1166", "did you mean `FW116`?"),
        ("FW1", "there is no check `FW1`"),
        ("x" * 9, "docs/checks lists them all"),
    ],
)
def test_what_is_no_code_is_refused(word: str, said: str) -> None:
    done = run("explain", word)
    assert (done.status, done.out) == (2, "")
    assert said in done.err

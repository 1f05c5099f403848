"""The baseline: what is known stays hidden wherever it moves, and what is new is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.app.baseline import NAME, Baseline, Known, parsed, read, write
from policy.app.checking import Checking, checked
from policy.app.linted import Linted
from policy.app.load import facts, load
from policy.checks import checks
from policy.cli.reports import REPORTS
from policy.diagnostic import Diagnostic, Mistakes
from policy.source import Source
from tests.command import Done, run

FIRST = "    allow tcp/22 from 10.0.0.0/8\n"
TWICE = "policy p {\n    default block\n" + FIRST * 2 + "}\n"
FW108 = {"file": "x.fw", "code": "FW108", "statement": "allow tcp/22 from 10.0.0.0/8"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.fw").write_text(TWICE)
    return tmp_path


def lint(*arguments: str) -> Done:
    return run("lint", "--select", "FW108,FW111,FW115,FW812", *arguments)


def entries(path: Path) -> list[dict[str, object]]:
    found = json.loads(path.read_text())
    assert found["version"] == 1
    return list(found["findings"])


def test_what_is_known_is_not_told_and_does_not_fail(folder: Path) -> None:
    assert lint("x.fw").status == 1
    done = lint("x.fw", "--write-baseline")
    assert (done.status, done.err) == (0, "")
    assert done.out == "no new findings in 1 file; 1 finding hidden by .fwpolicy-baseline.json\n"
    assert entries(folder / NAME) == [FW108]
    for kind in REPORTS:
        done = lint("x.fw", "--baseline", NAME, "--format", kind)
        assert done.status == 0
        assert "says the same as" not in done.out
    assert lint("x.fw", "--baseline", NAME, "--format", "json").json()["findings"] == []


def test_a_second_equal_statement_is_new(folder: Path) -> None:
    lint("x.fw", "--write-baseline", "--baseline", "known.json")
    (folder / "x.fw").write_text(TWICE.replace(FIRST, FIRST * 2, 1))
    done = lint("x.fw", "--baseline", "known.json", "--format", "json")
    assert done.status == 1
    assert [each["line"] for each in done.json()["findings"]] == [5]
    lint("x.fw", "--write-baseline", "--baseline", "known.json")
    assert entries(folder / "known.json") == [{**FW108, "count": 2}]


def test_what_is_gone_is_said_and_forgotten(folder: Path) -> None:
    lint("x.fw", "--write-baseline")
    (folder / "x.fw").write_text(TWICE.replace(FIRST, "", 1))
    done = lint("x.fw", "--baseline", NAME)
    assert done.out == "all clear: no findings in 1 file; 1 finding of .fwpolicy-baseline.json gone: write it anew\n"
    lint("x.fw", "--write-baseline")
    assert entries(folder / NAME) == []
    assert lint("x.fw", "--baseline", NAME).status == 0


def test_what_was_not_looked_for_is_not_gone(folder: Path) -> None:
    (folder / "y.fw").write_text(TWICE)
    (folder / "z.fw").write_text(TWICE)
    lint(".", "--write-baseline")
    (folder / "z.fw").unlink()
    before = [{**FW108, "file": f"{name}.fw"} for name in "xyz"]
    assert entries(folder / NAME) == before
    assert lint("x.fw", "--baseline", NAME).out.endswith("1 finding of .fwpolicy-baseline.json gone: write it anew\n")
    (folder / "x.fw").write_text("policy p {\n    allow tcp/70000\n}\n")
    done = lint("x.fw", "y.fw", "--ignore", "FW108", "--write-baseline")
    assert done.status == 2
    assert entries(folder / NAME) == before[:2]


def test_paths_are_told_from_the_folder_of_the_baseline(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "y.fw").write_text(TWICE)
    lint(".", "--write-baseline", "--baseline", "a/b/known.json")
    assert [each["file"] for each in entries(folder / "a" / "b" / "known.json")] == ["../../x.fw", "../y.fw"]
    monkeypatch.chdir(folder / "a")
    assert lint("..", "--baseline", "b/known.json").status == 0
    assert lint(str(folder), "--baseline", str(folder / "a" / "b" / "known.json")).status == 0


def test_the_configuration_may_name_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a").mkdir()
    (folder / "fwpolicy.toml").write_text('baseline = "a/known.json"\n')
    done = lint("x.fw")
    assert done.status == 2
    assert "no such file" in done.err
    lint("x.fw", "--write-baseline")
    assert [each["file"] for each in entries(folder / "a" / "known.json")] == ["../x.fw"]
    monkeypatch.chdir(folder / "a")
    assert lint("../x.fw").status == 0
    done = lint("../x.fw", "--baseline", "other.json", "--write-baseline")
    assert sorted(path.name for path in Path().iterdir()) == ["known.json", "other.json"]


def test_fixes_and_the_baseline(folder: Path) -> None:
    assert lint("x.fw", "--diff", "--write-baseline").status == 2
    assert lint("x.fw", "--fix", "--write-baseline").status == 0
    assert entries(folder / NAME) == []
    (folder / "x.fw").write_text(TWICE)
    lint("x.fw", "--write-baseline")
    assert lint("x.fw", "--fix", "--baseline", NAME).status == 0


def test_what_comments_silence_is_not_in_it(folder: Path) -> None:
    (folder / "x.fw").write_text(TWICE[:-3] + " # fwpolicy: ignore FW108: x\n}\n")
    lint("x.fw", "--write-baseline")
    assert entries(folder / NAME) == []


def test_in_iptables_counters_do_not_count(folder: Path) -> None:
    text = (
        "*filter\n:INPUT DROP [{0}:1]\n:web - [{0}:2]\n"
        "[{0}:3] -A INPUT -j DROP\n[{0}:4] -A INPUT -j DROP\n[{0}:5] -A web -j DROP\nCOMMIT\n"
    )
    (folder / "x.save").write_text(text.format(1))
    lint("x.save", "--write-baseline")
    assert [each["code"] for each in entries(folder / NAME)] == ["FW111", "FW115"]
    (folder / "x.save").write_text(text.format(2))
    assert "2 findings hidden" in lint("x.save", "--baseline", NAME).out


def test_the_file_is_the_same_every_time(folder: Path) -> None:
    (folder / "y.fw").write_text(TWICE.replace("/8", '/8 note "ü"'))
    lint(".", "--write-baseline")
    first = (folder / NAME).read_bytes()
    lint("y.fw", "x.fw", "--write-baseline")
    assert (folder / NAME).read_bytes() == first
    assert first.decode("ascii").count("\n") == 7


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", "1:1", "no JSON: expecting value"),
        ('{"version": 1,\n"findings": [}', "2:14", "no JSON"),
        ("[" * 100_000, "1:1", "no JSON that could be read"),
        ("1" * 5000, "1:1", "no JSON that could be read"),
        ("[]", "1:1", "a baseline has `version` and `findings`"),
        ('{"version": 1, "findings": [], "more": 1}', "1:1", "and nothing else"),
        ('{\n "version": 2, "findings": []}', "2:2", "version 1 is wanted"),
        ('{"version": 1,\n "findings": {}}', "2:2", "`findings` is a list"),
        ('{"version": 1, "findings": [\n 7]}', "2:2", "a finding here has"),
        ('{"version": 1, "findings": [\n %s,\n %s]}', "3:2", "a finding here has"),
        ('{"version": 1, "\\u0066indings": [7]}', "1:1", "a finding here has"),
    ],
)
def test_a_broken_baseline_is_an_error_with_its_place(folder: Path, text: str, place: str, said: str) -> None:
    entry = json.dumps({**FW108, "statement": "], {"})
    if "%" in text:
        text %= (entry, entry.replace("}", ', "count": 0}'))
    (folder / NAME).write_text(text)
    for more in ((), ("--write-baseline",)):
        done = lint("x.fw", "--baseline", NAME, *more)
        assert (done.status, done.out) == (2, "")
        assert done.err.startswith(f"{NAME}:{place}: error[FW001]: ")
        assert said in done.err
    assert (folder / NAME).read_text() == text


def test_a_baseline_that_is_not_there_or_cannot_be_written(folder: Path) -> None:
    done = lint("x.fw", "--baseline", "none.json")
    assert done.status == 2
    assert "no such file" in done.err
    done = lint("x.fw", "--baseline", "none/none.json", "--write-baseline")
    assert done.status == 2
    assert "cannot write `none/none.json`" in done.err
    assert sorted(path.name for path in folder.iterdir()) == ["x.fw"]


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    baseline = Baseline(str(tmp_path / "b.json"))
    baseline.counts.update({Known("caf\udce9.fw", "FW101", 'a "b" \\ ü'): 3, Known("b", "FW102", ""): 1})
    write(baseline)
    assert read(baseline.path).counts == baseline.counts


RULES = (
    "allow tcp/22",
    "allow tcp/22 from 10.0.0.0/8",
    "block tcp",
    "allow tcp/{22,\n        22}",
    "block any",
    "allow udp/53",
)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["", "# x", "   ", "\t# from 10.0.0.0/8"]), st.booleans()), min_size=6, max_size=6
)
CHECKS = tuple(check for check in checks() if check.code in ("FW101", "FW102", "FW108", "FW111", "FW112"))


def found(body: str, header: str = "") -> list[Diagnostic]:
    rules = load(Source("x.fw", f"{header}policy p {{\n    default block\n{body}}}\n"))
    return checked(Checking(rules.sources[0], facts(rules)), CHECKS).findings


def new(known: list[Diagnostic], now: list[Diagnostic]) -> list[Diagnostic]:
    baseline = Baseline("b.json")
    baseline.renew(Linted(CHECKS, known))
    linted = Linted(CHECKS, list(now))
    baseline.hide(linted)
    assert len(linted.known) + len(linted.findings) == len(now)
    return linted.findings


@settings(max_examples=25)
@given(st.lists(st.sampled_from(RULES), min_size=1, max_size=6), CHANGES, CHANGES)
def test_what_does_not_change_a_statement_makes_no_finding_new(
    rules: list[str], above: list[tuple[str, bool]], spaces: list[tuple[str, bool]]
) -> None:
    """Comments, blank lines and blanks come and go, other policies before it: the same is found, and nothing is new."""
    before = found("".join(f"    {rule}\n" for rule in rules))
    lines = [
        ("\n" if blank else "") + f"{comment}\n" + "  " * (1 + wide) + rule.replace(" ", "   " if wide else " ")
        for rule, (comment, blank), (_, wide) in zip(rules, above, spaces, strict=False)
    ]
    after = found("".join(f"{line}\n" for line in lines), "# a file\n\nnetwork unrelated = 192.0.2.1\n")
    assert len(before) == len(after)
    assert not new(before, after)
    assert not new(after, before)


@settings(max_examples=12)
@given(st.permutations(RULES * 2), st.permutations(RULES * 2))
def test_of_rules_that_move_only_those_are_new_of_which_something_else_is_found(one: list[str], two: list[str]) -> None:
    """What is new after moving is a check that did not find that statement before, or not as often."""
    before, after = (found("".join(f"    {rule}\n" for rule in rules)) for rules in (one, two))

    def kinds(findings: list[Diagnostic]) -> list[tuple[str, str]]:
        return sorted((each.code, " ".join((each.statement or "").split())) for each in findings)

    left = kinds(before)
    for kind in kinds(after):
        if kind in left:
            left.remove(kind)
    assert len(new(before, after)) == len(after) - (len(before) - len(left))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["x", "FW108", "findings", "[", '"']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(FW108)), inner, max_size=4),
)


@given(st.dictionaries(st.sampled_from(["version", "findings", "more"]), JSON, max_size=3).map(json.dumps) | st.text())
def test_any_text_is_a_baseline_or_a_mistake_in_it(text: str) -> None:
    try:
        parsed(Source("b.json", text))
    except Mistakes as mistakes:
        (wrong,) = mistakes.diagnostics
        assert 0 <= wrong.span.start <= wrong.span.end <= len(text)

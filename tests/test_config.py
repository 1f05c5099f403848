"""What a configuration says: where it is found, what it changes, who wins, and what is said of what is wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import jsonschema  # type: ignore[import-untyped]
import pytest

from policy.app.config.keys import Checking, Files, Reading, Running, keys_of, whole_table
from policy.app.config.schema import described
from policy.check import Settings, Zone
from tests.command import ROOT, run

DEAD = "policy p {\n    default block\n    allow tcp/443\n    block tcp/443 from 10.0.0.1\n}\n"
"""Has FW101, which is an error."""

EXCEPTION = "policy p {\n    default block\n    block tcp/443 from 10.0.0.1\n    allow tcp/443\n}\n"
"""Has FW105, which is advice, and off."""

SCHEMA = json.loads((ROOT / "schemas" / "fwpolicy.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
EXAMPLES = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files to lint, in which the command is called."""
    for name, text in {"x.fw": DEAD, "lab/y.fw": DEAD, "lab/deep/z.fw": EXCEPTION}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*arguments: str) -> list[str]:
    """Lint, and return the findings of which these tests speak as `FILE CODE SEVERITY`."""
    done = run("lint", *arguments, "--format", "json")
    assert done.status < 2, done.out
    findings = [each for each in done.json()["findings"] if each["code"] in ("FW101", "FW105", "FW106")]
    return [f"{each['file']} {each['code']} {each['severity']}" for each in findings]


def says(text: str, name: str = "fwpolicy.toml") -> None:
    Path(name).write_text(text, encoding="utf-8")


BOTH = ["lab/y.fw FW101 error", "x.fw FW101 error"]


def test_without_a_configuration_nothing_changes() -> None:
    assert found(".") == BOTH


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", BOTH),
        ('select = ["FW105"]', ["lab/deep/z.fw FW105 info"]),
        ('select = ["default", "generalisation"]', ["lab/deep/z.fw FW105 info", *BOTH]),
        ('ignore = ["fw1"]', []),
        ('severity = { FW10 = "error", shadowed-conflict = "info" }', ["lab/y.fw FW101 info", "x.fw FW101 info"]),
        ('[severity]\nFW101 = "warning"\nFW1 = "info"', ["lab/y.fw FW101 warning", "x.fw FW101 warning"]),
        ('exclude = ["lab/"]', BOTH[1:]),
        ('exclude = ["*.fw", "!/x.fw"]', BOTH[1:]),
        ('exclude = ["*"]', []),
        ('[[per-file]]\nfiles = ["lab/"]\nignore = ["FW101"]', BOTH[1:]),
        ('[[per-file]]\nfiles = ["*.save"]\nignore = ["FW101"]', BOTH),
        ('[[per-file]]\nfiles = ["deep/"]\nselect = ["FW105"]', ["lab/deep/z.fw FW105 info", *BOTH]),
        ('ignore = ["FW101"]\n[[per-file]]\nfiles = ["deep/"]\nselect = ["FW1"]\nignore = ["FW106"]\n', None),
        (
            """
            [severity]
            FW101 = "warning"
            [[per-file]]
            files = ["y.fw"]
            severity.FW101 = "info"
            [[per-file]]
            files = ["lab/"]
            severity.FW102 = "info"
            """,
            ["lab/y.fw FW101 info", "x.fw FW101 warning"],
        ),
        (
            """
            [[per-file]]
            files = ["y.fw"]
            select = ["FW109"]
            [[per-file]]
            files = ["lab/*.fw"]
            select = ["FW101"]
            """,
            BOTH,
        ),
    ],
)
def test_what_is_said_holds(text: str, expected: list[str] | None) -> None:
    says(text)
    seen = found(".")
    if expected is None:
        assert "lab/deep/z.fw FW105 info" in seen
        assert not any("FW101" in each or "FW106" in each for each in seen)
    else:
        assert seen == expected


def test_a_file_that_is_named_is_not_excluded() -> None:
    says('exclude = ["*"]')
    assert found("x.fw", "lab") == BOTH[1:]


def test_what_makes_it_fail() -> None:
    says('fail-on = "never"')
    assert run("lint", ".").status == 0
    assert run("lint", ".", "--fail-on", "error").status == 1


def test_options_win() -> None:
    says(
        'select = ["FW109"]\nignore = ["FW105"]\n[[per-file]]\nfiles = ["lab/"]\nselect = ["FW110"]\nignore = ["FW1"]\n'
    )
    assert found(".") == []
    assert found(".", "--select", "FW101,FW105") == ["lab/deep/z.fw FW105 info", *BOTH]
    says('select = ["FW101", "FW105"]')
    assert found(".", "--ignore", "FW101") == ["lab/deep/z.fw FW105 info"]
    assert found(".", "--no-config") == BOTH


def test_the_nearest_one_holds(folder: Path) -> None:
    says('ignore = ["FW101"]')
    says('[tool.other]\nx = 1\n[tool.black]\nname = "fwpolicy"\n', "lab/pyproject.toml")
    assert found("lab/y.fw") == []
    says("[tool.fwpolicy]\n", "lab/pyproject.toml")
    assert found("lab/y.fw") == BOTH[:1]
    assert found("lab", "x.fw") == BOTH
    assert found("x.fw", "lab") == []
    says('[tool.fwpolicy]\nselect = "no list"\n', "lab/pyproject.toml")
    says("", "lab/fwpolicy.toml")
    assert found(str(folder / "lab")) == [f"{folder}/lab/y.fw FW101 error"]


def test_a_link_to_a_configuration_is_one_where_it_is(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    says('exclude = ["/lab/"]', "elsewhere/ours.toml")
    (folder / "fwpolicy.toml").symlink_to("elsewhere/ours.toml")
    assert found(".") == BOTH[1:]


def test_a_pyproject_of_another_is_not_read() -> None:
    says("this is = no TOML", "pyproject.toml")
    assert found("x.fw") == BOTH[1:]


def test_one_can_be_named() -> None:
    says('ignore = ["FW101"]', "lab/strange.toml")
    says('[tool.fwpolicy]\nignore = ["FW101"]\n[[tool.fwpolicy.per-file]]\nfiles = ["y.fw"]\n', "lab/pyproject.toml")
    assert found("x.fw", "--config", "lab/strange.toml") == []
    assert found("x.fw", "--config", "lab/pyproject.toml") == []
    says("[tool]\nfwpolicy = 3", "lab/pyproject.toml")
    assert "must be a table, not a whole number" in run("lint", "x.fw", "--config", "lab/pyproject.toml").err
    says("[tool.black]", "lab/pyproject.toml")
    for name, said in (("lab/pyproject.toml", "has no table `[tool.fwpolicy]`"), ("none.toml", "no such file")):
        done = run("lint", "x.fw", "--config", name)
        assert (done.status, done.out) == (2, "")
        assert said in done.err
    assert "not both" in run("lint", "x.fw", "--config", "a", "--no-config").err


def test_paths_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is nothing to lint" in run("lint").err
    says('paths = ["lab"]')
    assert found() == BOTH[:1]
    assert found("x.fw") == BOTH[1:]
    monkeypatch.chdir("lab/deep")
    assert found() == ["../y.fw FW101 error"]


def test_standard_input_has_no_entries() -> None:
    says('[[per-file]]\nfiles = ["*"]\nignore = ["FW101"]\n')
    assert run("lint", "-", stdin=DEAD.encode()).status == 1


def test_an_included_file_is_checked_as_the_other_and_told_as_itself() -> None:
    Path("a.fw").write_text('include "b.fw"\npolicy p {\n    default block\n    call q any\n}\n', encoding="utf-8")
    Path("b.fw").write_text(DEAD.replace("policy p", "policy q"), encoding="utf-8")
    assert found("a.fw", "b.fw") == ["b.fw FW101 error"]
    says('[[per-file]]\nfiles = ["a.fw"]\nseverity.FW101 = "info"\n')
    assert found("a.fw", "b.fw") == ["b.fw FW101 error"]
    says('[[per-file]]\nfiles = ["b.fw"]\nseverity.FW101 = "info"\n')
    assert found("a.fw", "b.fw") == ["b.fw FW101 info"]
    says('[[per-file]]\nfiles = ["b.fw"]\nignore = ["FW101"]\n')
    assert found("a.fw", "b.fw") == []


def test_zones_and_thresholds_come_to_the_checks() -> None:
    Path("z.fw").write_text("policy p at input {\n    default block\n    allow tcp/22 in lan0\n}\n", encoding="utf-8")

    def codes() -> set[str]:
        done = run("lint", "z.fw", "--format", "json", "--select", "FW205,FW706")
        return {each["code"] for each in done.json()["findings"]}

    for interface, expected in (("lan0", {"FW205"}), ("lan+", {"FW205"}), ("wan0", set())):
        says(f'[zones.outside]\ninterfaces = ["{interface}"]\nuntrusted = true\n')
        assert codes() == expected
    says('[names]\npolicy = "p[0-9]"\n[zones.outside]\ninterfaces = ["wan0"]\nuntrusted = true\n')
    assert codes() == {"FW706"}
    says('[names]\npolicy = "p[0-9]"\n[[per-file]]\nfiles = ["z.fw"]\n[per-file.names]\npolicy = "p"\n')
    assert "FW706" not in codes()


def test_the_date_is_said_or_that_of_the_clock() -> None:
    Path("e.fw").write_text("policy p {\n    allow tcp/443 until 2030-06-30\n}\n", encoding="utf-8")

    def codes(*options: str) -> list[str]:
        done = run("lint", "e.fw", "--select", "FW803,FW804", "--format", "json", *options)
        return [each["code"] for each in done.json()["findings"]]

    assert codes("--today", "2030-05-01") == []
    assert codes("--today", "2030-06-15") == ["FW804"]
    assert codes("--today", "2030-07-01") == ["FW803"]
    says("expiry-days = 100")
    assert codes("--today", "2030-05-01") == ["FW804"]
    with patch("policy.cli.wishes.datetime") as clock:
        clock.now.return_value = datetime(2030, 7, 2, tzinfo=UTC)
        assert codes() == ["FW803"]
    assert "2030-13-01" in run("lint", "e.fw", "--today", "2030-13-01").err


RULES = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"


def test_ask_and_show_read_as_lint_does() -> None:
    Path("r.save").write_text(RULES, encoding="utf-8")
    question = ("ask", "r.save", "tcp/22 from 10.0.0.9 to 10.0.0.1")

    def hooks(*options: str) -> list[str]:
        return [hook["hook"] for hook in run(*question, *options, "--format", "json").json()["hooks"]]

    assert hooks() == ["input", "forward"]
    says('local = ["10.0.0.1"]\nselect = ["no check"]\nnonsense = 1\n')
    assert hooks() == ["input"]
    assert hooks("--local", "10.0.0.9", "--packet") != ["input"]
    assert hooks("--no-config") == ["input", "forward"]
    says('[[per-file]]\nfiles = ["*.save"]\nlocal = ["10.0.0.1"]\nignore = 3\n')
    assert hooks() == ["input"]
    says('[[per-file]]\nfiles = ["*.save"]\nlanguage = "native"\n')
    assert (run(*question).status, run("show", "r.save").status) == (2, 2)
    assert run("show", "r.save", "--language", "iptables").status == 0
    says('language = "natve"')
    assert "did you mean `native`?" in run(*question).err


WRONG: dict[str, str] = {
    "fail_on = 'error'": "1:1 there is no key `fail_on` here (did you mean `fail-on`?)",
    "a-b = 1": "1:1 there is no key `a-b` here (there are ",
    "fail-on = 'eror'": "1:11 `fail-on` must be `never`, `error`, `warning` or `info`, not `eror` (did you mean",
    "fail-on = 3": "1:11 `fail-on` must be `never`, `error`, `warning` or `info`, not a whole number",
    "select = ['FW1', 'FW1000']": "1:18 there is no check `FW1000` (did you mean `FW",
    "select = ['FW001']": "1:11 `FW001` is no check: FW001 (syntax) is a mistake that makes a file",
    "select = 'FW1'": '1:10 `select` must be a list, `[…]`, not a text (write `select = ["FW1"]`)',
    "ignore = [1.5]": "1:11 each item of `ignore` must be a text, not a number with a fraction",
    "language = 'iptable'": "1:12 `language` must be `nftables`, `native`, `ip6tables` or `iptables`, not `iptable` (",
    "local = ['::1', '10.0.0.0/33']": "1:17 a prefix of IPv4 has 0 to 32 bits, not 33",
    "budget = 0": "1:10 0 is no number of seconds",
    "budget = inf": "1:10 inf is no number of seconds",
    "budget = 1" + "0" * 400: "1:10 inf is no number of seconds",
    "[zones.x]\ninterfaces = []": "2:14 `interfaces` is empty (write what is in it",
    "[zones.x]\ninterfaces = ['a']\naddresses = []": "3:13 `addresses` is empty (write what is in it",
    "[[per-file]]\nfiles = []": "2:9 `files` is empty (write what is in it",
    "budget = true": "1:10 `budget` must be a number, not true or false",
    "wide-ports = -1": "1:14 -1 is below 0",
    "expiry-days = 1979-05-27": "1:15 `expiry-days` must be a whole number, not a date",
    "exclude = ['']": "1:12 `` matches nothing",
    "exclude = ['!']": "1:12 `!` is no pattern of paths",
    "paths = ['']": "1:10 the name is empty",
    "severity = 'error'": "1:12 `severity` must be a table, not a text",
    "[severity]\nFW101 = 'bad'": "2:9 `FW101` must be `error`, `warning` or `info`, not `bad`",
    "[severity]\nFW10x = 'info'": "2:1 there is no check `FW10x` (did you mean",
    "[names]\nhots = '.'": "2:1 there is no key `hots` here (did you mean `host`?)",
    "[names]\nhost = '('": "2:8 `(` is no regular expression: missing ), unterminated subpattern",
    "zones = []": "1:9 `zones` must be a table, not a list",
    "[zones]\nwan = 'eth0'": "2:7 `wan` must be a table, not a text",
    "[zones.wan]\nuntrusted = true": "1:1 `wan` says nothing (write `interfaces` or `addresses`)",
    "[zones.wan]\ninterfaces = ['a b']": "2:15 `a b` is no name of an interface",
    "[zones.wan]\nadresses = []\ninterfaces = ['a']": "2:1 there is no key `adresses` here (did you mean `addresses`?)",
    "[zones.'']\ninterfaces = ['a']": "1:8 the name is empty",
    "[[per-file]]\nignore = []": "1:1 `files` is missing here",
    "[[per-file]]\nfiles = ['a']\n[[per-file]]\nfiles = ['a']\nbudget = 3": "5:1 there is no key `budget` here",
    "[per-file]": "1:1 `per-file` must be a list of tables, `[[per-file]]`, not a table",
    "per-file = [3]": "1:13 each item of `per-file` must be a table, not a whole number",
    "today = 2026-01-01": "1:1 there is no key `today` here",
    "x =": "1:4 this is no TOML: invalid value (see",
}
"""A configuration, and where what is said of it, with the help in parentheses; the beginning of it suffices."""

ONLY_WE_KNOW = re.compile(
    r"no check|a prefix|inf is|matches nothing|pattern of paths|"
    r"regular expression|interface$|no TOML|not a date|FW001",
    re.MULTILINE,
)
"""What a schema does not say."""


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said_where_it_stands(text: str) -> None:
    says(text)
    done = run("lint", ".", "--format", "json")
    assert done.status == 2
    (error,) = done.json()["errors"]
    assert (error["file"], error["code"]) == ("fwpolicy.toml", "FW005")
    said = f"{error['line']}:{error['column']} {error['message']}" + (f" ({error['help']})" if error["help"] else "")
    assert said.startswith(WRONG[text])
    if not ONLY_WE_KNOW.search(said):
        assert not VALIDATOR.is_valid(tomllib.loads(text))


def test_all_that_is_wrong_is_said_in_one_run() -> None:
    texts = [text for text in WRONG if not text.startswith("[") and "=" in text and "per-file" not in text]
    keys: dict[str, str] = {}
    for text in texts:
        if not text.startswith("x") and not text.startswith("zones"):
            keys.setdefault(text.partition(" = ")[0], text)
    says("\n".join(keys.values()), "pyproject.toml")
    says("[tool.fwpolicy]\n" + "\n".join(keys.values()), "pyproject.toml")
    errors = run("lint", ".", "--format", "json").json()["errors"]
    assert [error["line"] for error in errors] == list(range(2, len(keys) + 2))


def test_every_wrong_one_is_shown_with_its_line() -> None:
    says("# é\nfail_on = 'error'\n")
    assert run("lint", ".").err == (
        "fwpolicy.toml:2:1: error[FW005]: there is no key `fail_on` here\n"
        "  |\n2 | fail_on = 'error'\n  | ^^^^^^^\n  = help: did you mean `fail-on`?\n"
    )


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", EXAMPLES[:2])
def test_the_examples_of_the_docs_are_right(text: str) -> None:
    name = text.partition("\n")[0].removeprefix("# ")
    says(text, name)
    assert run("lint", "x.fw").status < 2
    said = tomllib.loads(text)
    VALIDATOR.validate(said if name == "fwpolicy.toml" else said["tool"]["fwpolicy"])


def test_every_key_is_in_an_example_or_the_tables() -> None:
    docs = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for key in whole_table().keys:
        assert f"`{key.name}`" in docs or f"[[{key.name}]]" in docs
        assert described(key).endswith(".")


@pytest.mark.parametrize("owner", [Settings, Zone, Reading, Checking, Files, Running])
def test_every_field_is_a_key_with_its_sentence(owner: type) -> None:
    keys = {key.attribute: key for key in keys_of(owner)}
    assert {each.name for each in fields(owner)} - keys.keys() <= {"today"}
    for key in keys.values():
        if (owner, key.attribute) != (Zone, "name"):
            assert described(key)


def test_without_a_configuration_nothing_for_it_is_imported() -> None:
    code = (
        "import sys; before = set(sys.modules); from policy.cli import main; main(['ask', 'x.fw', 'tcp/22']);"
        "new = sys.modules.keys() - before;"  # a measurement of coverage has imported its own
        "print(sorted({'tomllib', 'pathspec', 'policy.check', 'policy.app.config.kinds'} & new))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")

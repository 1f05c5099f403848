"""`fwpolicy lint`: which files, which checks, exit status, what is said where; with sample checks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from policy.app.files import RULES as RULES_ENDINGS
from tests.command import ROOT, Done, run
from tests.sample_checks import samples  # noqa: F401 (a fixture)

RULES = "policy p {\n    allow tcp/22\n    block tcp/23\n}\n"
DUMP = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"

pytestmark = pytest.mark.usefixtures("samples")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str = RULES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def places(done: Done) -> list[str]:
    return [f"{each['file']}:{each['line']} {each['code']}" for each in done.json()["findings"]]


def lint(*arguments: str, stdin: bytes = b"") -> Done:
    return run("lint", *arguments, "--format", "json", stdin=stdin)


# Which files


def test_a_directory_is_all_files_of_rules_below_it(folder: Path) -> None:
    write(folder / "b" / "z.fw")
    write(folder / "a.v4", DUMP)
    write(folder / "b" / "c" / "x.rules", DUMP)
    write(folder / "b" / "udev.rules", 'KERNEL=="sda", NAME="disk"\n')
    write(folder / "README.md", "# no rules\n")
    write(folder / ".git" / "hidden.fw")
    assert places(lint(".")) == [
        "a.v4:3 FW901",
        "b/c/x.rules:3 FW901",
        "b/z.fw:2 FW901",
        "b/z.fw:3 FW901",
        "b/z.fw:3 FW902",
    ]
    assert run("lint", ".").out.endswith("1 file without rules passed over\n")


def test_a_file_is_linted_once_however_it_is_named(folder: Path) -> None:
    write(folder / "a" / "x.fw")
    (folder / "a" / "link.fw").symlink_to("x.fw")
    (folder / "a" / "round").symlink_to(".")
    assert len(places(lint("a", "a/x.fw", "./a", str(folder / "a" / "x.fw")))) == 3


def test_what_is_named_is_an_error_where_it_is_no_file_of_rules(folder: Path) -> None:
    write(folder / "udev.rules", 'KERNEL=="sda", NAME="disk"\n')
    write(folder / "empty.fw", "")
    (folder / "nothing").mkdir()
    write(folder / "good.fw")
    done = lint("udev.rules", "empty.fw", "nothing", "none.fw", "good.fw")
    assert done.status == 2
    found = done.json()
    assert {(each["file"], each["code"]) for each in found["errors"]} == {
        ("udev.rules", "FW001"),
        ("empty.fw", "FW002"),
        ("nothing", "FW002"),
        ("none.fw", "FW002"),
    }
    assert len(found["findings"]) == 3


def test_a_file_with_mistakes_does_not_stop_the_others(folder: Path) -> None:
    write(folder / "bad.fw", "policy p {\n    allow tcp/70000\n    alow tcp/1\n}\n")
    write(folder / "good.fw")
    done = lint(".")
    assert done.status == 2
    assert [(each["file"], each["line"], each["code"]) for each in done.json()["errors"]] == [
        ("bad.fw", 2, "FW501"),
        ("bad.fw", 3, "FW001"),
    ]
    assert places(done)[0] == "good.fw:2 FW901"
    text = run("lint", ".")
    assert text.status == 2
    assert text.err.startswith("bad.fw:2:")
    assert text.out.endswith("3 findings in 1 file: 1 error, 2 warnings; 1 file could not be read\n")


def test_of_every_file_the_first_mistakes_are_shown(folder: Path) -> None:
    for name in ("a.fw", "b.fw"):
        write(folder / name, "policy p {\n" + "    allow tcp/70000\n" * 1500 + "}\n")
    done = run("lint", ".")
    assert done.err.count("a.fw:") == done.err.count("b.fw:") == 20
    assert done.err.count("… and 980 more") == 2


def test_an_included_file_is_linted_with_the_one_that_includes_it(folder: Path) -> None:
    write(folder / "parts" / "q.fw", "policy q {\n    block udp/69 from office\n}\n")
    write(folder / "parts" / "names.fw", 'include "deep/names.fw"\n')
    write(folder / "parts" / "deep" / "names.fw", "network office = 10.1.0.0/16\n")
    write(folder / "main.fw", 'include "parts/names.fw"\ninclude "parts/q.fw"\npolicy p {\n    call q any\n}\n')
    for paths in ([str(folder)], ["parts", "main.fw"], ["parts/deep/names.fw", "parts/q.fw", "main.fw"]):
        done = lint(*paths)
        assert done.json()["errors"] == []
        assert [place.rpartition("/")[2] for place in places(done)] == [
            "main.fw:4 FW901",
            "q.fw:2 FW901",
            "q.fw:2 FW902",
        ]


def test_what_two_files_include_is_found_once(folder: Path) -> None:
    write(folder / "q.fw", "policy q {\n    block udp/69\n}\n")
    for name in ("a.fw", "b.fw"):
        write(folder / name, 'include "q.fw"\npolicy p {\n    call q any\n}\n')
    assert places(lint(".")) == ["a.fw:3 FW901", "b.fw:3 FW901", "q.fw:2 FW901", "q.fw:2 FW902"]
    write(folder / "q.fw", "policy q {\n    block udp/70000\n}\n")
    assert [each["code"] for each in lint(".").json()["errors"]] == ["FW501"]


def test_files_that_include_each_other_are_a_mistake(folder: Path) -> None:
    write(folder / "a.fw", 'include "b.fw"\n')
    write(folder / "b.fw", 'include "a.fw"\n')
    done = lint(".")
    assert done.status == 2
    assert [each["code"] for each in done.json()["errors"]] == ["FW116"]


def test_standard_input(folder: Path) -> None:
    done = lint("-", stdin=DUMP.encode())
    assert places(done) == ["<stdin>:3 FW901"]
    write(folder / "x.fw")
    assert len(places(lint("-", "x.fw", "-", stdin=DUMP.encode()))) == 4


def test_the_language_can_be_said(folder: Path) -> None:
    write(folder / "x.txt", "*filter\nCOMMIT\n")
    assert lint("x.txt", "--language", "iptables").status == 0
    assert lint("x.txt", "--language", "native").status == 2
    assert "did you mean `iptables`" in run("lint", "x.txt", "--language", "iptable").err


def test_a_pipe_in_a_directory_is_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.fw")
    write(folder / "x.fw")
    assert len(places(lint("."))) == 3


def test_a_name_that_is_no_unicode(folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9.fw")
    write(folder / name)
    for kind in ("text", "json", "sarif", "github"):
        done = run("lint", ".", "--format", kind)
        assert done.status == 1
        assert not done.err
    assert "caf%E9.fw" in run("lint", ".", "--format", "sarif").out


# Which checks


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        ((), {"FW901", "FW902"}),
        (("--select", "FW901"), {"FW901"}),
        (("--select", "fw901"), {"FW901"}),
        (("--select", "every-rule,Once"), {"FW901", "FW910"}),
        (("--select", "FW901", "--select", "FW910"), {"FW901", "FW910"}),
        (("--select", "FW90"), {"FW901", "FW902"}),
        (("--select", "FW9", "--ignore", "FW91"), {"FW901", "FW902"}),
        (("--ignore", "blocking"), {"FW901"}),
        (("--select", "FW902", "--ignore", "FW902"), set()),
    ],
)
def test_checks_are_chosen(folder: Path, arguments: tuple[str, ...], codes: set[str]) -> None:
    write(folder / "x.fw")
    assert {each["code"] for each in lint("x.fw", *arguments).json()["findings"]} == codes


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("FW999", "there is no check `FW999`"),
        ("evry-rule", "did you mean `every-rule`?"),
        ("FW001", "`FW001` is no check: FW001 (syntax) is a mistake"),
        ("F", "there is no check `F`"),
        ("", "there is no check ``"),
        ("FW901,,", "there is no check ``"),
    ],
)
def test_a_word_that_is_no_check_is_refused(folder: Path, word: str, said: str) -> None:
    write(folder / "x.fw")
    for option in ("--select", "--ignore"):
        done = run("lint", "x.fw", option, word)
        assert (done.status, done.out) == (2, "")
        assert said in done.err


# Exit status


@pytest.mark.parametrize(
    ("check", "fail_on", "status"),
    [
        ("FW902", "error", 1),
        ("FW902", "never", 0),
        ("FW901", "error", 0),
        ("FW901", "warning", 1),
        ("FW910", "warning", 0),
        ("FW910", "info", 1),
        ("FW910", None, 0),
        ("FW901", None, 1),
    ],
)
def test_status(folder: Path, check: str, fail_on: str | None, status: int) -> None:
    write(folder / "x.fw")
    options = ["--fail-on", fail_on] if fail_on else []
    assert lint("x.fw", "--select", check, *options).status == status


@pytest.mark.parametrize(
    "arguments",
    [
        ("--budget", "0"),
        ("--budget", "nan"),
        ("--budget", "inf"),
        ("--budget", "x"),
        ("--fail-on", "all"),
        ("--format", "xml"),
        ("--local", "x"),
    ],
)
def test_wrong_arguments_are_said(folder: Path, arguments: tuple[str, ...]) -> None:
    write(folder / "x.fw")
    done = run("lint", "x.fw", *arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: ")


def test_without_a_path_there_is_nothing_to_do() -> None:
    assert run("lint").status == 2


# What is said


def test_findings_are_in_order_and_each_once(folder: Path) -> None:
    write(folder / "x.fw", "policy p {\n    block any\n    block any\n    allow tcp/1\n}\n")
    assert places(lint("x.fw")) == [f"x.fw:{at}" for at in ("2 FW901", "2 FW902", "3 FW901", "3 FW902", "4 FW901")]


def test_what_is_undecided_is_said(folder: Path) -> None:
    write(folder / "x.fw", "policy p {\n    allow tcp/22 as ssh\n    block any\n}\n")
    done = lint("x.fw", "--select", "FW9")
    assert done.json()["undecided"] == [
        {"code": code, "file": "x.fw", "line": line, "reason": limit}
        for code, line, limit in (
            ("FW911", 1, "it would take more than 5 seconds"),
            ("FW912", 1, "it is nested too deeply"),
            ("FW913", 1, "there is not enough memory"),
            ("FW914", 1, "an error in the check itself: ValueError no such rule: 2"),
            ("FW902", 2, "this took more than 3 steps"),
        )
    ]
    assert {each["code"] for each in done.json()["findings"]} == {"FW901", "FW902", "FW910", "FW911", "FW914"}
    text = run("lint", "x.fw", "--select", "FW912")
    assert text.status == 0
    assert text.err == "x.fw:1:1: undecided[FW912]: lost: it is nested too deeply\n"
    assert text.out == "no findings in 1 file; 1 check undecided in 1 file\n"


def test_what_is_undecided_in_many_places_is_one_line(folder: Path) -> None:
    write(folder / "x.fw", "policy p {\n    allow tcp/22 as a\n    block any as b\n    block any as c\n}\n")
    done = run("lint", "x.fw", "--select", "FW902")
    assert done.err == "x.fw:2:5: undecided[FW902]: blocking: this took more than 3 steps (and at 2 more places)\n"
    assert len(lint("x.fw", "--select", "FW902").json()["undecided"]) == 3


def test_clean_is_said(folder: Path) -> None:
    write(folder / "x.fw", "policy p {\n    allow tcp/22\n}\n")
    done = run("lint", "x.fw", "--select", "FW902")
    assert (done.status, done.out, done.err) == (0, "all clear: no findings in 1 file\n", "")
    done = run("lint", "x.fw", "--ignore", "FW9")
    assert (done.status, done.out, done.err) == (0, "no checks were run in 1 file\n", "")


def test_the_page_names_the_endings_of_files() -> None:
    page = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    assert all(f"`{ending}`" in page for ending in RULES_ENDINGS)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param("policy p {\n    block any # fwpolicy: ignore FW901: why\n}\n", {"FW902", "FW910"}, id="a code"),
        pytest.param("policy p {\n    # fwpolicy: ignore FW901, FW902\n    block any\n}\n", {"FW910"}, id="two, above"),
        pytest.param("policy p {\n    block any # fwpolicy: ignore\n}\n", {"FW910"}, id="all, of a rule"),
        pytest.param("policy p { # fwpolicy: ignore FW902\n    block any\n}\n", {"FW901", "FW910"}, id="a policy"),
        pytest.param("policy p { # fwpolicy: ignore\n    block any\n}\n", set(), id="all, of a policy"),
        pytest.param(
            "network n = 10.0.0.1 # fwpolicy: ignore\npolicy p {\n    block any\n}\n",
            {"FW901", "FW902", "FW910"},
            id="a name",
        ),
    ],
)
def test_comments_silence(folder: Path, text: str, left: set[str]) -> None:
    write(folder / "x.fw", text)
    select = ("--select", "FW901,FW902,FW910")
    assert {each["code"] for each in lint("x.fw", *select).json()["findings"]} == left
    number = 3 - len(left)
    silenced = f"; {number} finding{'s' * (number != 1)} silenced by comments\n" if number else "warning, 1 info\n"
    assert run("lint", "x.fw", *select).out.endswith(silenced)


def test_statistics(folder: Path) -> None:
    write(
        folder / "x.fw", "policy p {\n    allow tcp/22\n    block tcp/23\n    block any # fwpolicy: ignore FW902\n}\n"
    )
    done = run("lint", "x.fw", "--statistics")
    assert done.out == (
        "3  FW901  every-rule  warning\n1  FW902  blocking    error, 1 silenced\n\n"
        "4 findings in 1 file: 1 error, 3 warnings; 1 finding silenced by comments\n"
    )
    found = lint("x.fw", "--statistics").json()
    assert found["statistics"][1] == {
        "code": "FW902",
        "name": "blocking",
        "severity": "error",
        "count": 1,
        "silenced": 1,
    }
    assert len(found["findings"]) == 4
    assert run("lint", "x.fw", "--statistics", "--format", "github").status == 2


def test_of_very_many_findings_the_first_are_shown_as_text(folder: Path) -> None:
    write(folder / "x.fw", "policy p {\n" + "    block any\n" * 1005 + "}\n")
    done = run("lint", "x.fw", "--select", "once,blocking")
    assert "… and 6 more, which `--statistics` counts and `--format json` shows\n\n1,006 findings" in done.out
    assert done.out.count("error[FW9") + done.out.count("info[FW9") == 1000


def test_long_relations_are_cut(folder: Path) -> None:
    write(folder / "x.fw", "policy p {\n" + "    allow tcp/1\n" * 16 + "}\n")
    done = run("lint", "x.fw", "--select", "FW901")
    assert done.out.count("note: and 10 more") == 1
    assert "for example: tcp/443 from 10.1.2.3 port 51000 to 10.2.0.5" in done.out
    assert len(lint("x.fw").json()["findings"][-1]["related"]) == 15


def test_colour(folder: Path) -> None:
    write(folder / "x.fw")
    assert "\x1b[" in run("lint", "x.fw", "--color", "always").out
    assert "\x1b[" not in run("lint", "x.fw").out

"""`fwpolicy learn`: what it says, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy.learn.grade import grade
from policy.learn.read import read_lesson
from policy.report.lesson_text import grade_text
from policy.report.style import Style
from policy.source import Source
from tests.command import run
from tests.lessons import FILES, SMALL, make


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    make(tmp_path / "lessons" / "01-first-match")
    make(tmp_path / "lessons" / "02-second", SMALL.replace("First match", "The second one"))
    return tmp_path / "lessons"


def test_check(course: Path) -> None:
    done = run("learn", "--check", str(course))
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [
        "01-first-match  3 answers, 1 step as expected, 3 promises kept, 1 wrong solution refuted",
        "02-second       3 answers, 1 step as expected, 3 promises kept, 1 wrong solution refuted",
    ]
    alone = run("learn", "--check", f"{course}/02-second/", "--format", "json")
    assert alone.status == 0
    (lesson,) = alone.json()["lessons"]
    assert lesson == {"name": "02-second", "questions": 3, "facts": 1, "steps": 1, "promises": 3, "wrong": 1}


def test_check_finds_what_is_wrong(course: Path) -> None:
    make(course / "02-second", SMALL.replace("verdict: block", "verdict: allow"))
    done = run("learn", "--check", str(course))
    assert done.status == 1
    assert f"{course}/02-second/lesson.yaml:10:14: error[FW007]: the rules answer `block`, not `allow`" in done.err
    found = run("learn", "--check", str(course), "--format", "json").json()["errors"]
    assert [(each["code"], each["name"], each["line"]) for each in found] == [("FW007", "unproved-lesson", 10)]
    make(course / "02-second", "title: 7\n")
    done = run("learn", "--check", str(course))
    assert (done.status, done.out) == (2, "")
    assert "lesson.yaml:1:8: error[FW001]: `title` must be a text, not a whole number" in done.err
    assert "`minutes` is missing here" in done.err


def test_list_and_read(course: Path) -> None:
    done = run("learn", "--course", str(course))
    assert done.out.splitlines()[:2] == ["  01  First match       5 min", "  02  The second one    5 min"]
    assert done.out.endswith(f"2 lessons, 10 minutes; `fwpolicy learn 1 --course {course}` begins with the first\n")
    for name in ("1", "01", "first-match", "01-first-match"):
        read = run("learn", name, "--read", "--course", str(course))
        assert read.status == 0
        assert read.out.startswith("# First match\n\nThe first rule that matches decides.\n")
        assert "\n  block: tcp/22 to 192.0.2.80\n" in read.out
    listed = run("learn", "--list", "--course", str(course)).out
    assert "  01  First match       5 min  read\n" in listed
    assert listed.endswith(f"`fwpolicy learn 1 --course {course}` goes on\n")
    (first, _) = run("learn", "--course", str(course), "--format", "json").json()["lessons"]
    assert (first["name"], first["read"], first["solved"]) == ("01-first-match", True, False)
    assert run("learn", "--course", str(course), "--reset").status == 0
    assert " read\n" not in run("learn", "--course", str(course)).out


def test_no_answer_and_no_solution_is_shown(course: Path) -> None:
    shown = run("learn", "1", "--read", "--course", str(course)).out
    shown += run("learn", "1", "--course", str(course), "--format", "json").out
    shown += run("learn", "1", "--course", str(course), "--grade", str(course / "01-first-match" / "start.fw")).out
    assert "allow tcp/443" not in shown
    assert "solution.fw" not in shown
    assert "because" not in shown


def test_grade(course: Path) -> None:
    words = ["learn", "1", "--course", str(course), "--grade"]
    wrong = course / "01-first-match" / "wrong-any.fw"
    done = run(*words, str(wrong))
    assert done.status == 1
    assert done.out.replace(":\n      allowed", ": allowed") == (  # where the path is long
        "kept    allow: tcp/443 to 192.0.2.80\n"
        "broken  block: tcp/22 to 192.0.2.80\n"
        "  for example: tcp/22 from 198.51.100.7 port 51000 to 192.0.2.80\n"
        "  it passes:\n"
        f"  {wrong}:3:3: allowed by this rule\n"
        "    |\n"
        "  3 |   allow to 192.0.2.80\n"
        "    |   ^^^^^^^^^^^^^^^^^^^\n"
        "  hint: Look at the last rule.\n"
        "kept    open: tcp/443 from 198.51.100.1 to 192.0.2.80\n"
        "\n"
        "not yet: 1 of 3 promises not kept\n"
    )
    _, broken, _ = run(*words, str(wrong), "--format", "json").json()["promises"]
    assert (broken["kind"], broken["kept"], broken["counterexample"]["verdict"]) == ("block", False, "allow")
    assert broken["counterexample"]["packets"][0]["rule"]["line"] == 3
    assert "exercise done" not in run("learn", "--course", str(course)).out
    done = run(*words, "-", stdin=FILES["solution.fw"].encode())
    assert (done.status, done.err) == (0, "")
    assert done.out.endswith("solved: 3 promises kept, for all packets\n")
    assert "exercise done" in run("learn", "--course", str(course)).out


def test_a_grade_without_a_place_for_progress(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(course / "01-first-match" / "page.md"))
    done = run("learn", "1", "--course", str(course), "--grade", str(course / "01-first-match" / "solution.fw"))
    assert done.status == 0
    assert "progress cannot be kept" in done.err


def test_damaged_progress_is_said(course: Path) -> None:
    run("learn", "1", "--read", "--course", str(course))
    (course.parent / "state" / "fwpolicy" / "lessons.json").write_text("{", encoding="utf-8")
    done = run("learn", "--course", str(course))
    assert done.status == 0
    assert "is damaged: progress begins anew" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["3"], "there is no lesson `3`"),
        (["first-mach"], "did you mean `first-match`?"),
        (["--language", "fr"], "there is no translation `fr`"),
        (["--grade", "x.fw"], "`--grade` needs a LESSON"),
        (["--plain"], "`--plain` needs a LESSON"),
        (["1", "--reset"], "`--reset` and `LESSON` do not go together"),
        (["1", "--list"], "`--list` and `LESSON` do not go together"),
        (["1", "--grade", "x.fw", "--read"], "`--grade` and `--read` do not go together"),
        (["--quiz", "x.fw"], "`--quiz` and `--course` do not go together"),
        (["1", "--seed", "3"], "`--seed` belongs to `--quiz`"),
        (["--sheet"], "`--sheet` belongs to `--quiz`"),
        (["1", "--grade", "nowhere.fw"], "no such file"),
        (["--check", "."], "`--check` and `--course` do not go together"),
    ],
)
def test_wishes_that_cannot_be(words: list[str], message: str, course: Path) -> None:
    done = run("learn", *words, "--course", str(course))
    assert (done.status, done.out) == (2, "")
    assert message in done.err


def test_a_grade_fits_into_the_columns(course: Path) -> None:
    exercise = read_lesson(str(course / "01-first-match")).exercise
    assert exercise is not None
    found = grade(exercise, Source("x.fw", FILES["wrong-any.fw"]))
    for columns in (30, 60, 80):
        lines = grade_text(found, Style(columns=columns)).splitlines()
        start = next(number for number, line in enumerate(lines) if "for example" in line)
        end = lines.index("  it passes:")
        assert all(len(line) <= columns for line in lines[start:end])
        said = " ".join(line.strip() for line in lines[start:end])
        assert said == "for example: tcp/22 from 198.51.100.7 port 51000 to 192.0.2.80"


def test_a_sheet_is_no_json(course: Path) -> None:
    done = run("learn", "--quiz", str(course / "01-first-match" / "solution.fw"), "--sheet", "--format", "json")
    assert done.status == 2
    assert "a sheet is Markdown" in done.json()["errors"][0]["message"]


def test_what_is_read_says_how_it_is_graded(course: Path) -> None:
    out = run("learn", "2", "--read", "--course", str(course)).out
    assert out.endswith(f"  {course}/02-second/start.fw\n  fwpolicy learn 2 --course {course} --grade COPY\n")


def test_a_lesson_has_the_name_of_its_folder_and_not_of_what_that_leads_to(course: Path) -> None:
    (course / "03-third").symlink_to(course / "02-second")
    assert "  03  The second one" in run("learn", "--course", str(course)).out


def test_a_translation_asks_and_promises_the_same(course: Path) -> None:
    other = course.with_name("lessons.it")
    make(other / "01-first-match", SMALL.replace("First match", "La prima regola"))
    assert run("learn", "--check", str(other)).status == 0
    listed = run("learn", "--course", str(course), "--language", "it").out
    assert "  01  La prima regola" in listed
    assert f"`fwpolicy learn 1 --course {course} --language it` begins with the first" in listed
    begun = SMALL.index("  - ask: What does the client see?")
    shorter = SMALL[:begun] + SMALL[SMALL.index("  - ask: How many ports") :]
    make(other / "01-first-match", shorter.replace("block: tcp/22", "block: tcp/{22,23}"))
    done = run("learn", "--check", str(other))
    assert done.status == 1
    for what in ("questions", "promises"):
        assert f"the {what} of this translation are not those of `{course}/01-first-match`" in done.err


def test_a_translation_is_found_from_within(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(course.with_name("lessons.it") / "01-first-match", SMALL.replace("First match", "La prima regola"))
    monkeypatch.chdir(course)
    assert "La prima regola" in run("learn", "--course", ".", "--language", "it").out
    done = run("learn", "--course", ".", "--language", "it/01-first-match")
    assert (done.status, done.out) == (2, "")
    monkeypatch.chdir(course.with_name("lessons.it"))
    make(course.with_name("lessons.it") / "03-other")
    assert "`03-other` translates nothing" in run("learn", "--check", ".").err


def test_json_tells_no_question_that_has_words(course: Path) -> None:
    says = SMALL.replace("      hint: Look", "      says: nobody uses SSH\n      hint: Look")
    make(course / "01-first-match", says)
    promises = run("learn", "1", "--course", str(course), "--format", "json").json()["exercise"]["promises"]
    assert [(each["question"], each["says"]) for each in promises[:2]] == [
        ("tcp/443 to 192.0.2.80", None),
        (None, "nobody uses SSH"),
    ]


def test_what_cannot_be_known_has_no_hint(course: Path) -> None:
    make(course / "01-first-match", SMALL.replace("start.fw", "start.nft"))
    (course / "01-first-match" / "start.nft").write_text("table ip x {}\n", encoding="utf-8")
    chain = "type filter hook input priority 0; policy drop"
    limited = "tcp dport 22 limit rate 1/hour accept\n tcp dport 443 accept"
    rules = f"table inet f {{ chain i {{ {chain};\n {limited}\n }} }}\n"
    done = run("learn", "1", "--course", str(course), "--grade", "-", stdin=rules.encode())
    assert done.status == 1
    assert "what cannot be known keeps no promise" in done.out
    assert "hint" not in done.out
    assert "--assume" not in done.out

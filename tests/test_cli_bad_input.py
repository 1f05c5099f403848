"""Files that are no rules, and rules in odd dress: a clear error or a right answer, soon, and nothing written."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import ROOT, Done, run, start

RULES = "policy p {\n    default block\n    allow tcp/22\n}\n"
HUGE = 50 * 1024 * 1024
SECONDS = 60
MOST = 512 * 1024 * 1024


def ask(file: Path, *options: str, timeout: float = SECONDS) -> Done:
    cache = file.parent.parent / "cache"
    done = start("ask", str(file), "tcp/22", *options, timeout=timeout, XDG_CACHE_HOME=str(cache))
    assert "Traceback" not in done.err
    return done


_WEIGH = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


def weighed(*arguments: str) -> tuple[Done, int]:
    """Run `fwpolicy`, and return how many bytes of memory it took at most, too.

    What a process has used counts for those that it starts: a small one stands between this one and the command.
    """
    command = [sys.executable, "-c", _WEIGH, sys.executable, "-m", "policy", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=SECONDS, check=False)
    *said, used = done.stderr.decode().splitlines(keepends=True)
    unit = 1 if sys.platform == "darwin" else 1024
    return Done(done.returncode, done.stdout.decode(), "".join(said)), int(used) * unit


def ask_in_bounds(file: Path, *options: str) -> Done:
    done, used = weighed("ask", str(file), "tcp/22", *options)
    assert used <= MOST
    return done


def test_memory_is_that_of_the_command_alone() -> None:
    held = b"x" * (MOST + 1)
    done, used = weighed("--version")
    assert done.status == 0
    assert 0 < used <= MOST // 4 < len(held)


def refused(file: Path, said: str, *options: str, by: Callable[..., Done] = ask) -> None:
    before = sorted(file.parent.iterdir())
    done = by(file, *options)
    assert "Traceback" not in done.err
    assert done.status == 2
    assert done.out == ""
    assert done.err.startswith(f"{file}:")
    assert said in done.err
    assert len(done.err) < 50_000
    assert sorted(file.parent.iterdir()) == before


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    return folder / "rules.fw"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(RULES.encode(), id="plain"),
        pytest.param(RULES.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(b"\xef\xbb\xbf" + RULES.encode(), id="BOM"),
        pytest.param(RULES.rstrip("\n").encode(), id="no final newline"),
        pytest.param(b"\xef\xbb\xbf" + RULES.replace("\n", "\r\n").rstrip().encode(), id="all of it"),
    ],
)
def test_line_ends_and_marks_change_nothing(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    allowed, blocked = run("ask", str(file), "tcp/22"), run("ask", str(file), "tcp/23")
    assert (allowed.status, blocked.status) == (0, 1)
    assert f"{file}:3:5: allowed" in allowed.out
    assert file.read_bytes() == data


@pytest.mark.parametrize("text", ["table inet f {\n}\n", '{"nftables": [{"table": {"family": "inet", "name": "f"}}]}'])
def test_where_no_chain_stands_everything_passes(file: Path, text: str) -> None:
    file.write_text(text)
    done = run("ask", str(file), "tcp/22 from 10.0.0.1 to 10.0.0.2 at input")
    assert done.status == 0
    assert "allowed: no chain sees IPv4 at input, and what no chain sees passes" in done.out


def test_an_empty_file_has_no_policy(file: Path) -> None:
    file.write_bytes(b"")
    done = ask(file)
    assert done.status == 2
    assert done.err.startswith(f"error: there is no policy in `{file}`\n")


@pytest.mark.parametrize("language", ["iptables", "ip6tables"])
def test_an_empty_dump_has_no_rules(file: Path, language: str) -> None:
    file.write_bytes(b"")
    done = ask(file, "--language", language)
    assert done.status == 0
    assert done.out.startswith("allowed: ")
    assert done.err == f"warning: there are no rules in `{file}`\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"policy p {\n\x00\n}\n", "binary file: line 2", id="binary"),
        pytest.param(b"\x7fELF\x02\x01\x01\x00", "binary file", id="program"),
        pytest.param(b"# ok\n# caf\xe9\n", "not UTF-8: line 2 has the byte 0xe9", id="latin-1"),
        pytest.param(RULES.encode("utf-16"), "", id="UTF-16"),
        pytest.param(b"\xed\xa0\x80", "not UTF-8", id="surrogate"),
    ],
)
def test_what_is_no_text_is_refused(file: Path, data: bytes, said: str) -> None:
    file.write_bytes(data)
    for language in ("native", "iptables"):
        refused(file, said, "--language", language)


def test_what_cannot_be_opened_is_refused(file: Path) -> None:
    refused(file, "no such file")
    file.symlink_to(file.with_name("nowhere"))
    refused(file, "no such file")
    file.unlink()
    file.mkdir()
    refused(file, "is a directory")
    file.rmdir()
    file.symlink_to(file)
    refused(file, "could not be read")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_refused(file: Path) -> None:
    file.write_text(RULES, encoding="utf-8")
    file.chmod(0)
    refused(file, "may not be read")


def test_an_unknown_language_is_refused(file: Path) -> None:
    file.write_text(RULES, encoding="utf-8")
    done = ask(file, "--language", "klingon")
    assert done.status == 2
    assert "no language `klingon`" in done.err


@pytest.mark.parametrize("language", ["native", "iptables"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("policy p {\n    allow tcp/" + "{" * 10_000 + "80" + "}" * 10_000 + "\n}\n", id="in a line"),
        pytest.param("policy p {\n" * 10_000 + "}\n" * 10_000, id="over lines"),
        pytest.param("*filter\n:INPUT DROP\n-A INPUT " + "( " * 10_000 + "\nCOMMIT\n", id="in a dump"),
    ],
)
def test_deep_nesting_is_refused(file: Path, text: str, language: str) -> None:
    file.write_text(text, encoding="utf-8")
    refused(file, "error[", "--language", language)
    done = run("ask", str(ROOT / "rules" / "office" / "rules.fw"), "tcp/" + "{" * 10_000)
    assert done.status == 2


def _bytes(file: Path) -> None:
    file.write_bytes(random.Random(7).randbytes(HUGE))


def _text(file: Path) -> None:
    chance = random.Random(7)
    lines = ["".join(chance.choices("abcdefghij klmnop=/.,{}()[]#\"'$%&*0123456789-:", k=70)) for _ in range(5000)]
    file.write_text(("\n".join(lines) + "\n") * (HUGE // (5000 * 71) + 1), encoding="utf-8")


def _one_line(file: Path) -> None:
    file.write_text("x" * HUGE, encoding="utf-8")


@pytest.mark.parametrize("language", ["native", "iptables"])
@pytest.mark.parametrize("write", [_bytes, _text, _one_line], ids=["bytes", "text", "one line"])
def test_fifty_megabytes_of_garbage_are_refused(file: Path, write: object, language: str) -> None:
    assert callable(write)
    write(file)
    refused(file, "error[", "--language", language, by=ask_in_bounds)


def test_a_file_that_is_too_large_is_refused(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(65 * 1024 * 1024)
    refused(file, "is larger than 64 MiB")

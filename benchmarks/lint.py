"""How long `fwpolicy lint`, and questions on sets, take on lists of any length, as fresh processes.

    python benchmarks/lint.py [SIZE…] [FOLDER]

With a FOLDER (of real files of rules) that is linted, too. Each command has a folder for caches of its own. The first
run finds it empty, so that the tables of grammars are built; the others find what that left there. Prints the seconds
of the first run, the median of three others (one, for lists of 100,000 rules) with their range and the ratio to the
import of lark, and the peak memory of a process.
"""

from __future__ import annotations

import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from classbench import iptables, native

import policy

COMMAND = str(Path(sys.executable).parent / "fwpolicy")
DEAD = "FW101,FW102,FW103,FW108,FW109,FW111"
SIZES = (50, 1_000, 10_000, 100_000)
QUESTIONS = {
    "tcp/443, anything": "tcp/443",
    "udp from a network": "udp from 10.0.0.0/8",
    "anything": "any",
}
LIMITS = {("dead", 50): 0.5, ("dead", 1_000): 1.0, ("dead", 10_000): 3.0, ("dead", 100_000): 40.0,
          ("all", 50): 0.5, ("all", 10_000): 12.0, ("ask", 1_000): 1.0, ("ask", 10_000): 5.0}  # fmt: skip
FOLDER_LIMIT = 20.0
"""For 60 real files, on two processors."""

RUNS = 3
LONG = 100_000


@dataclass(frozen=True, slots=True)
class Run:
    """One process: its seconds, its peak memory in MB, its exit status."""

    seconds: float
    memory: float
    status: int


def run(command: Sequence[str], cache: str) -> Run:
    """Measure a command that keeps what it caches in *cache*."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "XDG_CACHE_HOME": cache}
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(time.perf_counter() - start, usage.ru_maxrss / 1024, process.returncode)


def measure(command: Sequence[str], count: int) -> list[Run]:
    """Measure a command with an empty cache, and then so many times with what is there."""
    with tempfile.TemporaryDirectory() as cache:
        return [run(command, cache) for _ in range(count + 1)]


def commands(size: int, folder: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Yield what is measured on lists of *size* rules: its kind, its title and the command."""
    for language, text, ending in (("native", native, "fw"), ("iptables", iptables, "save")):
        path = folder / f"{size}.{ending}"
        path.write_text("\n".join(text(size)) + "\n", encoding="utf-8")
        yield "dead", f"lint, dead rules, {language}", [COMMAND, "lint", str(path), "--select", DEAD]
        if size < LONG:
            yield "all", f"lint, all checks, {language}", [COMMAND, "lint", str(path)]
    if size < LONG:
        for title, question in QUESTIONS.items():
            words = [*question.split(), "state", "new"]
            yield "ask", f"ask: {title}", [COMMAND, "ask", str(folder / f"{size}.fw"), *words]


def main() -> None:
    """Measure every size."""
    sizes = [int(word) for word in sys.argv[1:] if word.isdigit()]
    folders = [word for word in sys.argv[1:] if not word.isdigit()]
    compileall.compile_dir(Path(policy.__file__).parent, quiet=1)
    base = statistics.median(each.seconds for each in measure([sys.executable, "-c", "import lark"], RUNS)[1:])
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors; first with empty caches, then {RUNS} runs")
    print(f"import lark {base:.3f} s")
    with tempfile.TemporaryDirectory() as name:
        for size in sizes or (() if folders else SIZES):
            for kind, title, command in commands(size, Path(name)):
                first, *others = measure(command, 1 if size >= LONG else RUNS)
                print(_line(f"{size:7,} rules", title, first, others, base, LIMITS.get((kind, size))), flush=True)
    for folder in folders:
        files = sum(path.is_file() for path in Path(folder).rglob("*"))
        first, *others = measure([COMMAND, "lint", folder], RUNS)
        print(_line(f"{files:7,} files", "lint, all checks", first, others, base, FOLDER_LIMIT))


def _line(what: str, title: str, first: Run, runs: Sequence[Run], base: float, limit: float | None) -> str:
    status = first.status
    if status not in (0, 1, 2, 3):  # 2: some real file is refused
        return f"{what}  {title:32} ended with status {status}"
    seconds = [each.seconds for each in runs]
    median, memory = statistics.median(seconds), max(each.memory for each in (first, *runs))
    wanted = "" if limit is None else f"  of {limit:g} s"
    spread = f"{median:6.2f} s ({min(seconds):.2f}–{max(seconds):.2f}) {median / base:6.1f} ×"
    return f"{what}  {title:32} {first.seconds:6.2f} s, {spread} {memory:6.0f} MB{wanted}"


if __name__ == "__main__":
    main()

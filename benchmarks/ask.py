"""How fast `ask` is, as whole processes, against `python -c "import lark"` in the same run.

    python benchmarks/ask.py [RUNS]
    python benchmarks/ask.py sets [RUNS]        questions about sets of packets

Prints the median of some runs (seconds), its ratio to the import of lark, and the peak memory.
"""

import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from classbench import native as classbench
from generate import iptables, native, packets

import policy

COMMAND = str(Path(sys.executable).parent / "fwpolicy")
QUESTION = ["tcp/443", "from", "10.1.2.3:51000", "to", "10.9.8.7", "in", "eth0", "out", "eth1", "at", "forward"]

SETS = ("tcp/443 from any to 10.0.0.0/8", "any")


def measure(command: Sequence[str], runs: int) -> tuple[float, float]:
    """Return the median seconds of a command, and its peak memory in MB."""
    times = []
    peak = 0.0
    for _ in range(runs):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        times.append(time.perf_counter() - start)
        peak = max(peak, usage.ru_maxrss / 1024)
    return statistics.median(times), peak


def write(path: Path, lines: Iterable[str]) -> str:
    """Write lines to a file and return its path."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def sets() -> None:
    """Measure questions about sets of packets, on lists of two kinds."""
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    base, _ = measure([sys.executable, "-c", "import lark"], runs)
    with tempfile.TemporaryDirectory() as name:
        for count in (1_000, 10_000):
            files = {"generated": native(count), "classbench": classbench(count)}
            for kind, lines in files.items():
                path = write(Path(name) / f"{kind}{count}.fw", lines)
                for question in SETS:
                    seconds, memory = measure([COMMAND, "ask", path, question], runs)
                    title = f"{question}, {count:,} rules, {kind}"
                    print(f"{title:52} {seconds:7.3f} s  {seconds / base:6.1f} ×  {memory:6.0f} MB")


def main() -> None:
    """Measure everything once, in one run."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    compileall.compile_dir(Path(policy.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = write(folder / "small.fw", native(20))
        thousand = write(folder / "thousand.fw", native(1_000))
        commands = {
            "import lark": [sys.executable, "-c", "import lark"],
            "ask, native, 20 rules": [COMMAND, "ask", small, *QUESTION],
            "ask, iptables, 20 rules": [COMMAND, "ask", write(folder / "small.save", iptables(20)), *QUESTION],
            "ask, native, 10,000 rules": [COMMAND, "ask", write(folder / "large.fw", native(10_000)), *QUESTION],
            "ask, iptables, 10,000 rules": [COMMAND, "ask", write(folder / "large.save", iptables(10_000)), *QUESTION],
            "ask, native, 1,000 rules": [COMMAND, "ask", thousand, *QUESTION],
            "10,000 packets on 1,000 rules": [
                COMMAND, "ask", thousand, "--packets", write(folder / "packets", packets(10_000)),
            ],
        }  # fmt: skip
        for command in commands.values():
            measure(command, 1)
        figures = {title: measure(command, runs) for title, command in commands.items()}
    base = figures["import lark"][0]
    print(f"median of {runs} runs, Python {sys.version.split()[0]}, {os.cpu_count()} processors")
    for title, (seconds, memory) in figures.items():
        print(f"{title:32} {seconds:7.3f} s  {seconds / base:6.1f} ×  {memory:6.0f} MB")
    extra = figures["10,000 packets on 1,000 rules"][0] - figures["ask, native, 1,000 rules"][0]
    print(f"{'… of that beyond loading':32} {extra:7.3f} s  {extra / base:6.1f} ×")


if __name__ == "__main__":
    if sys.argv[1:2] == ["sets"]:
        sets()
    else:
        main()

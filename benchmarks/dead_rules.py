"""How fast dead rules are found with their covers: fresh processes, with the import of numpy, without reading a file.

    python benchmarks/dead_rules.py [SIZE…]

Prints the median of three runs and its range (seconds), the ratio to the import of numpy, the peak memory of the
process with and without the analysis, and what was found.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter

SIZES = (1_000, 10_000, 100_000)
LIMITS = {10_000: (1.0, 200), 100_000: (20.0, 1000)}
RUNS = 3


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(size: int) -> None:
    """Analyse one list in this process, and print the figures as JSON."""
    from classbench import ruleset

    rules = ruleset(size)
    before = _peak()
    start = time.perf_counter()
    import numpy as np

    loaded = time.perf_counter()
    from policy.reach.entered import entered
    from policy.reach.lists import analyse

    analysis = analyse(rules.policies["border"], entered(rules).scopes["border"])
    end = time.perf_counter()
    kinds = Counter(standing.kind.value for standing in analysis.standings)
    figures = {"numpy": loaded - start, "seconds": end - start, "before": before, "peak": _peak(), "kinds": kinds}
    print(json.dumps({**figures, "version": np.__version__}))


def main() -> None:
    """Measure every size in processes of its own."""
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    for size in sizes:
        runs = []
        for _ in range(RUNS):
            command = [sys.executable, __file__, "--one", str(size)]
            runs.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        if size == sizes[0]:
            version = sys.version.split()[0]
            print(f"Python {version}, numpy {runs[0]['version']}, {os.cpu_count()} processors, median of {RUNS} runs")
        seconds = [run["seconds"] for run in runs]
        median, base = statistics.median(seconds), statistics.median(run["numpy"] for run in runs)
        peak, before = (max(run[key] for run in runs) for key in ("peak", "before"))
        limit = "of {} s and {} MB".format(*LIMITS[size]) if size in LIMITS else ""
        print(
            f"{size:7,} rules {median:7.3f} s ({min(seconds):.3f}–{max(seconds):.3f}) {median / base:6.1f} × numpy"
            f"  {peak:5.0f} MB ({before:.0f} before)  {limit}"
        )
        print("        ", ", ".join(f"{count} {kind}" for kind, count in runs[0]["kinds"].items()))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(int(sys.argv[2]))
    else:
        main()

"""Put the questions of case files to the kernel: `python -m tests.kernel.asked [FILE…]`.

Exit status 0: it decides nothing otherwise; 1: it does; 77: this machine cannot do it, and says why.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from policy.app.answer import Answer, Asking, Ruled
from policy.app.ask import ask
from policy.app.kernel import Kernels, Side
from policy.app.load import load
from policy.app.problem import CannotAnswer
from policy.app.question import read_question
from policy.diagnostic import Mistakes
from policy.host import UNKNOWN_HOST, Host, own
from policy.source import Source

CANNOT = 77
CASES = Path(__file__).resolve().parents[1] / "cases" / "ask"


@dataclass(frozen=True)
class Found:
    """What the kernel said about one packet of a question."""

    chunk: str
    question: str
    role: str
    verdict: str
    ruled: Ruled


def main(*files: str) -> int:
    """Print what the kernel decides otherwise, and how much there was, as JSON."""
    counts: Counter[str] = Counter()
    disagreements = []
    cannot: set[str] = set()
    for path in [Path(each) for each in files] or sorted(
        [*CASES.glob("iptables*.case"), *CASES.glob("nftables*.case")]
    ):
        for number, text in enumerate(re.split(r"^---\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE), 1):
            for each in asked(f"{path.stem}-{number}", text, cannot):
                counts["packets"] += 1
                if each.ruled.agrees is None:
                    counts[f"not compared: {each.ruled.why}"] += 1
                elif each.ruled.agrees:
                    counts["comparisons"] += 1
                else:
                    disagreements.append(
                        f"{each.chunk}: {each.question}: {each.role}: fwpolicy {each.verdict}, Linux {each.ruled}"
                    )
    if not counts["packets"]:
        sys.stdout.write("; ".join(sorted(cannot)) + "\n")
        return CANNOT
    sys.stdout.write(json.dumps({"counts": counts, "disagreements": disagreements, "cannot": sorted(cannot)}, indent=1))
    return 1 if disagreements else 0


def asked(name: str, text: str, cannot: set[str]) -> Iterator[Found]:
    """Yield what the kernel says about the packets of all questions of a chunk (`tests/test_ask_cases.py`)."""
    host, assume = UNKNOWN_HOST, {}
    questions: list[tuple[str, Host, dict[str, bool]]] = []
    for line in text.splitlines():
        if line.startswith("#! local "):
            host |= own(line.removeprefix("#! local ").strip())
        elif line.startswith("#! assume "):
            key, _, holds = line.removeprefix("#! assume ").strip().partition("=")
            assume[key] = holds == "yes"
        elif line.startswith("#?"):
            questions.append((line.removeprefix("#?").partition("=>")[0], host, dict(assume)))
    for (known, settled), several in groupby(questions, key=itemgetter(1, 2)):
        try:
            ruleset = load(Source("rules", text), host=known)
        except (CannotAnswer, Mistakes):
            continue
        with Kernels([Side(ruleset, known)], settled) as kernels:
            if kernels.cannot is not None:
                cannot.add(kernels.cannot)
                continue
            for question, _, _ in several:
                asking = Asking("--packet" in question, known, settled)
                with suppress(CannotAnswer, Mistakes):
                    answer = ask(ruleset, read_question(question.replace("--packet", "").strip(), ruleset), asking)
                    yield from _found(name, question, kernels.judged(answer))


def _found(name: str, question: str, answer: Answer) -> Iterator[Found]:
    for hook in answer.hooks:
        for region in hook.regions:
            for each in region.packets:
                if each.kernel is not None:
                    yield Found(name, question.strip(), each.role, each.decision.verdict, each.kernel)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

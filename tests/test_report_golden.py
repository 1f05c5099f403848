"""What the commands print, as files in `golden/`: UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.command import run
from tests.sample_checks import samples  # noqa: F401 (a fixture)

GOLDEN = Path(__file__).parent / "golden"

DOCKER = (
    "docker.iptables",
    *("--local", "192.0.2.10/24@eth0", "--local", "172.17.0.1/16@docker0", "--local", "172.18.0.1/16@br-5c2e81d94a07"),
)

CASES: dict[str, tuple[str, ...]] = {
    "ask-allowed": ("ask", "office.fw", "tcp/5432", "from", "10.1.2.3", "to", "db"),
    "ask-blocked": ("ask", "office.fw", "tcp/5433 from 10.1.2.3 to db"),
    "ask-rejected": ("ask", "office.fw", "tcp/23 from 10.1.2.3 to db"),
    "ask-one-packet": ("ask", "office.fw", "--packet", "tcp/5432 from 10.1.2.3 to db"),
    "ask-set": ("ask", "office.fw", "tcp/{80,5432} from office to db"),
    "ask-reply": ("ask", "stateless.fw", "tcp/587 from 10.60.0.7:51000 to mail at forward"),
    "ask-depends": ("ask", "server.iptables", "tcp/80 from 198.51.100.7 to 192.0.2.1 at input"),
    "ask-assumed": (
        "ask",
        "server.iptables",
        "tcp/22 from 198.51.100.7 to 192.0.2.1 at input",
        "--assume",
        "set:good:src=yes",
    ),
    "ask-mixed": ("ask", "server.iptables", "tcp/22 from 10.0.0.7 to 192.0.2.1"),
    "ask-folded": ("ask", "many.fw", "tcp/2000 from 10.0.0.15"),
    "ask-traced": ("ask", "many.fw", "tcp/2000 from 10.0.0.15", "--trace"),
    "ask-regions": ("ask", "office.fw", "tcp/443 from any to any"),
    "ask-many-regions": ("ask", "office.fw", "any", "--trace"),
    "ask-set-replies": ("ask", "stateless.fw", "tcp/{25,587} from clients to mail at forward"),
    "ask-set-depends": ("ask", "server.iptables", "tcp from 198.51.100.7 to 192.0.2.1 at input"),
    "ask-nat": ("ask", *DOCKER, "tcp/8080 from 203.0.113.9 to 192.0.2.10 in eth0"),
    "ask-nat-traced": ("ask", *DOCKER, "tcp/443 from 172.17.0.2 to 203.0.113.9 in docker0 out eth0", "--trace"),
    "ask-nat-unknown": ("ask", "dnat.iptables", "tcp/8080 from 203.0.113.9:51000 to 192.0.2.10 in eth0 at input"),
    "ask-nat-part": ("ask", *DOCKER, "tcp from 203.0.113.9 to 192.0.2.10 in eth0"),
    "ask-together": ("ask", "server.iptables", "--with", "server.ip6tables", "tcp/22 from any at input"),
    "ask-bad-question": ("ask", "office.fw", "tcp/5432 frm 10.1.2.3"),
    "mistakes": ("ask", "mistakes.fw", "tcp/5432 from 10.1.2.3"),
    "missing-file": ("show", "none.fw"),
    "show-office": ("show", "office.fw"),
    "show-server": ("show", "server.iptables"),
    "show-matrix-office": ("show", "office.fw", "--matrix"),
    "show-matrix-server": ("show", "server.iptables", "--matrix"),
    "fmt-diff": ("fmt", "--diff", "office.fw"),
    "fmt-check": ("fmt", "--check", "office.fw"),
    "usage": ("aks", "office.fw"),
    "lint-silenced": (
        "lint",
        "silenced.iptables",
        "--select",
        "FW101,FW108,FW109,FW812,FW813,FW820",
        "--baseline",
        "known.json",
    ),
    "play": ("play", "small.scenario.yaml"),
    "play-brief": ("play", "small.scenario.yaml", "--brief"),
    "play-steps": ("play", "small.scenario.yaml", "--step"),
    "explain": ("explain", "jump-cycle"),
    "explain-none": ("explain", "jmp-cycle"),
}

LINT: dict[str, tuple[str, ...]] = {
    "lint": ("lint", "server.iptables", "office.fw", "mistakes.fw", "--select", "FW901,FW902,FW911"),
    "lint-statistics": ("lint", "office.fw", "--statistics"),
    "lint-clean": ("lint", "stateless.fw", "--select", "FW902"),
}
"""Cases with sample checks."""

EVERY = [(kind, name) for kind in ("text", "json") for name in (*CASES, *LINT)]
EVERY += [(kind, name) for kind in ("sarif", "github", "gitlab", "junit") for name in LINT]


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_a_command_prints_what_it_did(
    kind: str, name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(GOLDEN / "inputs")
    if name in LINT:
        request.getfixturevalue("samples")
    arguments = [*(CASES | LINT)[name], *(["--format", kind] if kind != "text" else [])]
    done = run(*arguments)
    out = json.dumps(json.loads(done.out), indent=2) + "\n" if kind == "sarif" and done.out else done.out
    shown = f"$ fwpolicy {' '.join(arguments)}\n{out}--- standard error\n{done.err}--- exit {done.status}\n"
    file = GOLDEN / kind / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        file.write_text(shown, encoding="utf-8")
    assert shown == file.read_text(encoding="utf-8")


def test_every_golden_file_has_its_case() -> None:
    for kind in {kind for kind, _ in EVERY}:
        assert {file.stem for file in (GOLDEN / kind).iterdir()} == {name for each, name in EVERY if each == kind}

"""What `ask --kernel` says: with this machine's Linux, and where it cannot be had.

`python -m tests.kernel.asked` puts the questions of all case files to it.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from policy.host import UNKNOWN_HOST
from policy.kernel import child, tools
from policy.kernel.child import Kernel, Rules
from policy.kernel.tools import Unavailable
from tests.command import ROOT, run
from tests.kernel import asked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the judge is Linux")

RULES = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -m connmark --mark 7 -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT
"""
QUESTION = "tcp/22 from 192.0.2.1 to 192.0.2.2 at input"
BLOCKED = "tcp/23 from 192.0.2.1 to 192.0.2.2 at input"


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.v4"
    path.write_text(RULES, encoding="utf-8")
    return str(path)


@pytest.fixture
def kernel() -> None:
    try:
        Kernel(Rules(RULES, 4, UNKNOWN_HOST)).close()
    except Unavailable as error:
        pytest.skip(str(error))


def told(text: str) -> str:
    """Return what is said about the kernel, with the same versions everywhere."""
    said = text[text.index("kernel: ") :]
    return re.sub(r"Linux \S+, (\S+?)-(?:nft|legacy)-restore v\S+ \(\w+\)", r"Linux, \1", said)


@pytest.mark.usefixtures("kernel")
def test_case_files_are_decided_the_same() -> None:
    """Each third of the rule sets of every file; `python -m tests.kernel.asked` takes all."""
    found = [
        each
        for path in sorted(asked.CASES.glob("iptables*.case"))
        for number, text in enumerate(re.split(r"^---\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
        if number % 3 == 0
        for each in asked.asked(f"{path.stem}-{number + 1}", text, set())
    ]
    assert [each for each in found if each.ruled.agrees is False] == []
    assert sum(each.ruled.agrees is True for each in found) >= 40


@pytest.mark.usefixtures("kernel")
def test_agreement_is_one_line(rules: str) -> None:
    done = run("ask", rules, "--packet", QUESTION, "--kernel")
    assert done.status == 0, done.err
    assert told(done.out) == "kernel: decides the same (Linux, iptables)\n"


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize(("mark", "verdict"), [(7, "allow"), (8, "block")])
def test_connections_have_their_mark(rules: str, mark: int, verdict: str) -> None:
    question = f"{BLOCKED} state established with ctmark {mark}"
    done = run("ask", rules, "--packet", question, "--kernel", "--format", "json")
    (packet,) = done.json()["hooks"][0]["packets"]
    assert (packet["verdict"], packet["kernel"]["verdict"], packet["kernel"]["agrees"]) == (verdict, verdict, True)


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("state", ["invalid", "untracked"])
def test_packets_without_a_connection(rules: str, state: str) -> None:
    done = run("ask", rules, "--packet", f"{BLOCKED} state {state}", "--kernel")
    assert done.status == 1, done.err
    assert told(done.out).startswith("kernel: ")


@pytest.mark.usefixtures("kernel")
def test_a_status_that_cannot_be_made(tmp_path: Path) -> None:
    """The first packet opens no connection; the entry made in its place is assured, that of Linux is not yet."""
    path = tmp_path / "rules.v4"
    rule = "-A OUTPUT -m conntrack --ctstatus ASSURED -j ACCEPT\nCOMMIT"
    path.write_text(RULES.replace("OUTPUT ACCEPT", "OUTPUT DROP").replace("COMMIT", rule), encoding="utf-8")
    done = run("ask", str(path), BLOCKED, "--kernel")
    assert done.status == 1, done.err
    assert "  reply: not compared: no connection of such a status is made here\n" in told(done.out)


@pytest.mark.usefixtures("kernel")
def test_packets_have_what_it_says(rules: str, tmp_path: Path) -> None:
    packets = tmp_path / "packets"
    packets.write_text(
        '{"id": 1, "hook": "input", "src": "192.0.2.1", "dst": "192.0.2.2", "proto": "tcp", "dport": 23}'
    )
    (row,) = run("ask", rules, "--packets", str(packets), "--kernel").rows()
    assert row["kernel"] == {"verdict": "block", "agrees": True, "reason": None, "left": None}


@pytest.mark.usefixtures("kernel")
def test_a_disagreement_is_loud(rules: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other rules are loaded than those that are asked: what the kernel says of them is not what we say."""
    loaded = child._loaded
    others = Rules(RULES.replace("--dport 22", "--dport 23"), 4, UNKNOWN_HOST)
    monkeypatch.setattr(child, "_loaded", lambda devices, _: loaded(devices, others))
    done = run("ask", rules, "--packet", QUESTION, "--kernel")
    assert done.status == 2
    assert told(done.out) == (
        "kernel: decides otherwise about the packet (Linux, iptables)\n"
        "  first packet: blocked, but fwpolicy says allowed\n"
    )
    assert "please report" in done.err
    (packet,) = run("ask", rules, "--packet", QUESTION, "--kernel", "--format", "json").json()["hooks"][0]["packets"]
    assert (packet["kernel"]["verdict"], packet["kernel"]["agrees"]) == ("block", False)


@pytest.mark.usefixtures("kernel")
def test_rules_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.v4"
    path.write_text(RULES.replace("-A INPUT -p tcp", "-A INPUT -m set --match-set none src -p tcp"), encoding="utf-8")
    done = run("ask", str(path), "--packet", BLOCKED, "--kernel")
    assert done.status == 1
    assert re.search(
        r"is not asked: iptables-\w+-restore refuses line \d of the rules: Set none doesn't exist", done.err
    )
    assert "kernel:" not in done.out


def test_without_tools(rules: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_PATH", "")
    done = run("ask", rules, "--packet", QUESTION, "--kernel")
    assert done.status == 0
    assert done.err.startswith("warning: the kernel of this machine is not asked: ")
    told = run("ask", rules, "--packet", QUESTION, "--kernel", "--format", "json").json()
    assert told["kernel"]["by"] is None
    assert told["kernel"]["cannot"]


def test_native_rules() -> None:
    done = run("ask", str(ROOT / "rules" / "office" / "rules.fw"), "tcp/443 from any to 10.2.0.5", "--kernel")
    assert "only rules of nftables, and dumps of iptables" in done.err


NETDEV = """table netdev d {
	chain one { type filter hook ingress device "eth3" priority 0; policy accept; }
	chain two { type filter hook ingress devices = { eth4, eth5 } priority 0; policy accept; }
}
table inet f {
	chain c { type filter hook input priority 0; policy drop; tcp dport 22 accept; }
}
"""
FLOWTABLE = """table inet f {
	flowtable t {
		hook ingress priority 0
		devices = { eth3 }
	}
	chain c { type filter hook input priority 0; policy drop; tcp dport 22 accept; }
}
"""


@pytest.mark.usefixtures("kernel")
def test_devices_that_chains_and_flowtables_name(tmp_path: Path) -> None:
    rules = tmp_path / "rules.nft"
    rules.write_text(NETDEV)
    done = run("ask", str(rules), "--packet", QUESTION, "--kernel")
    assert "kernel: decides the same" in done.out
    rules.write_text(FLOWTABLE)
    done = run("ask", str(rules), "--packet", QUESTION, "--kernel")
    lacks = "nft refuses line 2 of the rules: this kernel has no flowtables (CONFIG_NF_FLOW_TABLE)"
    assert "kernel: decides the same" in done.out or lacks in done.err


@pytest.mark.usefixtures("kernel")
def test_a_process_that_is_killed() -> None:
    kernel = Kernel(Rules(RULES, 4, UNKNOWN_HOST))
    assert kernel._process.pid is not None
    os.kill(kernel._process.pid, signal.SIGKILL)
    with pytest.raises(Unavailable, match="has ended"):
        kernel.rule([])
    kernel.close()

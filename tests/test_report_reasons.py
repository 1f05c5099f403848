"""What an answer says that it hangs on, and why a rule does not match: in words, and with its place."""

from pathlib import Path

from policy.app.answer import PacketAnswer
from policy.evaluate import Decision
from policy.packet import INPUT, complete
from policy.report.reasons import dependencies
from tests.command import run

TIMED = "create banned hash:ip family inet timeout 600\nadd banned 203.0.113.9 timeout 555\n"
BANNED = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m set --match-set banned src -j DROP\nCOMMIT\n"
LAST_HOP = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m ttl --ttl-eq 1 -j DROP\nCOMMIT\n"


def test_what_a_set_may_still_have_has_a_place(tmp_path: Path) -> None:
    dump, sets = tmp_path / "rules.v4", tmp_path / "sets"
    dump.write_text(BANNED)
    sets.write_text(TIMED)
    done = run("ask", str(dump), "--ipset", str(sets), "tcp/22 from 203.0.113.9 to 192.0.2.1 in eth0 at input")
    assert "v4:3:1: it depends on an entry with a timeout still being in set banned" in done.out


def test_a_ttl_that_a_rule_does_not_see_is_told_as_such(tmp_path: Path) -> None:
    dump = tmp_path / "rules.v4"
    dump.write_text(LAST_HOP)
    done = run("ask", str(dump), "--trace", "udp/53 from 192.0.2.9 to 203.0.113.9 in eth0 out eth1")
    assert "the packet is not seen with a TTL of 1" in done.out


def test_the_status_of_a_connection_has_a_name_and_a_place(tmp_path: Path) -> None:
    dump = tmp_path / "rules.v4"
    dump.write_text(
        "*nat\n-A PREROUTING -d 192.0.2.0/28 -j DNAT --to-destination 192.0.2.2-192.0.2.3\nCOMMIT\n"
        "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT\nCOMMIT\n"
    )
    done = run(
        "ask", str(dump), "--local", "192.0.2.10/24@eth1", "--packet", "tcp/22 from 203.0.113.9 to 192.0.2.2 in eth0"
    )
    assert "v4:6:25: it depends on connection status DNAT" in done.out


def test_what_hangs_on_nothing_that_is_told_has_words() -> None:
    packet = complete({"src": 1, "dst": 2, "proto": 6, "hook": INPUT})
    (said,) = dependencies(PacketAnswer("reply", packet, (), Decision("depends", packet)))
    assert said.text == "what becomes of the first packet, which is not known"

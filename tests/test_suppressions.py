"""Comments that silence checks: what they belong to in each language, and what is silent."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.app.load import load
from policy.diagnostic import Mistakes
from policy.ir import Ruleset
from policy.source import Source
from policy.written import Suppression
from tests.command import run


def rules(text: str) -> Ruleset:
    return load(Source("x", text))


def said(suppressions: tuple[Suppression, ...]) -> list[tuple[tuple[str, ...], str | None]]:
    return [(each.checks, each.reason) for each in suppressions]


def strays(text: str) -> list[tuple[int, str]]:
    return [(each.span.line, each.reason) for each in rules(text).stray]


DUMP = """\
# fwpolicy: ignore-file FW404: the host is behind another firewall
*nat
# fwpolicy: ignore FW201: one
:POSTROUTING DROP [0:0]
COMMIT
*filter
# fwpolicy: ignore FW402: two
# the next line is the policy
:INPUT ACCEPT [0:0]
# fwpolicy: ignore FW115: three
:web - [0:0]
# fwpolicy: ignore FW205, shadowed-Conflict: four
# fwpolicy: ignore fw206: five
[3:4] -A INPUT -p tcp -m comment --comment "a \\"b\\"; fwpolicy: ignore FW207: six: \\"quoted\\"" -j ACCEPT
-I INPUT -p udp -m comment --comment fwpolicy:ignore -j ACCEPT
-P FORWARD DROP
COMMIT
"""


def test_in_iptables_they_belong_to_the_line_below_and_to_the_rule_that_carries_them() -> None:
    ruleset = rules(DUMP)
    policies = ruleset.policies
    assert said(ruleset.suppressions) == [(("FW404",), "the host is behind another firewall")]
    assert said(policies["nat:POSTROUTING"].suppressions) == [(("FW201",), "one")]
    assert said(policies["INPUT"].suppressions) == [(("FW402",), "two")]
    assert said(policies["web"].suppressions) == [(("FW115",), "three")]
    assert said(policies["INPUT"].rules[0].suppressions) == [((), None)]
    assert said(policies["INPUT"].rules[1].suppressions) == [
        (("FW205", "shadowed-conflict"), "four"),
        (("FW206",), "five"),
        (("FW207",), 'six: "quoted"'),
    ]
    assert ruleset.stray == ()


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["# fwpolicy: ignore FW101: x", "", "-A INPUT -j DROP"], "it belongs to no rule"),
        (["-A INPUT -j DROP", "# fwpolicy: ignore FW101: x"], "it belongs to no rule"),
        (["# fwpolicy: ignroe FW101: x", "-A INPUT -j DROP"], "it cannot be read"),
        (["# fwpolicy: ignore FW101 FW102", "-A INPUT -j DROP"], "it cannot be read"),
        (['-A INPUT -m comment --comment "see fwpolicy: ignore ,FW101" -j DROP'], "it cannot be read"),
        (["# fwpolicy: ignore FW101: x", "-A INPUT -j DROP", "-F INPUT"], "is not in force"),
        (["-A INPUT -j DROP", "# fwpolicy: ignore FW101: x", "-D INPUT 1"], "is not in force"),
        (["# fwpolicy: ignore FW101: x", ":a - [0:0]", ":a - [0:0]"], "is not in force"),
    ],
)
def test_in_iptables_what_belongs_to_nothing_is_known(lines: list[str], reason: str) -> None:
    ((_, found),) = strays("\n".join(["*filter", *lines, "COMMIT", ""]))
    assert reason in found


def test_a_deletion_does_not_see_suppressions() -> None:
    text = "*filter\n# fwpolicy: ignore FW101: x\n-A INPUT -j DROP\n-D INPUT -j DROP\nCOMMIT\n"
    assert rules(text).policies["INPUT"].rules == ()


NATIVE = """\
policy p { # fwpolicy: ignore-file FW404: one
    # fwpolicy: ignore FW401: two
    # another comment
    default allow # fwpolicy: ignore FW402: three
    allow tcp/{22, # fwpolicy: ignore FW201: four
        23}
}
"""


def test_in_the_native_language_a_default_has_its_own() -> None:
    ruleset = rules(NATIVE)
    policy = ruleset.policies["p"]
    assert said(ruleset.suppressions) == [(("FW404",), "one")]
    assert policy.suppressions == ()
    assert said(policy.default_suppressions) == [(("FW401",), "two"), (("FW402",), "three")]
    assert said(policy.rules[0].suppressions) == [(("FW201",), "four")]
    assert ruleset.stray == ()


def test_in_the_native_language_what_belongs_to_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "q.fw").write_text("# fwpolicy: ignore-file FW101: x\n# fwpolicy: ignore FW101: x\n")
    (tmp_path / "p.fw").write_text(
        "# fwpolicy: ignore FW101: x\n"
        'include "q.fw" # fwpolicy: ignore FW101: x\n'
        "policy p {\n"
        "    # fwpolicy: ignore FW101: x\n"
        "\n"
        "    allow any\n"
        "    # fwpolicy: ignore FW101: x\n"
        "} # fwpolicy: ignore FW101: x\n"
        "# fwpolicy: ignore FW101: x\n"
    )
    done = run("lint", str(tmp_path / "p.fw"), "--format", "json", "--select", "FW812")
    found = [(Path(each["file"]).name, each["line"]) for each in done.json()["findings"]]
    assert found == [("p.fw", line) for line in (1, 2, 4, 7, 8, 9)] + [("q.fw", 2)]
    assert done.status == 1


PRINTABLE = st.text(
    st.characters(min_codepoint=32, exclude_characters='"\\', exclude_categories=["Cs", "Cc", "Zl", "Zp"])
)
SAID = st.lists(st.sampled_from([" ", "ignore", "-file", "FW101", "fw1", ",", ":", "redundant-forward", "#", "x"])).map(
    "".join
)


@given(PRINTABLE | SAID)
def test_no_comment_for_fwpolicy_is_lost(said: str) -> None:
    """Each is a suppression of the rule or the file, or a stray."""
    for line, rule in ((f"# fwpolicy:{said}\n", ""), ("", f' -m comment --comment "fwpolicy:{said[:200]}"')):
        found = rules(f"*filter\n{line}-A INPUT{rule} -j DROP\nCOMMIT\n")
        (only,) = found.policies["INPUT"].rules
        assert len(only.suppressions) + len(found.suppressions) + len(found.stray) == 1
    native = f"policy p {{\n    # fwpolicy:{said}\n    block any\n}}\n"
    try:
        again = rules(native)
    except Mistakes:
        return
    assert len(again.policies["p"].rules[0].suppressions) + len(again.suppressions) == 1
    assert not again.stray


TWICE = "policy p {\n    default block\n    allow tcp/22\n    allow tcp/22 # fwpolicy: ignore FW108%s: x\n}\n"


def codes(text: str, *options: str) -> list[str]:
    done = run("lint", "-", "--format", "json", *options, stdin=text.encode())
    return [each["code"] for each in done.json()["findings"]]


def test_names_and_codes_silence() -> None:
    select = ("--select", "FW108,FW109,FW812,FW813")
    assert codes(TWICE % "", *select) == []
    assert codes(TWICE.replace("FW108", "Duplicate-Rule") % "", *select) == []
    assert codes(TWICE.replace("FW108", "FW109, fw108") % "", *select) == ["FW812"]


def test_a_whole_file_is_silent_and_only_that_file(tmp_path: Path) -> None:
    twice = "    allow tcp/22\n    allow tcp/22\n"
    (tmp_path / "p.fw").write_text('include "q.fw"\npolicy p {\n    default block\n    call q any\n' + twice + "}\n")
    (tmp_path / "q.fw").write_text("policy q {\n" + twice + "} # fwpolicy: ignore-file FW108: generated\n")
    done = run("lint", str(tmp_path), "--format", "json", "--select", "FW108,FW812,FW813")
    assert [Path(each["file"]).name for each in done.json()["findings"]] == ["p.fw"]


def test_what_is_not_known_to_be_useless_is_not_called_so() -> None:
    text = TWICE.replace("FW108", "FW104") % ""
    assert codes(text, "--select", "FW812") == []
    assert codes(text, "--select", "FW104,FW812") == ["FW812"]
    blanket = "policy p {\n    default block\n    allow tcp/443 from 10.0.0.0/8 # fwpolicy: ignore: x\n}\n"
    assert codes(blanket) == ["FW812"]
    assert codes(blanket, "--ignore", "FW101") == []
    assert codes(TWICE % "", "--budget", "0.000001") == []


def test_a_comment_is_silent_of_itself_only_by_name() -> None:
    text = "policy p {\n    default block\n    allow tcp/443 from 10.0.0.0/8 # fwpolicy: ignore%s\n}\n"
    assert codes(text % "") == ["FW812"]
    assert codes(text % " FW108, FW812: x") == []
    assert codes(text % " FW813, FW108, FW812") == []
    found = "policy p {\n    default block\n    allow tcp/443\n    allow tcp/443 # fwpolicy: ignore%s\n}\n"
    assert codes(found % "") == ["FW813"]
    assert codes(found % " FW108") == ["FW813"]
    assert codes(found % " FW108, FW813") == []


@pytest.mark.parametrize(
    ("comments", "found"),
    [
        (("", ""), ["FW113"]),
        (("FW205: x", ""), ["FW812"]),
        (("FW205: x", "FW205: x"), ["FW113", "FW812", "FW812"]),
        (("FW113: x", ""), []),
    ],
)
def test_rules_that_are_silent_of_something_each_are_not_one(comments: tuple[str, str], found: list[str]) -> None:
    said = [f" # fwpolicy: ignore {each.replace('FW205', 'FW110')}" if each else "" for each in comments]
    text = f"policy p {{\n    default block\n    allow tcp/22{said[0]}\n    allow tcp/23{said[1]}\n}}\n"
    assert sorted(codes(text, "--select", "FW110,FW113,FW812,FW813")) == found


def test_a_comment_in_a_file_that_two_include_is_useless_with_both(tmp_path: Path) -> None:
    (tmp_path / "q.fw").write_text("policy q {\n    allow tcp/22 # fwpolicy: ignore FW103: x\n    allow udp/53\n}\n")
    (tmp_path / "a.fw").write_text('include "q.fw"\npolicy p {\n    default block\n    call q any\n}\n')
    before = "    block tcp/22 from 0.0.0.0/1\n    block tcp/22 from 128.0.0.0/1, ::/0\n"
    (tmp_path / "b.fw").write_text('include "q.fw"\npolicy p {\n    default block\n' + before + "    call q any\n}\n")
    found = run("lint", str(tmp_path), "--format", "json", "--select", "FW103,FW812").json()["findings"]
    assert [each["code"] for each in found if each["file"].endswith("q.fw")] == []
    (tmp_path / "b.fw").unlink()
    found = run("lint", str(tmp_path), "--format", "json", "--select", "FW103,FW812").json()["findings"]
    assert [each["code"] for each in found] == ["FW812"]

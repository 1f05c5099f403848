"""The right answers on a Docker and a libvirt host: the same that Linux gives (`tests/kernel/test_talks.py`)."""

from __future__ import annotations

import re

import pytest

from tests.command import run
from tests.talks import DOCKER_27, DOCKER_28, LIBVIRT, TALKS, Host, Talk

CASES = [pytest.param(host, talk, id=f"{host.rules}: {talk.question}") for host, talks in TALKS for talk in talks]


@pytest.mark.parametrize(("host", "talk"), CASES)
def test_the_answer_is_right(host: Host, talk: Talk) -> None:
    if not host.file.is_file():
        pytest.skip("no corpus: set FWPOLICY_CORPUS to its folder")
    answer = run("ask", str(host.file), *host.local, talk.question, "--format", "json").json()
    assert answer["verdict"] == ("allow" if talk.heard else "block")
    (first, *others) = answer["hooks"][0]["packets"]
    packet = first if talk.heard else next(each for each in (first, *others) if each["verdict"] == "block")
    rule = packet["rule"]
    if talk.rule is None:
        assert packet["implicit"] == "default"
        assert rule is None
    elif talk.rule != "*":
        assert rule["text"].startswith(talk.rule)
    rewritten = packet["rewritten"]
    if talk.heard:
        target = (rewritten.get("dst", talk.target), rewritten.get("dport", str(talk.port)))
        assert target == (talk.to or (talk.target, str(talk.port)))
        # Where the host masquerades it takes an address of its own: that of the device.
        assert talk.seen is None or talk.seen in rewritten["src"].split(", ")
        assert (talk.seen is None) == ("src" not in rewritten)


@pytest.mark.parametrize("host", [DOCKER_27, DOCKER_28, LIBVIRT], ids=lambda host: host.rules)
def test_the_table_of_the_page_has_the_right_answers(host: Host) -> None:
    page = host.file.with_name("README.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `(tcp/.*)` \| (\w+) \|", page, re.MULTILINE))
    assert len(table) > 5
    expected = {
        talk.question: "allowed" if talk.heard else "blocked" for each, some in TALKS for talk in some if each is host
    }
    for question, answer in table.items():
        assert expected[question] == answer.replace("rejected", "blocked")
        said = run("ask", str(host.file), *host.local, question).out
        assert said.startswith(f"{expected[question]}: ")
        assert (": rejected by this rule" in said) == (answer == "rejected")

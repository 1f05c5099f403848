"""A small lesson in a folder, and the same with other texts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from policy.learn.lesson import Lesson
from policy.learn.read import read_lesson

SMALL = """\
title: First match
minutes: 5
questions:
  - ask: What becomes of a packet to port 22?
    choices: [It passes, It is dropped]
    answer: 2
    because: No rule lets it through, and the default is to deny.
    rules: solution.fw
    question: tcp/22 to 192.0.2.80
    verdict: block
  - ask: What does the client see?
    choices: [It is connected, Nothing]
    answer: 1
    because: The port is permitted and somebody listens.
    scenario: play.scenario.yaml
    step: 2
    result: connected
  - ask: How many ports are there?
    choices: ["65536", "1024"]
    answer: 1
    because: The field has 16 bits.
    fact: RFC 9293, section 3.1
exercise:
  task: Let the web in, and nothing else.
  start: start.fw
  solution: solution.fw
  wrong:
    wrong-any.fw: It lets in SSH as well.
  promises:
    - allow: tcp/443 to 192.0.2.80
    - block: tcp/22 to 192.0.2.80
      hint: Look at the last rule.
  connections:
    - open: tcp/443 from 198.51.100.1 to 192.0.2.80
"""

FILES = {
    "page.md": "# First match\n\nThe first rule that matches decides.\n",
    "start.fw": "policy web {\n  default block\n}\n",
    "solution.fw": "policy web {\n  default block\n  allow tcp/443 to 192.0.2.80\n}\n",
    "wrong-any.fw": "policy web {\n  default block\n  allow to 192.0.2.80\n}\n",
    "play.scenario.yaml": """\
title: Small
hosts:
  client:
    interfaces: {eth0: 192.0.2.10/24}
  server:
    interfaces: {eth0: 192.0.2.80/24}
    firewall: solution.fw
links:
  net: [client/eth0, server/eth0]
steps:
  - listen: {on: server, port: tcp/https, as: web}
  - connect: {from: client, to: server, port: tcp/443}
    expect: connected
""",
}


def make(folder: Path, lesson: str = SMALL, files: Mapping[str, str] = FILES) -> Path:
    """Write a lesson into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**files, "lesson.yaml": lesson}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def made(folder: Path, lesson: str = SMALL, files: Mapping[str, str] = FILES) -> Lesson:
    return read_lesson(str(make(folder, lesson, files)))

"""Scenarios that are right, and what is wrong with others."""

from __future__ import annotations

import re

import pytest

from policy.app.scenario.read import read_scenario
from policy.diagnostic import Diagnostic, Mistakes
from policy.simulate.scenario import Scenario
from policy.source import Source
from tests.command import ROOT

RIGHT = re.sub(
    r" *(assume: .*)?###.*", "", (ROOT / "tests" / "cases" / "scenario" / "right.case").read_text(encoding="utf-8")
)
"""All that a scenario may say."""

SMALL = """\
title: Small
hosts:
  client:
    interfaces: {eth0: 192.0.2.10/24}
    routes: {default: 192.0.2.1}
  server:
    interfaces: {eth0: 192.0.2.80/24}
links:
  net: [client/eth0, server/eth0]
steps:
  - listen: {on: server, port: tcp/https, as: web}
  - connect: {from: client, to: server, port: tcp/443, as: shop}
    expect: connected
"""


def read(text: str) -> Scenario:
    return read_scenario(Source("x.scenario.yaml", text))


def mistakes(text: str) -> list[Diagnostic]:
    with pytest.raises(Mistakes) as caught:
        read(text)
    return caught.value.diagnostics


def only(text: str) -> Diagnostic:
    (found,) = mistakes(text)
    return found

"""Chains that programs fill, by their names: container engines, Kubernetes and its networks, libvirt."""

from __future__ import annotations

LEFT_TO_USERS = ("DOCKER-USER", "CNI-ADMIN")
"""The chains that programs leave to their users."""

_PROGRAMS = ("DOCKER", "CNI-", "KUBE-", "NETAVARK", "LIBVIRT_", "CILIUM_", "cali-", "FLANNEL", "WEAVE", "ufw-docker")
"""How the names of chains begin that programs fill."""


def chain_of(policy: str) -> str:
    """Return the name of the chain that a policy is, without its table: `nat:DOCKER`, `ip nat DOCKER`."""
    words = policy.split(" ", 2)
    return words[2].partition(":")[0] if len(words) == 3 else policy.rpartition(":")[2]


def filled_by_program(policy: str) -> bool:
    """Are the rules of a chain made by a program?"""
    name = chain_of(policy)
    return name not in LEFT_TO_USERS and name.startswith(_PROGRAMS)

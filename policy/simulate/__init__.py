"""Hosts, sockets and firewalls that packets go through, step by step.

A *scenario* (`scenario`) says which hosts there are, what stands between them, and what is done; it is played on the
same evaluator and the same connection tracking as everything else.
"""

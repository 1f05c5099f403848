"""This machine's Linux as the judge: rules loaded into a network namespace of their own, packets, what became of them.

The namespace belongs to one process and ends with it: the network of the machine is never touched, and no packet
leaves the namespace.
"""

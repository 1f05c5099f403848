"""Read firewall rules and answer with proof: would this packet pass, and why?

Importing this package loads nothing else: the modules that do the work are imported where they are used.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"

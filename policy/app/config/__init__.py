"""What a configuration says, and where: `fwpolicy.toml`, or `[tool.fwpolicy]` in `pyproject.toml`."""

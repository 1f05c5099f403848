"""What every test may use: the settings of hypothesis and the corpus of real rule files."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
CORPUS = Path(os.environ.get("FWPOLICY_CORPUS") or ROOT.parent / "shared" / "corpus")

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None)
# The same examples on every run, unless HYPOTHESIS_PROFILE=dev asks for new ones.
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of rule files found in the wild, which is kept outside the project."""
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus at {CORPUS}: set FWPOLICY_CORPUS to its folder")
    return CORPUS

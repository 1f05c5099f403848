"""Find the folders of data (`grammar`, `rules`, `schemas`): beside the package in a checkout, else inside it."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_PLACES = (_PACKAGE, _PACKAGE.parent)  # an installed package has its data inside, so it never meets a neighbour's


def data_dir(name: str) -> Path:
    """The folder of data called `name`.

    >>> data_dir("grammar").name
    'grammar'
    """
    for place in _PLACES:
        folder = place / name
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"no folder `{name}` inside or beside {_PACKAGE}")

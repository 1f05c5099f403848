"""Build the sdist, the wheel from the sdist, and try the installed wheel where nothing of the checkout can help it."""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "policy": "policy",
    "grammar": "policy/grammar",
    "rules": "policy/rules",
    "schemas": "policy/schemas",
}  # in the tree: in the wheel
TABLES = "policy/language/tables/"
QUESTION = "tcp/5432 from 10.1.2.3 to db"  # which rules/office/rules.fw allows

# Nothing that makes Python look elsewhere may reach the commands under test.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_", "COVERAGE_"))
}


def run(*command: str | Path, cwd: Path, status: int = 0) -> str:
    """Run a command, demand its exit status, and return what it printed."""
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode != status:
        shown = " ".join(map(str, command))
        sys.exit(f"{shown}: exit status {done.returncode}, not {status}\n{done.stdout}{done.stderr}")
    return done.stdout


def tree() -> dict[str, bytes]:
    """What the wheel must hold: every file by its name there."""
    return {
        f"{place}/{file.relative_to(ROOT / folder).as_posix()}": file.read_bytes()
        for folder, place in FOLDERS.items()
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".tables"
    }


def compare(wheel: Path) -> None:
    """Demand that the wheel holds the tree's files, byte for byte, and nothing else but its own description."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    wanted = tree()
    tables = {name for name in packed if name.startswith(TABLES) and name.endswith(".tables")}
    if len(tables) < len(list((ROOT / "grammar").glob("*.lark"))) - 1:  # terminals.lark is a part of others
        sys.exit(f"{wheel.name}: the tables of the grammars are not in {TABLES}")
    packed = {name: data for name, data in packed.items() if name not in tables}
    different = sorted(name for name in packed.keys() | wanted.keys() if packed.get(name) != wanted.get(name))
    if different:
        sys.exit(f"{wheel.name} and the tree differ in: {', '.join(different)}")
    for folder in FOLDERS.values():
        if not any(name.startswith(f"{folder}/") for name in packed):
            sys.exit(f"{wheel.name}: nothing in {folder}/")


def probe(python: Path, work: Path, version: str) -> None:
    """Use what is installed, from a folder that has nothing and from one with a `policy/` of its own."""
    command = python.parent / "fwpolicy"
    empty = work / "empty"
    empty.mkdir()
    run(python, "-m", "policy", "--help", cwd=empty)
    for name in ("grammar", "rules"):
        run(python, "-c", f"import {name}", cwd=empty, status=1)

    # `python -m` looks in the current directory first, so it must fall into the trap: that is Python's rule, and shows
    # that the trap works. The command looks beside itself instead, and `python -P` looks in neither.
    trap = work / "trap"
    (trap / "policy").mkdir(parents=True)
    (trap / "policy" / "__init__.py").write_text("raise SystemExit(99)\n", encoding="utf-8")
    run(python, "-m", "policy", "--help", cwd=trap, status=99)
    run(python, "-P", "-m", "policy", "--help", cwd=trap)
    printed = run(command, "--version", cwd=trap)
    if version not in printed:
        sys.exit(f"fwpolicy --version: {printed.strip()}, not {version}")
    shutil.copytree(ROOT / "rules" / "office", trap / "office")
    print(run(command, "ask", "office/rules.fw", *QUESTION.split(), cwd=trap).rstrip())


def main() -> None:
    """Build, compare, install, probe; stop with a message at the first thing that is wrong."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name).resolve()
        run(
            sys.executable, "-m", "build", "--outdir", work / "dist", ROOT, cwd=work
        )  # the wheel is made from the sdist
        (wheel,) = (work / "dist").glob("*.whl")
        compare(wheel)
        venv.create(work / "venv", with_pip=True)
        python = work / "venv" / "bin" / "python"
        run(python, "-m", "pip", "install", "--disable-pip-version-check", wheel, cwd=work)
        probe(python, work, version=wheel.name.split("-")[1])
        print(f"{wheel.name}: built from the sdist, equal to the tree, works when installed")


if __name__ == "__main__":
    main()

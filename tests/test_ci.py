"""What docs/ci.md, action.yml and .pre-commit-hooks.yaml say is run, and does what they say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from policy.app.files import NATIVE, RULES
from tests.command import ROOT

DOCS = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(yaml|make|sh)\n(.*?)```", DOCS, re.DOTALL)
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
SCHEMAS = Path(__file__).parent / "schemas"

GOOD = "policy p {\n    default block\n    allow tcp/443 from 10.0.0.0/8\n}\n"
BAD = "policy p {\n    default block\n    allow tcp/443 from 10.0.0.0/8\n    block tcp/443 from 10.0.0.1\n}\n"

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))},
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a folder of rules, in which there is nothing wrong."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "good.fw").write_text(GOOD, encoding="utf-8")
    return tmp_path


def shell(script: str, project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script as GitHub and GitLab do."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=project,
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def job(name: str) -> list[dict[str, Any]]:
    """Return the jobs of the examples for a file."""
    texts = [text for kind, text in BLOCKS if kind == "yaml" and text.startswith(f"# {name}\n")]
    return [next(iter(loaded.get("jobs", loaded).values())) for loaded in map(yaml.safe_load, texts)]


def lines(script: list[str]) -> Iterator[str]:
    """Yield the lines of a script but those that install, for which the tests have installed already."""
    for line in script:
        if line.startswith("pip install "):
            assert line == "pip install 'fwpolicy[exact]'"
            assert (
                "exact"
                in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
                    "optional-dependencies"
                ]
            )
        else:
            yield line


def statuses(script: list[str], project: Path) -> list[int]:
    return [shell(line, project).returncode for line in lines(script)]


def make_bad(project: Path) -> None:
    (project / "rules" / "bad.fw").write_text(BAD, encoding="utf-8")


def holds(report: Path, schema: str) -> Any:
    said = json.loads(report.read_text(encoding="utf-8"))
    jsonschema.validate(said, json.loads((SCHEMAS / schema).read_text(encoding="utf-8")))
    return said


def test_github_without_the_action(project: Path) -> None:
    _, found = job(".github/workflows/firewall.yml")
    script = [step["run"] for step in found["steps"] if "run" in step]
    (upload,) = [step["with"]["sarif_file"] for step in found["steps"] if "upload-sarif" in step.get("uses", "")]
    assert statuses(script, project) == [0, 0]
    assert not holds(project / upload, "sarif-2.1.0.json")["runs"][0]["results"]
    make_bad(project)
    assert shell(script[-1], project).stdout.startswith("::error file=rules/bad.fw,line=4,")
    assert holds(project / upload, "sarif-2.1.0.json")["runs"][0]["results"][0]["ruleId"] == "FW101"


def run_action(project: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the last step of the action, with its inputs as GitHub gives them."""
    given = {name: each["default"] for name, each in ACTION["inputs"].items()} | inputs
    step = ACTION["runs"]["steps"][-1]

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: given[found[1]], text)

    assert "${{" not in step["run"], "an input would be read as a part of the script"
    return shell(step["run"], project, **{name: filled(text) for name, text in step["env"].items()})


def test_the_action(project: Path) -> None:
    found, _ = job(".github/workflows/firewall.yml")
    (inputs,) = [step["with"] for step in found["steps"] if step["uses"].startswith("OWNER/fwpolicy")]
    assert inputs.keys() <= ACTION["inputs"].keys()
    make_bad(project)
    done = run_action(project, **inputs)
    assert (done.returncode, done.stdout.count("::error ")) == (1, 1)
    (upload,) = [step["with"]["sarif_file"] for step in found["steps"] if "upload-sarif" in step["uses"]]
    assert holds(project / upload, "sarif-2.1.0.json")["runs"][0]["results"]


def test_the_action_takes_paths_line_by_line_and_nothing_as_a_script(project: Path) -> None:
    (project / "my rules").mkdir()
    (project / "my rules" / "$(touch x).fw").write_text(BAD, encoding="utf-8")
    done = run_action(project, paths="rules\nmy rules\n", args="--fail-on never")
    assert (done.returncode, done.stdout.count("::error ")) == (0, 1)
    assert "there is nothing to lint" in run_action(project).stderr
    run_action(project, paths="$(touch y); touch z", args="; touch z", sarif="`touch z`")
    assert not [path for path in project.iterdir() if path.name in "xyz"]
    (project / "fwpolicy.toml").write_text('paths = ["rules"]\n', encoding="utf-8")
    assert run_action(project).returncode == 0


def test_the_action_installs_itself() -> None:
    step = ACTION["runs"]["steps"][1]
    where = shell(step["run"].replace("python -m pip", "echo"), ROOT, GITHUB_ACTION_PATH=str(ROOT)).stdout.split()[-1]
    assert where == f"{ROOT}[exact]"
    assert (ROOT / "pyproject.toml").is_file()


def test_gitlab(project: Path) -> None:
    (found,) = job(".gitlab-ci.yml")
    reports = found["artifacts"]["reports"]
    assert statuses(found["script"], project) == [0]
    assert holds(project / reports["codequality"], "gitlab-code-quality.json") == []
    make_bad(project)
    assert statuses(found["script"], project) == [1]
    (entry,) = holds(project / reports["codequality"], "gitlab-code-quality.json")
    assert entry["location"] == {"path": "rules/bad.fw", "lines": {"begin": 4}}
    assert 'failures="1"' in (project / reports["junit"]).read_text(encoding="utf-8")


def test_make_and_shell(project: Path) -> None:
    for kind, text in BLOCKS:
        if kind == "make":
            (project / "Makefile").write_text(text, encoding="utf-8")
            script = "make check"
        elif kind == "sh":
            script = text
        else:
            continue
        assert shell(script, project).returncode == 0
        make_bad(project)
        assert shell(script, project).returncode in (1, 2)  # make has its own
        (project / "rules" / "bad.fw").unlink()
    assert "1 finding in 1 file: 1 error" in (project / "reports" / "lint.txt").read_text(encoding="utf-8")
    assert len(json.loads((project / "reports" / "lint.json").read_text(encoding="utf-8"))["findings"]) == 1


def test_the_hooks_take_the_files_that_commands_take() -> None:
    for hook, endings in zip(HOOKS, (RULES, NATIVE), strict=True):
        said = re.fullmatch(r"\\\.(?:\((.*)\)|(\w+))\$(?:\|(.*)\$)?", hook["files"])
        assert said
        whole = (said[3].replace("\\", ""),) if said[3] else ()
        assert (*(f".{ending}" for ending in (said[1] or said[2]).split("|")), *whole) == endings
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert HOOKS[0]["additional_dependencies"] == project["optional-dependencies"]["exact"]


@pytest.mark.skipif(shutil.which("git") is None, reason="pre-commit needs git")
def test_pre_commit(project: Path) -> None:
    """The example, with the hooks of this checkout and the command that is installed instead of one from afar."""
    config = yaml.safe_load(next(text for _, text in BLOCKS if text.startswith("# .pre-commit-config.yaml")))
    hooks = {hook["id"]: hook for hook in HOOKS}
    (repo,) = config["repos"]
    local = [
        {**hooks[hook["id"]], **hook, "language": "system", "additional_dependencies": []} for hook in repo["hooks"]
    ]
    (project / ".pre-commit-config.yaml").write_text(
        yaml.safe_dump({"repos": [{"repo": "local", "hooks": local}]}), encoding="utf-8"
    )
    (project / "rules" / "notes.txt").write_text("no rules\n", encoding="utf-8")
    home = {"PRE_COMMIT_HOME": str(project / ".cache"), "HOME": str(project)}
    assert shell("git init -q && git add rules .pre-commit-config.yaml", project, **home).returncode == 0
    done = shell("pre-commit run --all-files", project, **home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.rpartition(".")[2] for line in done.stdout.splitlines()] == ["Passed", "Passed"]
    (project / "rules" / "bad.fw").write_text(BAD.replace("    ", "  "), encoding="utf-8")
    done = shell("git add rules && pre-commit run", project, **home)
    assert done.returncode == 1
    assert "files were modified by this hook" in done.stdout
    assert "rules/bad.fw:4:5: error[FW101]" in done.stdout
    assert (project / "rules" / "bad.fw").read_text(encoding="utf-8") == BAD

"""The shape of the project: who may import whom, what stays optional, what is fixed at the top level."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("feature_store", "hawkeye_core", "flows")
# Each package may import itself and those before it.
ALLOWED = {package: set(PACKAGES[: i + 1]) for i, package in enumerate(PACKAGES)}


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_dependencies_point_one_way(package: str) -> None:
    assert sources(package)
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources(package)
        for module in imported_modules(path)
        if module.split(".")[0] in PACKAGES and module.split(".")[0] not in ALLOWED[package]
    ]
    assert not wrong, wrong


def test_a_wrong_direction_would_be_seen(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from flows.extract import main\n    import hawkeye_core.scene as s\n")
    assert list(imported_modules(bad)) == ["flows.extract", "hawkeye_core.scene"]


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("prefect", {"flows"}),
        ("ultralytics", {"hawkeye_core/yolo.py", "hawkeye_core/pose/yolo.py", "hawkeye_core/relation/yolo.py"}),
        ("av", set()),
        ("imageio_ffmpeg", set()),
    ],
)
def test_optional_and_heavy_packages_stay_in_their_place(module: str, allowed: set[str]) -> None:
    users = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in sources(package)
        if any(name.split(".")[0] == module for name in imported_modules(path))
    }
    outside = {user for user in users if user not in allowed and user.split("/")[0] not in allowed}
    assert not outside


def test_importing_the_core_pulls_in_nothing_heavy() -> None:
    code = (
        "import sys, feature_store, hawkeye_core, hawkeye_core.extraction.config, hawkeye_core.cli; "
        "heavy = ('torch', 'prefect', 'ultralytics', 'transformers', 'cv2', 'matplotlib'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == "[]"


def test_top_level_and_named_packages_are_as_fixed() -> None:
    for name in ("flows", "hawkeye_core", "feature_store", "tests", "pyproject.toml", "Makefile"):
        assert (ROOT / name).exists(), name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = {"torch", "transformers", "peft", "prefect", "pyarrow", "opencv-python", "torch-geometric", "accelerate"}
    stated = {text.split(">")[0].split("=")[0].split("<")[0].strip() for text in project["dependencies"]}
    assert needed <= stated
    assert [text.split(">")[0] for text in extras["yolo"]] == ["ultralytics"]
    assert "ultralytics" not in stated


def test_every_dependency_is_held_by_the_constraints() -> None:
    held = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            held[name.lower().replace("_", "-")] = version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {text.split(">")[0].split("=")[0].split("<")[0].strip().lower().replace("_", "-") for text in wanted}
    assert names <= set(held), names - set(held)
    assert (0, 139) <= tuple(int(part) for part in held["fastapi"].split(".")[:2]) < (0, 151)

"""What imports what: the directions of the design, and what an import must not bring along."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "photosearch"
# From the bottom up; a module imports from its own level or from below, stations not even from their own.
LEVELS = (
    {
        "__init__",
        "records",
        "errors",
        "settings",
        "analyzer",
        "images",
        "exif",
        "lookalikes",
        "drawing",
        "models",
        "graphs",
        "stations",
        "encoder",
    },
    {"captioner", "detector", "classifier", "alexnet", "concepts"},
    {
        "hypernyms",
        "expansion",
        "related",
        "fields",
        "library",
        "sources",
        "fetching",
        "index",
        "query",
        "filters",
        "spelling",
        "evaluation",
        "wording",
    },
    {
        "pipeline",
        "runs",
        "adding",
        "jobs",
        "measurement",
        "loader",
        "formats",
        "searcher",
        "seeds",
        "exporting",
        "tasks",
        "originals",
        "speed",
        "inspections",
    },
    {"workspace"},
    {"api", "cli", "quality"},
    {"ui", "__main__"},
)
STATIONS = LEVELS[1]
LEVEL_OF = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The full names of all that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path: Path) -> str:
    """The module or package right below photosearch that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms_imported(path: Path) -> set[str]:
    parts = [name.split(".") for name in imports(path)]
    return {part[1] for part in parts if part[0] == "photosearch" and part[1] in LEVEL_OF}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [p for p in MODULES if room(p) != "ui"], ids=name)
def test_only_ui_imports_streamlit(path):
    assert not [found for found in imports(path) if found.split(".")[0] == "streamlit"]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_point_one_way(path):
    here = room(path)
    assert here in LEVEL_OF, f"{here} has no place in LEVELS yet"
    for other in rooms_imported(path) - {here}:
        assert LEVEL_OF[other] <= LEVEL_OF[here], f"{here} imports {other}"


@pytest.mark.parametrize("path", [p for p in MODULES if room(p) in STATIONS], ids=name)
def test_stations_do_not_import_each_other(path):
    assert not rooms_imported(path) & (STATIONS - {room(path)})


@pytest.mark.parametrize("path", [*MODULES, ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))], ids=name)
def test_nothing_imports_training_or_tests(path):
    assert not [found for found in imports(path) if found.split(".")[0] in ("training", "tests", "benchmarks")]


@pytest.mark.parametrize("path", [p for p in MODULES if room(p) not in ("cli", "api", "ui", "__main__")], ids=name)
def test_what_lies_below_neither_prints_nor_ends_the_process(path):
    called = {node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)}
    assert not {"print", "exit", "quit"} & {func.id for func in called if isinstance(func, ast.Name)}
    assert "exit" not in {func.attr for func in called if isinstance(func, ast.Attribute)}


@pytest.mark.parametrize(
    "code",
    [
        "import photosearch",
        "import photosearch.workspace, photosearch.cli, photosearch.pipeline.analysis",
        "sys.argv = ['photosearch', '--help']; run()",
        "sys.argv = ['photosearch', 'search', 'a dog', '--collection', 'c']; run()",
    ],
)
def test_looking_up_needs_no_torch(code, library):
    library.merge("c", "folder", [])
    script = f"""
import sys
def run():
    import runpy
    try:
        runpy.run_module("photosearch", run_name="__main__")
    except SystemExit as end:
        assert not end.code, end.code
{code}
heavy = {{"torch", "streamlit", "sklearn", "skimage", "imagehash", "onnxruntime"}} & set(sys.modules)
assert not heavy, heavy
"""
    environment = {"PHOTOSEARCH_LIBRARY": str(library.folder), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_touches_no_disk(tmp_path):
    environment = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", "import photosearch.workspace"], cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []

"""What an import must not bring along; who may import whom is a contract in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

from photosearch.records import Details, Listing, TextKind

ROOT = Path(__file__).resolve().parents[2]


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
    library.merge("c", "folder", [Listing("a.jpg", "1", details=Details(texts=((TextKind.OWNER, "a dog"),)))])
    script = f"""
import sys
def run():
    import runpy
    try:
        runpy.run_module("photosearch", run_name="__main__")
    except SystemExit as end:
        assert not end.code, end.code
{code}
heavy = {{"torch", "streamlit", "scipy", "sklearn", "skimage", "imagehash", "onnxruntime"}} & set(sys.modules)
assert not heavy, heavy
"""
    environment = {"PHOTOSEARCH_LIBRARY": str(library.folder), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_a_command_imports_is_not_looked_through_for_garbage():
    script = """
import gc, runpy, sys
importing = []
gc.callbacks.append(lambda *_: importing.append("typer" in sys.modules and "photosearch.cli.tokens" not in sys.modules))
sys.argv = ["photosearch", "--version"]
try:
    runpy.run_module("photosearch", run_name="__main__")
except SystemExit:
    assert not any(importing)
    assert gc.isenabled() and gc.get_freeze_count() > 10_000
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_touches_no_disk(tmp_path):
    environment = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", "import photosearch.workspace"], cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []

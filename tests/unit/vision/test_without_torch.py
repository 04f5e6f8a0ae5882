"""Adding, captioning, looking into captions, the server and the pages do without torch: it takes seconds and memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import jpeg

CAPTION = """
import sys
from photosearch.cli import main
sys.argv[1:] = ["--library", sys.argv[1], "add", sys.argv[2]]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
"""
LOOK_INSIDE = """
import sys
from pathlib import Path
from photosearch.pictures.images import decode
from photosearch.settings import Settings
from photosearch.workspace import Workspace
workspace = Workspace(Settings(Path(sys.argv[1])))
workspace.warm_up()
inspector = workspace.inspections.open_inspector(decode(Path(sys.argv[2], "0.jpg").read_bytes()))
assert inspector.read(inspector.write()[0].text).attention.shape[1] == 64
"""
SERVE = """
import importlib, pkgutil
import photosearch.api, photosearch.ui
for package in (photosearch.api, photosearch.ui):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name != "photosearch.ui.site":  # which runs the app
            importlib.import_module(module.name)
"""
CHECK = """
import sys
assert "onnxruntime" in sys.modules or "photosearch.api.application" in sys.modules
found = {"torch", "torchvision", "transformers"} & sys.modules.keys()
assert not found, found
"""


@pytest.mark.parametrize("code", [CAPTION, LOOK_INSIDE, SERVE], ids=["caption", "look inside", "serve"])
def test_torch_is_not_imported(code: str, tmp_path: Path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "0.jpg").write_bytes(jpeg((200, 30, 30)))
    command = [sys.executable, "-W", "ignore", "-c", code + CHECK, str(tmp_path / "library"), str(photos)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr

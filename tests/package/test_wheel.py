"""The wheel, built from the checkout and installed into an environment of its own outside it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from photosearch import __version__
from tests.browser.server import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 300  # on a busy machine
MAX_BYTES = 100_000_000


class Installed:
    """An environment with the wheel: the dependencies are those of the running one, which a .pth file names."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        """Make the environment in `folder`, and unpack the wheel with pip, which needs no network for it."""
        self.folder = folder
        venv.create(folder, with_pip=False)
        paths = {"base": str(folder), "platbase": str(folder), "installed_base": str(folder)}
        self.packages = Path(sysconfig.get_path("purelib", "venv", vars=paths))
        self.scripts = Path(sysconfig.get_path("scripts", "venv", vars=paths))
        (self.packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        install = ["--python", str(self.scripts / "python"), "install", "-q", "--no-deps", "--no-index", str(wheel)]
        subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *install], check=True)

    def environment(self) -> dict[str, str]:
        """Return variables that lead to nothing of the checkout."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return {**kept, "PHOTOSEARCH_LIBRARY": str(self.folder / "library"), "OMP_NUM_THREADS": "1"}

    def command(self, *words: str) -> list[str]:
        """Return a command of the installed program."""
        return [str(self.scripts / "photosearch"), *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command outside the checkout."""
        options = {"capture_output": True, "text": True, "timeout": PATIENCE_S}
        return subprocess.run(self.command(*words), cwd=self.folder, env=self.environment(), **options)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(ROOT)]
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *build], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"), wheel)


@pytest.fixture(scope="module")
def with_demo(installed: Installed) -> Installed:
    added = installed.run("add", "demo", "--no-objects")
    assert added.returncode == 0, added.stderr
    assert "9 captioned in" in added.stderr
    return installed


def test_the_wheel_holds_code_pages_models_and_licences(wheel: Path) -> None:
    assert wheel.stat().st_size < MAX_BYTES
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"photosearch-{__version__}.dist-info/METADATA").decode()
    beside = [path for folder in ("pages", "models") for path in (ROOT / folder).rglob("*") if path.is_file()]
    beside = [path for path in beside if "__pycache__" not in path.parts]
    expected = {f"photosearch/shipped/{path.relative_to(ROOT).as_posix()}" for path in beside}
    expected |= {"photosearch/shipped/app.py", "photosearch/shipped/.streamlit/config.toml"}
    expected |= {f"photosearch-{__version__}.dist-info/licenses/{name}" for name in ("LICENSE", "models/LICENSE")}
    assert expected <= names
    assert not {name for name in names if name.startswith(("tests", "training")) or "__pycache__" in name}
    asked = re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)
    extras = [
        f"{line}; extra == '{name}'"
        for name in ("milvus", "ray", "s3")
        for line in compatible(f"requirements-{name}.txt")
    ]
    assert sorted(asked) == sorted(compatible("requirements.txt") + extras)


def compatible(name: str) -> list[str]:
    """What a file of requirements pins, as the package asks for it."""
    lines = (ROOT / name).read_text().splitlines()
    return [line.replace("==", "~=") for line in lines if not line.startswith("#")]


def test_demo_photos_are_found(with_demo: Installed) -> None:
    found = with_demo.run("search", "cat", "--format", "json")
    assert found.returncode == 0, found.stderr
    assert any("chelsea" in hit["source"] for hit in json.loads(found.stdout)["hits"])


@pytest.fixture
def port() -> int:
    return free_port()


def test_the_dashboard_answers_with_its_page_and_its_settings(with_demo: Installed, port: int) -> None:
    log = with_demo.folder / "log"
    command = with_demo.command("app", "--port", str(port), "--no-browser")
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=with_demo.folder, env=with_demo.environment(), stdout=out, stderr=subprocess.STDOUT
        )
    try:
        address = f"http://localhost:{port}"
        wait_for(f"{address}/_stcore/health", process, log)
        with urllib.request.urlopen(address, timeout=30) as page:
            assert "<title>Streamlit</title>" in page.read().decode()
        with urllib.request.urlopen(f"{address}/api/v1/collections", timeout=30) as answer:  # noqa: S310 - our own server
            assert [collection["photos"] for collection in json.load(answer)] == [9]
        with urllib.request.urlopen(f"{address}/api/v1/search?str=zebracrossing", timeout=30) as answer:  # noqa: S310
            assert answer.status == 200
    finally:
        process.terminate()
        process.wait(30)
    kept = (with_demo.folder / "library" / "server.log").read_text()
    assert "starts." in kept
    assert "zebracrossing" not in kept


def test_the_installed_pages_run(with_demo: Installed) -> None:
    code = (
        "from streamlit.testing.v1 import AppTest; from photosearch.ui import site_path;"
        "page = AppTest.from_file(str(site_path()), default_timeout=120); page.query_params['q'] = 'cat'; page.run();"
        "print(len(page.exception), len(page.error), len(page.text_input))"
    )
    command = [str(with_demo.scripts / "python"), "-W", "ignore", "-c", code]
    told = subprocess.run(
        command, cwd=with_demo.folder, env=with_demo.environment(), capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1].split()[:2] == ["0", "0"]
    assert int(told.stdout.split()[-1]) >= 1


def test_settings_of_the_checkout_hold_for_the_installed_dashboard(installed: Installed) -> None:
    code = (
        "from photosearch.settings import shipped_path; from streamlit import config;"
        "config._main_script_path = str(shipped_path('app.py'));"
        "print(config.get_option('theme.light.primaryColor'), config.get_option('browser.gatherUsageStats'))"
    )
    command = [str(installed.scripts / "python"), "-c", code]
    told = subprocess.run(
        command, cwd=installed.folder, env=installed.environment(), capture_output=True, text=True, check=True
    )
    assert told.stdout == "#b4430f False\n"


def test_a_port_in_use_is_one_clear_line(installed: Installed) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = installed.run("app", "--no-browser", "--port", str(taken.getsockname()[1]))
    assert refused.returncode == 1
    assert re.fullmatch(r"Error: Port \d+ is in use\. Choose another one with --port\.\n", refused.stderr)


def test_missing_models_are_one_clear_line(installed: Installed, port: int) -> None:
    models = installed.packages / "photosearch" / "shipped" / "models"
    aside = shutil.move(models, installed.folder / "aside")
    try:
        refused = installed.run("app", "--no-browser", "--port", str(port))
    finally:
        shutil.move(aside, models)
    assert refused.returncode == 1
    assert re.fullmatch(r"Error: There are no models in [^\n]+\. Install photosearch again[^\n]*\n", refused.stderr)


def test_a_missing_streamlit_is_one_clear_line(installed: Installed, port: int) -> None:
    code = (
        "import importlib.util, sys; found = importlib.util.find_spec;"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'streamlit' else found(name, *rest);"
        f"sys.argv = ['photosearch', 'app', '--no-browser', '--port', '{port}'];"
        "from photosearch.cli import main; main()"
    )
    command = [str(installed.scripts / "python"), "-c", code]
    refused = subprocess.run(command, cwd=installed.folder, env=installed.environment(), capture_output=True, text=True)
    assert refused.returncode == 1
    assert re.fullmatch(r"Error: Streamlit is not installed for [^\n]+\. [^\n]+\n", refused.stderr)

"""Where `make` takes PyTorch from."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

import install
from install import choose_index, is_installed, pinned
from tests.browser.server import free_port

ROOT = Path(__file__).resolve().parents[2]


class _Index(BaseHTTPRequestHandler):
    """An index of packages that knows torch only."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/cpu/torch/" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a server on loopback that answers like PyTorch's index."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with HTTPServer(("127.0.0.1", 0), _Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/cpu"
        server.shutdown()


def test_the_cpu_build_is_taken_where_its_index_answers(index: str) -> None:
    for address in (index, f"{index}/"):
        assert choose_index(address, platform="linux", has_cuda=False) == (
            address,
            f"the CPU build, since there is no NVIDIA driver and {address} answers",
        )


def test_an_index_without_torch_is_not_used(index: str) -> None:
    address = index.replace("/cpu", "/rocm")
    chosen, reason = choose_index(address, platform="linux", has_cuda=False)
    assert chosen is None
    assert reason == f"the ordinary package, since {address} cannot be used: Not Found"


def test_nobody_at_that_address_means_the_ordinary_package() -> None:
    chosen, reason = choose_index(f"http://127.0.0.1:{free_port()}", platform="linux", has_cuda=False)
    assert chosen is None
    assert "Connection refused" in reason


def test_an_index_that_does_not_answer_in_time_is_not_waited_for() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        chosen, reason = choose_index(address, platform="linux", has_cuda=False, patience_s=0.2)
    assert chosen is None
    assert reason.endswith("timed out")


@pytest.mark.parametrize(
    ("platform", "has_cuda", "address", "reason"),
    [
        ("darwin", False, "http://127.0.0.1:1", "on this system brings no CUDA"),
        ("linux", True, "http://127.0.0.1:1", "an NVIDIA driver is installed"),
        ("linux", False, "", "TORCH_CPU_INDEX is empty"),
        ("linux", False, "no address", "cannot be used: unknown url type"),
    ],
)
def test_otherwise_the_ordinary_package_is_taken(platform: str, has_cuda: bool, address: str, reason: str) -> None:
    chosen, told = choose_index(address, platform=platform, has_cuda=has_cuda)
    assert chosen is None
    assert reason in told


def test_both_packages_of_pytorch_are_pinned() -> None:
    pins = pinned((ROOT / "requirements.txt").read_text())
    assert [pin.partition("==")[0] for pin in pins] == ["torch", "torchvision"]


def test_any_build_of_the_pinned_version_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_installed(f"numpy=={np.__version__}")
    assert not is_installed("numpy==0.1")
    assert not is_installed("no-such-package==1.0")
    monkeypatch.setattr(install, "version", lambda _: "2.14.1+cpu")
    assert is_installed("torch==2.14.1")


@pytest.mark.parametrize("cpu_build_works", [True, False])
def test_the_rest_is_installed_after_pytorch(
    index: str,
    cpu_build_works: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    calls: list[tuple[str, ...]] = []

    def pip(*arguments: str) -> int:
        calls.append(arguments)
        return 0 if cpu_build_works or "--index-url" not in arguments else 1

    monkeypatch.setattr(install, "pip", pip)
    monkeypatch.setattr(install, "is_installed", lambda _: False)
    monkeypatch.setattr(install, "CPU_INDEX", index)
    monkeypatch.setattr(install, "NVIDIA_DRIVER", tmp_path / "missing")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("sys.argv", ["install.py", "requirements-dev.txt"])
    assert install.main() == 0
    pins = pinned((ROOT / "requirements.txt").read_text())
    assert calls == [("--no-deps", "--index-url", index, *pins), ("-r", "requirements-dev.txt")]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("PyTorch: the CPU build")
    assert len(lines) == (1 if cpu_build_works else 2)

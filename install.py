"""Install requirements with pip: `python install.py requirements.txt`.

On Linux, PyTorch's ordinary package brings several GB of CUDA libraries. Where no NVIDIA driver is installed, its CPU
build is taken in its place, from PyTorch's own index, if that answers within a few seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CPU_INDEX = os.environ.get("TORCH_CPU_INDEX", "https://download.pytorch.org/whl/cpu")  # empty: the ordinary package
PATIENCE_S = 5.0
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
ROOT = Path(__file__).resolve().parent
PACKAGES = ("torch", "torchvision")


def choose_index(
    index: str, *, platform: str, has_cuda: bool, patience_s: float = PATIENCE_S
) -> tuple[str | None, str]:
    """Decide where PyTorch comes from.

    Args:
        index: address of the index of CPU builds; empty: it is not wanted.
        platform: `sys.platform`; only Linux's ordinary package brings CUDA.
        has_cuda: whether an NVIDIA driver is installed.
        patience_s: how long the index may take to answer, in seconds.

    Returns:
        The index to use, None for the ordinary package; and the reason, to be printed.
    """
    if platform != "linux":
        return None, "the ordinary package, which on this system brings no CUDA"
    if has_cuda:
        return None, "the ordinary package with CUDA, since an NVIDIA driver is installed"
    if not index:
        return None, "the ordinary package, since TORCH_CPU_INDEX is empty"
    try:
        with urllib.request.urlopen(f"{index.rstrip('/')}/torch/", timeout=patience_s):  # noqa: S310 - one's own choice
            return index, f"the CPU build, since there is no NVIDIA driver and {index} answers"
    except (OSError, ValueError) as error:  # URLError and timeouts are OSErrors; an address that is none a ValueError
        reason = getattr(error, "reason", None) or error
        return None, f"the ordinary package, since {index} cannot be used: {reason}"


def pinned(requirements: str) -> list[str]:
    """Return the lines of requirements.txt that pin PyTorch's packages."""
    lines = [line.strip() for line in requirements.splitlines()]
    return [line for line in lines if line.partition("==")[0] in PACKAGES]


def is_installed(pin: str) -> bool:
    """Return whether a package is there in the pinned version, in whatever build ("2.14.1+cpu" is 2.14.1)."""
    name, _, wanted = pin.partition("==")
    try:
        return version(name).partition("+")[0] == wanted
    except PackageNotFoundError:
        return False


def pip(*arguments: str) -> int:
    """Run `pip install` with this interpreter; returns its exit status."""
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q", *arguments]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - what the Makefile names


def main() -> int:
    """Install PyTorch, then the files of requirements that the command line names; returns pip's exit status."""
    pins = pinned((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    if not all(is_installed(pin) for pin in pins):
        index, reason = choose_index(CPU_INDEX, platform=sys.platform, has_cuda=NVIDIA_DRIVER.exists())
        print(f"PyTorch: {reason}.", flush=True)  # noqa: T201
        # What PyTorch needs in turn comes with the rest, from the index that pip uses otherwise.
        if index and pip("--no-deps", "--index-url", index, *pins):
            print("PyTorch: the ordinary package, since the CPU build could not be installed.", flush=True)  # noqa: T201
    return pip(*(word for name in sys.argv[1:] for word in ("-r", name)))


if __name__ == "__main__":
    raise SystemExit(main())

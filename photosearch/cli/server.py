"""The command that starts the dashboard: app."""

from __future__ import annotations

import errno
import os
import runpy
import socket
import sys
import threading
import time
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from photosearch.cli.app import app
from photosearch.errors import ModelError, PhotosearchError
from photosearch.library.memory import share_memory
from photosearch.settings import Settings, shipped_path

_START_S = 60.0  # how long a server may take until it answers; the browser is not opened later than that
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with what was given, not bound to


@app.command("app")
def start_app(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port that the dashboard listens on.")] = 8501,
    address: Annotated[
        str, typer.Option(help="Address that it listens on; 0.0.0.0 lets the whole network see your photos.")
    ] = "localhost",
    library: Annotated[Path | None, typer.Option(help="Folder of the library.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
) -> None:
    """Start the dashboard in the browser, and the HTTP API beside it."""
    settings: Settings = context.obj
    if find_spec("streamlit") is None:
        raise PhotosearchError(f"Streamlit is not installed for {sys.executable}. Install photosearch again.")
    share_memory()  # before Streamlit starts its threads
    _check_models(settings)
    _check_port(address, port)
    # The server reads the settings by itself.
    os.environ["PHOTOSEARCH_LIBRARY"] = str(library.expanduser() if library else settings.library_dir)
    if not no_browser and _has_screen():
        host = "localhost" if address in _EVERYWHERE else address
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        threading.Thread(target=_open_when_ready, args=(url,), daemon=True).start()
    flags = {"address": address, "port": str(port), "headless": "true"}
    options = [word for name, value in flags.items() for word in (f"--server.{name}", value)]
    sys.argv = ["streamlit", "run", str(shipped_path("app.py")), *options]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def _check_models(settings: Settings) -> None:
    """Raise `ModelError` unless the models that are used by default are there."""
    if not any(settings.models_dir.glob("*/config.json")):
        raise ModelError(f"There are no models in {settings.models_dir}. Install photosearch again, models included.")
    from photosearch.vision.registry import ModelChoice, Models

    Models(settings.models_dir, settings.library_dir / "models").choose(ModelChoice())


def _check_port(address: str, port: int) -> None:
    """Raise `PhotosearchError` unless the port is free; Streamlit itself would only log that it is not."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        if os.name != "nt":  # there the option lets two servers share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PhotosearchError(f"Port {port} is in use. Choose another one with --port.") from error
            raise PhotosearchError(
                f"The dashboard cannot listen on {address}, port {port}: {error.strerror}."
                " Choose others with --address and --port."
            ) from error


def _has_screen() -> bool:
    """Return whether a browser window can be opened; without a screen a text browser would take the terminal."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _open_when_ready(url: str) -> None:
    """Open the browser once the server answers."""
    import urllib.request  # which the other commands do without

    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):  # noqa: S310 - our own server
                webbrowser.open(url)
                return
        except OSError:  # urllib's errors are such, too
            time.sleep(0.2)

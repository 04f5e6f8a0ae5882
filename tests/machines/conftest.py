"""A Ray cluster of several nodes on this machine, on loopback, which all tests share."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photosearch.library import Library
from photosearch.pipeline import machines
from photosearch.pipeline.machines import Cluster, analyse_on_machines
from photosearch.records import UNWATCHED, Report, Station, Watch
from photosearch.settings import Settings
from photosearch.sources.reading import Reader
from photosearch.vision.registry import Model
from photosearch.workspace import Workspace
from tests.conftest import ColourStation
from tests.machines.observing import Load
from tests.postgres.conftest import database, make_database, server, template
from tests.s3 import KEYS, S3, serving

__all__ = ["database", "make_database", "server", "template"]  # fixtures
SMALL_BATCH = 4
N_PHOTOS = 60
N_STARTS = 5
_NODE = {"num_cpus": 1, "object_store_memory": 80_000_000, "node_ip_address": "127.0.0.1", "include_dashboard": False}
_HEAD = {**_NODE, "num_cpus": 0}


class Nodes:
    """The cluster: a head that observes nothing, and two machines of one core each."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster as RayCluster

        self._cluster = _patiently(lambda: RayCluster(initialize_head=True, head_node_args=_HEAD))
        self.address: str = self._cluster.address
        self.first, self.second = (self.add() for _ in range(2))

    def add(self) -> str:
        """Add a machine and return its id."""
        return _patiently(lambda: self._cluster.add_node(wait=False, **_NODE)).node_id

    def remove(self, node_id: str) -> None:
        """Take a machine away at once, as a power cut does."""
        (node,) = [node for node in self._cluster.worker_nodes if node.node_id == node_id]
        self._cluster.remove_node(node, allow_graceful=False)

    def shutdown(self) -> None:
        self._cluster.shutdown()


def _patiently(start: Callable[[], Any]) -> Any:
    """Start a part of the cluster; Ray gives it half a minute, which is not enough on a busy machine."""
    for _ in range(N_STARTS - 1):
        with contextlib.suppress(Exception):
            return start()
    return start()


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def nodes(s3: S3) -> Iterator[Nodes]:
    """A running cluster, whose workers know the S3 server."""
    root = str(Path(__file__).resolve().parents[2])
    variables = {
        **KEYS,
        "AWS_ENDPOINT_URL": s3.url,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # loopback stays loopback
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # others may keep the machine busy
        "RAY_AUTH_MODE": "disabled",  # whatever token the person who runs the test has
        "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")])),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        nodes = Nodes()
        yield nodes
        nodes.shutdown()


@pytest.fixture
def photos(tmp_path) -> Path:
    """Small photos, each another one."""
    root = tmp_path / "photos"
    root.mkdir()
    noise = np.random.default_rng(0)
    for i in range(N_PHOTOS):
        Image.fromarray(noise.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(root / f"{i:03}.jpg")
    return root


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(tmp_path / "library")


@pytest.fixture
def listed(settings: Settings, photos: Path, monkeypatch) -> Iterator[Workspace]:
    """A library in which the photos are listed."""
    monkeypatch.setattr(machines, "LARGEST_BATCH", SMALL_BATCH)
    workspace = Workspace(settings)
    workspace.add(str(photos), collection="c")
    yield workspace
    workspace.close()


Run = Callable[..., Report]


@pytest.fixture
def caption(nodes: Nodes) -> Run:
    """Return a function that has the cluster caption what is listed."""

    def run(workspace: Workspace, load: Load, watch: Watch = UNWATCHED) -> Report:
        return caption_by(workspace, Cluster(nodes.address, load), watch)

    return run


def caption_by(workspace: Workspace, cluster: Cluster, watch: Watch = UNWATCHED) -> Report:
    """Have a cluster caption all that is pending."""
    library: Library = workspace.library
    model = Model(Station.CAPTIONER, ColourStation.name, ColourStation.digest, ColourStation)
    model_id = library.model_id(model.station, model.name, model.digest)
    pending = library.pending(None, [model_id])
    with Reader(workspace.settings) as reader:
        return analyse_on_machines(library, workspace.settings, cluster, {model_id: model}, pending, reader, watch)


class InThread:
    """A run in a thread; `report` waits for its end."""

    def __init__(self, run: Callable[[], Report]) -> None:
        self._report: Report | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(run,))
        self._thread.start()

    def _run(self, run: Callable[[], Report]) -> None:
        try:
            self._report = run()
        except BaseException as error:  # noqa: BLE001 - raised by `report`
            self._error = error

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def report(self) -> Report:
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._report is not None
        return self._report

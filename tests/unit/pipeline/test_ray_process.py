"""The process in which Ray runs, when it is started before it is needed."""

import os
import pickle
import signal
import subprocess
import sys

import pytest

from photosearch.pipeline import ray_process
from photosearch.pipeline.machines import FAILED

NOWHERE = "127.0.0.1:9"
AHEAD = """
from photosearch.pipeline import ray_process
ray_process.start_ahead("127.0.0.1:9")
print(ray_process._ahead["127.0.0.1:9"].pid)
"""


@pytest.fixture
def none_ahead(monkeypatch):
    monkeypatch.setattr(ray_process, "_ahead", {})
    yield
    ray_process._end_unused()


def test_a_driver_that_was_started_ahead_does_the_work(none_ahead):
    ray_process.start_ahead(NOWHERE)
    ray_process.start_ahead(NOWHERE)
    (ahead,) = ray_process._ahead.values()
    driver = ray_process.take_driver(NOWHERE)
    assert driver is ahead
    answers, _ = driver.communicate(pickle.dumps((NOWHERE, None)), timeout=60)
    word, message = pickle.loads(answers)  # noqa: S301 - our own
    assert word == FAILED
    assert "Connection refused" in message


def test_another_cluster_has_a_driver_of_its_own(none_ahead):
    ray_process.start_ahead(NOWHERE)
    driver = ray_process.take_driver("127.0.0.1:10")
    ahead = ray_process._ahead[NOWHERE]
    assert driver is not ahead
    driver.communicate(timeout=60)  # ends as nobody asks it anything
    ray_process._end_unused()
    assert ray_process._ahead == {}
    assert ahead.returncode == -signal.SIGKILL


def test_a_driver_that_has_died_meanwhile_is_replaced(none_ahead):
    ray_process.start_ahead(NOWHERE)
    ray_process._ahead[NOWHERE].kill()
    ray_process._ahead[NOWHERE].wait()
    driver = ray_process.take_driver(NOWHERE)
    assert driver.poll() is None
    driver.communicate(timeout=60)


def test_a_driver_that_is_not_needed_ends_with_this_process():
    said = subprocess.run([sys.executable, "-c", AHEAD], capture_output=True, text=True, check=True, timeout=60)
    with pytest.raises(ProcessLookupError):
        os.kill(int(said.stdout), 0)


def test_without_ray_none_is_started(none_ahead, monkeypatch):
    monkeypatch.setattr(ray_process.importlib.util, "find_spec", lambda _name: None)
    ray_process.start_ahead(NOWHERE)
    assert ray_process._ahead == {}

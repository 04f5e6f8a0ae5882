"""The program that drives Ray: what it says of clocks and of clusters that it cannot use."""

import pytest

from photosearch.errors import PhotosearchError
from photosearch.pipeline import ray_driver
from photosearch.pipeline.ray_driver import connect
from photosearch.pipeline.ray_machines import clock_error

MISMATCH = """Version mismatch: The cluster was started with:
    Ray: 2.59.0
    Python: 3.12.1
This process on 10.0.0.2 was started with:
    Ray: 2.60.0
    Python: 3.11.7
"""


@pytest.mark.parametrize(
    ("sent", "received", "told", "off"),
    [(100, 102, 101, 0), (100, 102, 99, 1), (100, 102, 105, 3), (100, 100, 100, 0), (100, 110, -3500, 3600)],
)
def test_a_clock_is_off_by_what_the_way_there_and_back_does_not_explain(sent, received, told, off):
    assert clock_error(sent, received, told) == off


def test_other_versions_are_told_in_one_line(monkeypatch):
    def refuse(*_arguments: object, **_options: object) -> None:
        raise RuntimeError(MISMATCH)

    monkeypatch.setattr(ray_driver.ray, "init", refuse)
    with pytest.raises(PhotosearchError) as raised:
        connect("auto")
    assert str(raised.value) == (
        "Ray at auto runs Ray 2.59.0 with Python 3.12.1, this machine Ray 2.60.0 with Python 3.11.7."
        " Install the same versions everywhere."
    )


def test_an_address_where_nobody_is_is_told_in_one_line():
    with pytest.raises(
        PhotosearchError, match=r"^Ray at 127\.0\.0\.1:9 cannot be used: .*Connection refused\. Check the"
    ):
        connect("127.0.0.1:9")

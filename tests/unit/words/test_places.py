"""Coordinates become names without a service."""

from __future__ import annotations

import pytest

from photosearch.words.places import name_area


@pytest.mark.parametrize(
    ("latitude", "longitude", "names"),
    [
        (38.71, -9.14, ("Lisbon", "Portugal")),
        (48.137, 11.575, ("Munich", "Bavaria", "Germany")),
        (52.52, 13.40, ("Berlin", "Germany")),
        (40.75, -73.99, ("New York City", "New York", "United States")),
        (-33.86, 151.2, ("Sydney", "New South Wales", "Australia")),
        (-17.8, 180.0, ("Fiji",)),
        (-17.8, -179.99, ("Fiji",)),
    ],
)
def test_coordinates_have_city_region_and_country(latitude: float, longitude: float, names: tuple[str, ...]) -> None:
    assert set(names) <= set((name_area(latitude, longitude) or "").split(", "))


@pytest.mark.parametrize(("latitude", "longitude"), [(0.0, -30.0), (89.9, 0.0), (-90.0, 0.0), (90.0, 180.0)])
def test_the_sea_and_the_ice_have_no_names(latitude: float, longitude: float) -> None:
    assert name_area(latitude, longitude) is None


def test_a_village_is_not_named_after_a_far_city() -> None:
    assert name_area(54.4, 13.4) == "Sehlen, Mecklenburg-Vorpommern, Germany"

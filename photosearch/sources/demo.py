"""The demo collection: everyday photographs that scikit-image and scikit-learn ship."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from photosearch.errors import PhotoError, SourceError
from photosearch.library import Pending
from photosearch.records import Failure, Listing, Watch
from photosearch.sources.disk import read_file
from photosearch.sources.source import Content, Options, Resources, Source, SourceKind

NAME = "demo"
_FOLDERS = {"scikit-image": ("skimage", "data"), "scikit-learn": ("sklearn", "datasets", "images")}
# Everyday photographs; the packages' textures, documents, microscope and telescope pictures are left out.
PHOTOS = {
    "scikit-image": (
        "astronaut.png",
        "camera.png",
        "chelsea.png",
        "coffee.png",
        "coins.png",
        "motorcycle_left.png",
        "rocket.jpg",
    ),
    "scikit-learn": ("china.jpg", "flower.jpg"),
}


def path_of(source_key: str) -> Path:
    """Return the path of a demo photo; raise `PhotoError` when there is none.

    The key is the package and the file name, so that it stays valid when the packages move.
    """
    package, _, name = source_key.partition("/")
    if name not in PHOTOS.get(package, ()):
        raise PhotoError("the demo has no such photo")
    module, *folders = _FOLDERS[package]
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise PhotoError(f"{package} is not installed")
    return Path(spec.origin).parent.joinpath(*folders, name)


class DemoSource:
    """Lists the demo's photos."""

    kind = NAME
    described = False
    collection = NAME
    listed_in: str | None = None

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()

    def covers(self, source_key: str) -> bool:
        """Tell whether a key begins with a package of the demo."""
        return source_key.partition("/")[0] in PHOTOS

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Yield each demo photo; raise `SourceError` when one is missing."""
        for package, names in PHOTOS.items():
            for name in names:
                key = f"{package}/{name}"
                try:
                    size = path_of(key).stat().st_size
                except (OSError, PhotoError) as error:
                    raise SourceError(
                        f"The demo's photo {key} is missing ({error}). Install requirements.txt again."
                    ) from error
                yield Listing(key, str(size))


def _is_demo(name: str) -> bool:
    return name == NAME


def _open(_name: str, _options: Options, _library: Path) -> Sequence[Source]:
    return [DemoSource()]


def _read(_resources: Resources, photo: Pending, max_bytes: int, _etag: str | None) -> Content:
    return Content(read_file(path_of(photo.source_key), max_bytes))


KIND: SourceKind = SourceKind(NAME, _read, usage=NAME, is_named=_is_demo, open_named=_open)

"""What the package's build takes from requirements.txt and those of the extras, where dependencies are written."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

EXTRAS = ("milvus", "ray", "s3")


class Dependencies(MetadataHookInterface):
    """The package's dependencies, read from the files of requirements."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the dependencies that the package asks for.

        requirements.txt pins exact versions, so that every checkout runs what the tests ran. The package asks for
        "compatible" ones (~=): whoever installs it gets the corrections of a release, security ones too, and can have
        it beside other packages, but gets no new release of Streamlit or PyTorch that it was never tested with.
        """
        metadata["dependencies"] = self._read("requirements.txt")
        metadata["optional-dependencies"] = {name: self._read(f"requirements-{name}.txt") for name in EXTRAS}

    def _read(self, name: str) -> list[str]:
        lines = Path(self.root, name).read_text(encoding="utf-8").splitlines()
        return [line.replace("==", "~=") for line in lines if line and not line.startswith("#")]

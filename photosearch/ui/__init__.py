"""What the pages are made of; the package's only part that imports streamlit."""

from pathlib import Path

from photosearch.settings import shipped_path

PAGES = shipped_path("pages")
INSPECT = PAGES / "inspect.py"


def site_path() -> Path:
    """The script behind every page, which `app.py` hands to streamlit; it is run, never imported."""
    return Path(__file__).with_name("site.py")

"""Where Milvus is: the setting `PHOTOSEARCH_INDEX`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from photosearch.errors import SettingsError

SETTING = "PHOTOSEARCH_INDEX"
PORT = 19530
ADVICE = (
    f"{SETTING} cannot be read. Set it to milvus://HOST:PORT or milvus://USER:PASSWORD@HOST:PORT/DATABASE"
    " (milvus+tls:// for an encrypted connection), with @ in a password written as %40 and / as %2F,"
    " or to milvus:///FOLDER/NAME.db for a file; or leave it out to keep indexes beside the library."
)


@dataclass(frozen=True)
class Address:
    """Where Milvus is."""

    uri: str  # as pymilvus takes it
    name: str  # as messages call it
    host: str = ""  # empty: a file
    port: int = PORT
    database: str = ""
    token: str = field(default="", repr=False)  # "user:password", or an API key

    @property
    def is_file(self) -> bool:
        """Tell whether it is a file, which Milvus Lite opens in this process."""
        return not self.host


def read_address(text: str) -> Address:
    """Read an address; raises `SettingsError`, whose message does not show it, since it may have a password."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port or PORT
    except ValueError:
        raise SettingsError(ADVICE) from None
    if parts.scheme not in ("milvus", "milvus+tls") or parts.query or parts.fragment:
        raise SettingsError(ADVICE)
    if not host:
        path = unquote(parts.path)
        if not path.endswith(".db") or parts.netloc:
            raise SettingsError(ADVICE)
        return Address(str(Path(path)), f'Milvus file "{path}"')
    database = unquote(parts.path.strip("/"))
    if "/" in database or "@" in database:  # the end of a password
        raise SettingsError(ADVICE)
    token = ":".join(unquote(part) for part in (parts.username, parts.password) if part)
    scheme = "https" if parts.scheme == "milvus+tls" else "http"
    shown = f"[{host}]" if ":" in host else host
    return Address(f"{scheme}://{shown}:{port}", f"Milvus at {shown}:{port}", host, port, database, token)

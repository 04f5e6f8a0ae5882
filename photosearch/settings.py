"""Settings, read from environment variables and from photosearch.toml, and checked."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from photosearch.errors import SettingsError
from photosearch.words.languages import LANGUAGES

KEEPS = ("thumbnail", "original")
LOCAL = "local"  # the Ray cluster that is started on this machine for a run
DEVICES = ("cpu", "cuda", "directml", "coreml", "openvino")  # what runs the networks
FILE_NAME = "photosearch.toml"
BUILT_IN = "built in"  # where a value comes from that is set nowhere
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?")  # as browsers send it: no path, no capitals
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:]*:[0-9a-f:.]*")  # a name or address, without a port
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s@]+(/[^\s@]*)?")  # of an object store: a bucket, no password
_CLUSTER = re.compile(r"local|auto|([a-zA-Z0-9._-]+|\[[0-9a-fA-F:]+\]):\d{1,5}")  # of Ray
_USER = re.compile(r"""[^@\s\[\]"'][^@\s\[\]"]*@[^@\s\[\]"'*]+""")  # not as a list is written in the file
MIN_PASSWORD_CHARS = 8
_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


def shipped_path(name: str) -> Path:
    """Return where a file or folder lies that comes with the code: "app.py", "pages" or "models".

    In a checkout they lie beside the package, once installed in its folder `shipped` (see pyproject.toml).
    """
    package = Path(__file__).resolve().parent
    installed = package / "shipped"
    return (installed if installed.is_dir() else package.parent) / name


MODELS_DIR = shipped_path("models")


@dataclass(frozen=True)
class Settings:
    """Where things are, and what is allowed."""

    library_dir: Path
    models_dir: Path = MODELS_DIR
    demo: bool = False  # the public demo: nothing can be added, changed or removed
    demo_source: str = "demo"  # what the public demo holds
    keep: str = "thumbnail"  # of a fetched photo: a JPEG of at most 640 px, or its "original" bytes
    allow_private: bool = False  # whether photos may be fetched from this machine and its own network
    cors_origins: tuple[str, ...] = ()  # sites whose pages may read the HTTP API in a visitor's browser; "*": all
    password: str | None = field(default=None, repr=False)  # that visitors give to see the photos; None: no lock
    open_to_all: bool = False  # without a lock: whether visitors from other machines see and change everything
    users: tuple[str, ...] = ()  # who may see when OpenID Connect is set up: e-mail addresses, "*@domain", or "*"
    allowed_hosts: tuple[str, ...] = ()  # names by which the server may be called besides this machine's own
    device: str = ""  # what runs the networks, one of DEVICES; empty: the quickest that ONNX Runtime has here
    owner_language: str = ""  # of the posts' texts, where it is not English; a Snowball stemmer's name
    database: str | None = field(default=None, repr=False)  # PostgreSQL's URL with a password; None: SQLite
    ray: str = ""  # the Ray cluster whose machines caption: host:port, "auto" or LOCAL; empty: this process does
    files: str = ""  # the folder, or the address of an object store, that keeps pictures; empty: the library's
    index: str | None = field(default=None, repr=False)  # where Milvus is, with a password; None: indexes are files


Value = str | bool | Path | tuple[str, ...] | None


@dataclass(frozen=True)
class Setting:
    """A setting that can be made: `name` in photosearch.toml, PHOTOSEARCH_NAME in the environment."""

    name: str
    read: Callable[[str], Value]  # raises ValueError where the text cannot be used
    advice: str  # what to set it to, in words that follow "set it to"
    kind: type = str  # what photosearch.toml holds: a string, true or false, or a list of strings
    is_secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable's name."""
        return f"PHOTOSEARCH_{self.name.upper()}"


@dataclass(frozen=True)
class InForce:
    """A setting's value, and where it comes from: a variable's name, a file's path, or `BUILT_IN`."""

    setting: Setting
    value: Value
    origin: str


def read_settings(environ: Mapping[str, str] = os.environ, file: Path | None = None) -> Settings:
    """Return the settings in force, as `settings_in_force` reads them.

    Raises:
        SettingsError: a value cannot be used, or the file cannot be read.
    """
    values: dict[str, Any] = {held.setting.name: held.value for held in settings_in_force(environ, file)}
    values["library_dir"], values["open_to_all"] = values.pop("library"), values.pop("open")
    return Settings(**values)


def settings_in_force(environ: Mapping[str, str] = os.environ, file: Path | None = None) -> list[InForce]:
    """Read each setting from its environment variable, else from the file, else take what is built in.

    Args:
        environ: the environment; an empty variable counts as not set.
        file: photosearch.toml; None: the one in the platform's configuration folder. It need not exist.

    Raises:
        SettingsError: a value cannot be used, or the file cannot be read.
    """
    path = file or settings_path()
    in_file = _read_file(path)
    return [_in_force(setting, environ, in_file, path) for setting in SETTINGS]


def read_setting(name: str, text: str, where: str) -> Any:
    """Return the value that a text stands for, given at `where`; raises `SettingsError` where it cannot be used."""
    setting = next(setting for setting in SETTINGS if setting.name == name)
    return _read(setting, text, where, repr(text))


def settings_path() -> Path:
    """Return where photosearch.toml lies, or would lie."""
    return platformdirs.user_config_path("photosearch", appauthor=False) / FILE_NAME


def _in_force(setting: Setting, environ: Mapping[str, str], in_file: Mapping[str, str], path: Path) -> InForce:
    text = environ.get(setting.variable, "").strip()
    if text:
        return InForce(
            setting, _read(setting, text, setting.variable, repr(environ[setting.variable])), setting.variable
        )
    if setting.name in in_file:
        text = in_file[setting.name]
        return InForce(setting, _read(setting, text, f"{path}: {setting.name}", repr(text)), str(path))
    return InForce(setting, setting.read(""), BUILT_IN)


def _read(setting: Setting, text: str, where: str, shown: str) -> Value:
    try:
        return setting.read(text.strip())
    except ValueError as error:
        may_hold_password = setting.is_secret or re.search("://.*@", text)
        what = "cannot be used" if may_hold_password else f"is {shown}"
        raise SettingsError(f"{where} {what}; set it to {setting.advice}, or leave it out.") from error


def _read_file(path: Path) -> dict[str, str]:
    """Return the file's values as texts, as variables would hold them; none where there is no such file."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"{path} cannot be read: {reason}. Correct it, or remove it.") from error
    return {name: _text(name, value, path) for name, value in content.items()}


def _text(name: str, value: object, path: Path) -> str:
    setting = next((setting for setting in SETTINGS if setting.name == name), None)
    if setting is None:
        names = ", ".join(setting.name for setting in SETTINGS)
        raise SettingsError(f"{path}: {name} is no setting. There are: {names}.")
    if setting.kind is list and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    if setting.kind is not list and type(value) is setting.kind:
        return str(value)
    wanted = {str: "a text in quotes", bool: "true or false", list: "a list of texts in quotes"}[setting.kind]
    raise SettingsError(f"{path}: {name} must be {wanted}: {setting.advice}. Correct it, or leave it out.")


def _library(text: str) -> Path:
    return Path(text).expanduser() if text else platformdirs.user_data_path("photosearch", appauthor=False)


def _database(text: str) -> str | None:
    if text and not re.match(r"postgres(ql)?://.*/[^/?]", text):
        raise ValueError
    return text or None


def _files(text: str) -> str:
    if "://" in text and not _ADDRESS.fullmatch(text):
        raise ValueError
    return text if "://" in text or not text else str(Path(text).expanduser().absolute())


def _index(text: str) -> str | None:
    if text and not re.match(r"milvus(\+tls)?://\S", text):
        raise ValueError
    return text or None


def _ray(text: str) -> str:
    if text and not _CLUSTER.fullmatch(text):
        raise ValueError
    return text


def _switch(text: str) -> bool:
    if text.lower() not in _YES + _NO:
        raise ValueError
    return text.lower() in _YES


def _keep(text: str) -> str:
    name = text.lower() or KEEPS[0]
    if name not in KEEPS:
        raise ValueError
    return name


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(text.replace(",", " ").split())
    if not all(origin == "*" or _ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError
    return origins


def _hosts(text: str) -> tuple[str, ...]:
    names = tuple(name.lower().rstrip(".") for name in text.replace(",", " ").split())
    if not all(_HOST.fullmatch(name) for name in names):
        raise ValueError
    return names


def _password(text: str) -> str | None:
    if text and len(text) < MIN_PASSWORD_CHARS:
        raise ValueError
    return text or None


def _users(text: str) -> tuple[str, ...]:
    users = tuple(text.lower().replace(",", " ").split())
    if not all(user == "*" or _USER.fullmatch(user) for user in users):
        raise ValueError
    return users


def _device(text: str) -> str:
    name = text.lower()
    if name and name not in DEVICES:
        raise ValueError
    return name


def _language(text: str) -> str:
    name = text.lower()
    if name and name not in LANGUAGES:
        raise ValueError
    return "" if name == "english" else name


SETTINGS = (
    Setting("library", _library, "the library's folder"),
    Setting(
        "database",
        _database,
        "the address of a PostgreSQL database, postgresql://user:password@host/name",
        is_secret=True,
    ),
    Setting("files", _files, "a folder that is there, or an address such as s3://bucket/prefix"),
    Setting(
        "index",
        _index,
        "the address of Milvus, milvus://user:password@host:port, or of a file, milvus:///folder/name.db",
        is_secret=True,
    ),
    Setting("ray", _ray, "the address of a Ray cluster, host:port, or local for one on this machine"),
    Setting("demo", _switch, "1 or true for the public demo", bool),
    Setting("demo_source", lambda text: text or "demo", "what the public demo holds"),
    Setting("keep", _keep, " or ".join(KEEPS)),
    Setting("allow_private", _switch, "1 or true to fetch photos from private addresses", bool),
    Setting("cors_origins", _origins, "origins such as https://example.org", list),
    Setting("password", _password, f"a password of at least {MIN_PASSWORD_CHARS} characters", is_secret=True),
    Setting("open", _switch, "1 or true to let everybody in who reaches this machine", bool),
    Setting("users", _users, "e-mail addresses, with commas between, *@example.org for a domain, or * for all", list),
    Setting("allowed_hosts", _hosts, "names such as photos.example.org, without a port", list),
    Setting("device", _device, f"one of {', '.join(DEVICES)}"),
    Setting("owner_language", _language, f"one of {', '.join(sorted(LANGUAGES))}"),
)

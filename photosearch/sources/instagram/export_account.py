"""Whose export it is, where no name says it: the user's name in the export's own data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from photosearch.errors import PhotoError
from photosearch.sources.instagram.export_parts import Part
from photosearch.sources.instagram.export_text import dict_of, list_of, text_of
from photosearch.sources.instagram.names import is_user_name
from photosearch.sources.json_text import parse_json

_MAX_BYTES = 1_000_000
_PERSONAL = re.compile(r"(?:.*/)?personal_information/(?:personal_information/)?personal_information\.json")
_PROFILE = re.compile(r"(?:[^/]+/)?profile\.json")  # until 2019
# "Username" in Instagram's languages. The other values of that file, such as the e-mail address, are not looked at.
_LABELS = frozenset(
    "username|benutzername|nutzername|nom d’utilisateur|nom d'utilisateur|nom de profil|nombre de usuario"
    "|nome utente|nome de usuário|nome de utilizador|gebruikersnaam|användarnamn|brugernavn|brukernavn|käyttäjätunnus"
    "|käyttäjänimi|kullanıcı adı|nazwa użytkownika|uživatelské jméno|felhasználónév|имя пользователя"
    "|ім'я користувача|όνομα χρήστη|ユーザーネーム|사용자 이름|用户名|用戶名稱|nama pengguna|tên người dùng".split("|")
)


def account_told(parts: Sequence[Part]) -> str | None:
    """Return the user whom an export names in its own data; None where it names none, or several."""
    named = {
        name
        for part in parts
        for path in part.names()
        if _PERSONAL.fullmatch(path) or _PROFILE.fullmatch(path)
        for name in _names_in(part, path)
        if is_user_name(name)
    }
    return named.pop() if len(named) == 1 else None


def _names_in(part: Part, path: str) -> Iterator[str]:
    """Yield the user's name in one file, which may be of any shape."""
    try:
        data = parse_json(part.read(path, _MAX_BYTES))
    except (PhotoError, ValueError):
        return
    yield text_of(dict_of(data).get("username"))
    for user in list_of(dict_of(data).get("profile_user")) or list_of(data):
        for label, value in dict_of(dict_of(user).get("string_map_data")).items():
            if _is_label(label):
                yield text_of(dict_of(value).get("value"))
        for entry in list_of(dict_of(user).get("label_values")):
            if _is_label(dict_of(entry).get("label")):
                yield text_of(dict_of(entry).get("value"))


def _is_label(label: object) -> bool:
    return text_of(label).casefold() in _LABELS

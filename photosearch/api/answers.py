"""What the API answers with: JSON, and errors as one message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from photosearch.api.addresses import image_address
from photosearch.errors import CollectionNotFound, PhotoNotFound, PhotosearchError
from photosearch.export.formats import results_json
from photosearch.records import Photo, Results

Described = dict[int | str, dict[str, Any]]  # FastAPI's: answers by their status
URL_SCHEMES = ("http://", "https://")


class Message(BaseModel):
    """What an answer other than 200 holds."""

    message: str = Field(examples=['Collection "cats" was not found. There are: demo, holidays.'])


_HIT = {
    "rank": 1,
    "score": 0.531,
    "photo": "3cdc8ae93cd9bad7",
    "source": "beach.jpg",
    "caption": "a dog runs on a beach",
    "terms": {"dog": 0.31, "beach": 0.221},
}
_FOUND = {"query": "a dog on a beach", "collection": "holidays", "took_ms": 1.9, "total": 37, "hits": [_HIT]}
FOUND: Described = {
    200: {
        "description": "The best hits; a hit's terms add up to its score. With `shape=rows` a list of"
        " `[score, url, caption]`.",
        "content": {"application/json": {"example": _FOUND}},
    }
}
MISSING: Described = {404: {"model": Message, "description": "There is no such collection or photo."}}
WRONG: Described = {422: {"model": Message, "description": "A parameter is missing or cannot be used."}}
UNREADABLE: Described = {503: {"model": Message, "description": "The library cannot be read now."}}


def published(photo: Photo) -> Photo:
    """A photo without what tells of the machine that a public demo runs on."""
    return replace(photo, source_key=photo.name, reason=None)


def hits_json(results: Results, *, explain: bool = False, public: bool) -> dict[str, object]:
    """The answer to a query, as `results_json` has it; `public` leaves paths out."""
    if public:
        hits = tuple(replace(hit, photo=published(hit.photo)) for hit in results.hits)
        results = replace(results, hits=hits)
    return results_json(results, explain=explain)


def hits_rows(results: Results, origin: str) -> list[list[object]]:
    """The same as the older system had it: score, the picture's address, caption."""
    return [[round(hit.score, 6), _address(hit.photo, origin), hit.photo.caption] for hit in results.hits]


def _address(photo: Photo, origin: str) -> str | None:
    """Where a browser finds the picture; None for one that nobody has read yet."""
    if photo.source == "url" and photo.source_key.startswith(URL_SCHEMES):
        return photo.source_key
    return origin + image_address(photo.id, photo.sha256) if photo.sha256 else None


def answer_errors(api: FastAPI, *, public: bool) -> None:
    """Have every error answered as JSON with a message; `public` leaves paths out."""

    async def refused(_: Request, error: Exception) -> JSONResponse:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        return _say(422, " ".join(map(_explain, found)))

    async def missing(_: Request, error: Exception) -> JSONResponse:
        return _say(404, str(error))

    async def failed(_: Request, error: Exception) -> JSONResponse:
        return _say(503, "The library cannot be read now. Try again later." if public else str(error))

    async def other(_: Request, error: Exception) -> JSONResponse:
        if isinstance(error, HTTPException):
            return _say(error.status_code, f"{error.detail}. /api/docs says what there is.", error.headers)
        return _say(500, "Something went wrong; the server's log says what.")

    api.add_exception_handler(RequestValidationError, refused)
    for kind in (PhotoNotFound, CollectionNotFound):
        api.add_exception_handler(kind, missing)
    api.add_exception_handler(PhotosearchError, failed)
    api.add_exception_handler(HTTPException, other)
    api.add_exception_handler(Exception, other)


def _say(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"message": message}, status, headers)


def _explain(problem: Mapping[str, object]) -> str:
    """One bad parameter: "top: Input should be less than or equal to 1000."""
    place = problem.get("loc")
    name = place[-1] if isinstance(place, Sequence) and place else "request"
    return f"{name}: {problem.get('msg')}."

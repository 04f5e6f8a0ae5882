"""The answers of the API: JSON of hits and collections, and errors as one message."""

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

from photosearch.access.publication import public_message, published
from photosearch.api.addresses import image_address
from photosearch.errors import CollectionNotFound, PhotoNotFound, PhotosearchError
from photosearch.export.formats import results_json
from photosearch.records import Photo, Results
from photosearch.sources import urls

Described = dict[int | str, dict[str, Any]]  # for FastAPI: descriptions of answers by their status
URL_SCHEMES = ("http://", "https://")


class Message(BaseModel):
    """The body of every answer other than 200."""

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
        "description": "The best hits. A hit's terms add up to its score. With `shape=rows`, a list of"
        " `[score, url, caption]` instead.",
        "content": {"application/json": {"example": _FOUND}},
    }
}
MISSING: Described = {404: {"model": Message, "description": "The collection or photo was not found."}}
WRONG: Described = {422: {"model": Message, "description": "A parameter is missing or has a wrong value."}}
UNREADABLE: Described = {503: {"model": Message, "description": "The library cannot be read at the moment."}}


def hits_json(results: Results, *, explain: bool = False, public: bool) -> dict[str, object]:
    """Return the answer to a query as `results_json` builds it; `public` leaves paths out."""
    if public:
        hits = tuple(replace(hit, photo=published(hit.photo)) for hit in results.hits)
        results = replace(results, hits=hits)
    return results_json(results, explain=explain)


def hits_rows(results: Results, origin: str) -> list[list[object]]:
    """Return hits as the older system did: `[score, url, caption]` for each."""
    return [[round(hit.score, 6), _url(hit.photo, origin), hit.photo.caption] for hit in results.hits]


def _url(photo: Photo, origin: str) -> str | None:
    """Return the URL of a photo's picture; None for a photo that has not been read yet."""
    if photo.source == urls.NAME and photo.source_key.startswith(URL_SCHEMES):
        return photo.source_key
    return origin + image_address(photo.id, photo.sha256) if photo.sha256 else None


def answer_errors(api: FastAPI, *, public: bool) -> None:
    """Have every error of `api` answered as JSON with a message; `public` leaves paths out of it."""

    async def wrong_parameter(_: Request, error: Exception) -> JSONResponse:
        problems = error.errors() if isinstance(error, RequestValidationError) else []
        return _answer(422, " ".join(map(_explain, problems)))

    async def not_found(_: Request, error: Exception) -> JSONResponse:
        return _answer(404, str(error))

    async def unreadable(_: Request, error: Exception) -> JSONResponse:
        return _answer(503, public_message(error) if public and isinstance(error, PhotosearchError) else str(error))

    async def other(_: Request, error: Exception) -> JSONResponse:
        if isinstance(error, HTTPException):
            return _answer(
                error.status_code,
                f"{error.detail}. See /api/docs for the addresses and methods that exist.",
                error.headers,
            )
        return _answer(500, "The server failed to answer. Its log has the reason.")

    api.add_exception_handler(RequestValidationError, wrong_parameter)
    for kind in (PhotoNotFound, CollectionNotFound):
        api.add_exception_handler(kind, not_found)
    api.add_exception_handler(PhotosearchError, unreadable)
    api.add_exception_handler(HTTPException, other)
    api.add_exception_handler(Exception, other)


def _answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"message": message}, status, headers)


def _explain(problem: Mapping[str, object]) -> str:
    """Describe one wrong parameter, such as "top: Input should be less than or equal to 1000."."""
    place = problem.get("loc")
    name = place[-1] if isinstance(place, Sequence) and place else "request"
    return f"{name}: {problem.get('msg')}."

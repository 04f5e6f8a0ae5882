"""The API as a FastAPI application, which the server mounts at /api."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated

import swagger_ui_bundle
from fastapi import FastAPI, Path, Query
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from photosearch.access.publication import published
from photosearch.api.addresses import MAX_SIZE_PX
from photosearch.api.answers import (
    FOUND,
    MISSING,
    UNREADABLE,
    WRONG,
    answer_errors,
    hits_json,
    hits_rows,
)
from photosearch.api.pictures import Pictures
from photosearch.errors import CollectionNotFound
from photosearch.export.formats import collection_json, photo_json
from photosearch.pictures import images
from photosearch.pipeline.adding import MAX_NAME_CHARS
from photosearch.search.question import PAGE_TOP, Question
from photosearch.workspace import Workspace

MAX_QUERY_CHARS = 2_000
MAX_TOP = 1_000
MAX_WORD_CHARS = 100
MAX_WORDS = 20
_NO_NUL = r"^[^\x00]*$"  # PostgreSQL stores no NUL character
_TELEMETRY_OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
_DESCRIPTION = """
Search the collections of this photosearch server, and read the captions and other data of their photos. The API changes
nothing.

Every answer other than 200 is JSON with a `message` that says what is wrong.
"""


class Shape(StrEnum):
    """The two forms of an answer with hits."""

    HITS = "hits"  # objects, as `photosearch search --format json` prints them
    ROWS = "rows"  # [score, url, caption], as in the older system


QueryText = Annotated[
    str,
    Query(
        alias="str",
        max_length=MAX_QUERY_CHARS,
        description="A description of the photos to find.",
        examples=["two dogs on a beach"],
    ),
]
Name = Annotated[
    str,
    Query(
        max_length=MAX_NAME_CHARS,
        pattern=_NO_NUL,
        description="The collection's name. It may be left out if there is only one.",
    ),
]
Top = Annotated[int, Query(ge=1, le=MAX_TOP, description="The largest number of hits to return.")]
AsWritten = Annotated[
    bool, Query(description="Search for the words only: quotes, minus signs and colons are not operators.")
]
Expand = Annotated[bool, Query(description="Also find photos by related words.")]
Explain = Annotated[
    bool,
    Query(
        description="Return each hit's `shares`: the term, its field, what it adds to the score, and for which word."
    ),
]
Dates = Annotated[
    bool, Query(description="Understand words such as `june 2021` as dates where no text of the collection holds them.")
]
Start = Annotated[str, Query(min_length=1, max_length=MAX_WORD_CHARS, description="The beginning of the word.")]
PhotoId = Annotated[
    str, Path(max_length=64, pattern=_NO_NUL, description="The photo's id, as in the `photo` of a hit.")
]
Size = Annotated[
    int,
    Query(
        ge=1,
        le=MAX_SIZE_PX,
        description=f"The longer side in pixels, at most. Up to {images.THUMBNAIL_SIDE_PX} pixels, or if the photo"
        " itself cannot be read, the answer is the thumbnail.",
    ),
]
Version = Annotated[
    str,
    Query(
        max_length=64,
        description="The beginning of the picture's SHA-256. With it, browsers may cache the answer for a week.",
    ),
]


def make_api(
    get_workspace: Callable[[], Workspace], *, public: bool = False, cors_origins: Sequence[str] = ()
) -> FastAPI:
    """Return the application; its handlers run in threads.

    Args:
        get_workspace: returns the workspace; called at each request.
        public: whether this is the public demo, whose answers hold no paths.
        cors_origins: origins of other sites whose pages may read the answers.
    """
    api = FastAPI(
        title="photosearch",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        telemetry=_TELEMETRY_OFF,
    )
    api.openapi_version = "3.0.3"  # the bundled documentation page cannot show 3.1
    answer_errors(api, public=public)
    if cors_origins:
        api.add_middleware(
            CORSMiddleware, allow_origins=list(cors_origins), allow_methods=["GET"], allow_headers=["Authorization"]
        )
    _add_searching(api, get_workspace, public=public)
    _add_photos(api, get_workspace, public=public)
    _add_docs(api)
    return api


def _add_searching(api: FastAPI, get_workspace: Callable[[], Workspace], *, public: bool) -> None:
    @api.get(
        "/v1/search",
        tags=["search"],
        summary="Find photos by a description",
        responses={**FOUND, **MISSING, **WRONG, **UNREADABLE},
    )
    def search(
        request: Request,
        query: QueryText,
        name: Name = "",
        top: Top = PAGE_TOP,
        shape: Shape = Shape.HITS,
        literal: AsWritten = False,
        expand: Expand = True,
        dates: Dates = True,
        explain: Explain = False,
    ) -> JSONResponse:
        """Return the photos that match a description, best first, with what each word adds to the score."""
        workspace = get_workspace()
        collection = name or _only_collection(workspace)
        question = Question(query, collection, top=top, expand=expand, literal=literal, dates=dates)
        results = workspace.searcher.search(question)
        if shape is Shape.ROWS:
            return JSONResponse(hits_rows(results, f"{request.url.scheme}://{request.url.netloc}"))
        return JSONResponse(hits_json(results, explain=explain, public=public))

    @api.get("/v1/words", tags=["search"], summary="Complete a word", responses={**MISSING, **WRONG, **UNREADABLE})
    def words(start: Start, name: Name = "") -> JSONResponse:
        """Return words of a collection's texts with this beginning, most frequent first."""
        workspace = get_workspace()
        return JSONResponse(workspace.searcher.index(name or _only_collection(workspace)).complete(start, MAX_WORDS))

    @api.get("/v1/collections", tags=["search"], summary="List the collections", responses=UNREADABLE)
    def collections() -> JSONResponse:
        """Return all collections by name, with the numbers of their photos."""
        return JSONResponse([collection_json(info) for info in get_workspace().library.collections()])


def _add_photos(api: FastAPI, get_workspace: Callable[[], Workspace], *, public: bool) -> None:
    errors = {**MISSING, **WRONG, **UNREADABLE}
    pictures = Pictures(get_workspace)

    @api.get("/v1/photos/{photo_id}", tags=["photos"], summary="Read all data of a photo", responses=errors)
    def photo(photo_id: PhotoId) -> JSONResponse:
        """Return captions, objects, labels and concepts with probabilities, and the data that came with the photo."""
        stored = get_workspace().library.photo(photo_id)
        return JSONResponse(photo_json(published(stored) if public else stored))

    @api.get(
        "/v1/photos/{photo_id}/similar",
        tags=["photos"],
        summary="Find photos like this photo",
        responses={**FOUND, **errors},
    )
    def similar(photo_id: PhotoId, top: Top = PAGE_TOP, explain: Explain = False) -> JSONResponse:
        """Return the photos of its collection most like a photo, by captions, objects, labels, concepts and texts."""
        return JSONResponse(
            hits_json(get_workspace().searcher.similar(photo_id, top=top), explain=explain, public=public)
        )

    @api.get(
        "/v1/photos/{photo_id}/image",
        tags=["photos"],
        summary="Get the picture of a photo",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}, "description": "A JPEG without metadata."}, **errors},
    )
    async def image(photo_id: PhotoId, size: Size = images.THUMBNAIL_SIDE_PX, v: Version = "") -> Response:
        """Return the picture, upright, its longer side at most `size` pixels."""
        return await pictures.answer(photo_id, size, v)


def _add_docs(api: FastAPI) -> None:
    """Add the page that documents the API; its scripts come from a package, so that it needs no internet."""
    assets = StaticFiles(directory=swagger_ui_bundle.swagger_ui_path)
    api.mount("/docs/assets", assets, name="docs-assets")

    @api.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}{api.openapi_url}",
            title="photosearch: HTTP API",
            swagger_js_url=f"{root}/docs/assets/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs/assets/swagger-ui.css",
            swagger_favicon_url=f"{root}/docs/assets/favicon-32x32.png",
        )


def _only_collection(workspace: Workspace) -> str:
    names = workspace.library.collection_names()
    if len(names) == 1:
        return names[0]
    if not names:
        raise CollectionNotFound("There are no collections yet. Add photos first.")
    raise CollectionNotFound(f"There are several collections. Choose one with name=: {', '.join(names)}.")

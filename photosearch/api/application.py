"""The API as an application of its own, to be mounted at /api."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated

import swagger_ui_bundle
from fastapi import FastAPI, Path, Query
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photosearch import images
from photosearch.api.addresses import MAX_SIZE_PX
from photosearch.api.answers import (
    FOUND,
    MISSING,
    UNREADABLE,
    WRONG,
    answer_errors,
    hits_json,
    hits_rows,
    published,
)
from photosearch.api.pictures import picture_answer
from photosearch.errors import CollectionNotFound
from photosearch.export.formats import collection_json, photo_json
from photosearch.search.question import PAGE_TOP, Question
from photosearch.workspace import MAX_NAME_CHARS, Workspace

MAX_QUERY_CHARS = 2_000
MAX_TOP = 1_000
MAX_WORD_CHARS = 100
MAX_WORDS = 20
_NO_NUL = r"^[^\x00]*$"  # a database takes none
_TELEMETRY_OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
_DESCRIPTION = """
Searches the collections of this photosearch, and reads what is known of their photos. Reading only.

Every answer other than 200 is JSON with a `message` that says what is wrong.
"""


class Shape(StrEnum):
    """How hits are answered."""

    HITS = "hits"  # as `search --format json` prints them
    ROWS = "rows"  # [score, url, caption], as the older system did


QueryText = Annotated[
    str,
    Query(alias="str", max_length=MAX_QUERY_CHARS, description="What to find.", examples=["two dogs on a beach"]),
]
Name = Annotated[
    str,
    Query(
        max_length=MAX_NAME_CHARS, pattern=_NO_NUL, description="The collection; may be left out where there is one."
    ),
]
Top = Annotated[int, Query(ge=1, le=MAX_TOP, description="Hits at most.")]
AsWritten = Annotated[bool, Query(description="Quotes, minus signs and colons mean nothing.")]
Expand = Annotated[bool, Query(description="Whether related words count, too.")]
Explain = Annotated[bool, Query(description="Give each hit's `shares`: term, field, what it adds, and for which word.")]
Start = Annotated[str, Query(min_length=1, max_length=MAX_WORD_CHARS, description="What the word starts with.")]
PhotoId = Annotated[str, Path(max_length=64, pattern=_NO_NUL, description="As hits have it under `photo`.")]
Size = Annotated[
    int,
    Query(
        ge=1,
        le=MAX_SIZE_PX,
        description=f"The longer side in px. Up to {images.THUMBNAIL_SIDE_PX} it is the thumbnail, and so it is where"
        " the photo itself is no longer there.",
    ),
]
Version = Annotated[
    str, Query(max_length=64, description="The start of the picture's SHA-256; with it the answer may be kept long.")
]


def make_api(workspace: Callable[[], Workspace], *, public: bool = False, cors_origins: Sequence[str] = ()) -> FastAPI:
    """The application; all its work is done in threads.

    Args:
        workspace: asked anew at each request.
        public: whether this is the public demo, which tells nothing of the machine.
        cors_origins: sites whose pages may read the answers, too.
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
    api.openapi_version = "3.0.3"  # the bundled page renders no 3.1
    answer_errors(api, public=public)
    if cors_origins:
        api.add_middleware(CORSMiddleware, allow_origins=list(cors_origins), allow_methods=["GET"])
    api.add_middleware(_NoSniff)
    _add_searching(api, workspace, public=public)
    _add_photos(api, workspace, public=public)
    _add_docs(api)
    return api


def _add_searching(api: FastAPI, workspace: Callable[[], Workspace], *, public: bool) -> None:
    @api.get(
        "/v1/search", tags=["search"], summary="Find photos", responses={**FOUND, **MISSING, **WRONG, **UNREADABLE}
    )
    def search(
        request: Request,
        query: QueryText,
        name: Name = "",
        top: Top = PAGE_TOP,
        shape: Shape = Shape.HITS,
        literal: AsWritten = False,
        expand: Expand = True,
        explain: Explain = False,
    ) -> JSONResponse:
        """Photos that fit a description, the best first, with what each word adds to the score."""
        held = workspace()
        question = Question(query, name or _only_collection(held), top=top, expand=expand, literal=literal)
        results = held.search(question)
        if shape is Shape.ROWS:
            return JSONResponse(hits_rows(results, f"{request.url.scheme}://{request.url.netloc}"))
        return JSONResponse(hits_json(results, explain=explain, public=public))

    @api.get("/v1/words", tags=["search"], summary="Words that do occur", responses={**MISSING, **WRONG, **UNREADABLE})
    def words(start: Start, name: Name = "") -> JSONResponse:
        """Words of a collection's texts that start so, the most frequent first."""
        held = workspace()
        return JSONResponse(held.index(name or _only_collection(held)).complete(start, MAX_WORDS))

    @api.get("/v1/collections", tags=["search"], summary="The collections", responses=UNREADABLE)
    def collections() -> JSONResponse:
        """All collections by name, with the numbers of their photos."""
        return JSONResponse([collection_json(info) for info in workspace().collections()])


def _add_photos(api: FastAPI, workspace: Callable[[], Workspace], *, public: bool) -> None:
    told = {**MISSING, **WRONG, **UNREADABLE}

    @api.get("/v1/photos/{photo_id}", tags=["photos"], summary="All that is known of a photo", responses=told)
    def photo(photo_id: PhotoId) -> JSONResponse:
        """Captions, objects, labels and concepts with their probabilities, and what came with the photo."""
        found = workspace().library.photo(photo_id)
        return JSONResponse(photo_json(published(found) if public else found))

    @api.get("/v1/photos/{photo_id}/similar", tags=["photos"], summary="Photos like one", responses={**FOUND, **told})
    def similar(photo_id: PhotoId, top: Top = PAGE_TOP, explain: Explain = False) -> JSONResponse:
        """The photos of its collection that are most like one, by what was seen in both and said of both."""
        return JSONResponse(hits_json(workspace().similar(photo_id, top=top), explain=explain, public=public))

    @api.get(
        "/v1/photos/{photo_id}/image",
        tags=["photos"],
        summary="A photo's picture",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}, "description": "A JPEG without metadata."}, **told},
    )
    def image(photo_id: PhotoId, size: Size = images.THUMBNAIL_SIDE_PX, v: Version = "") -> Response:
        """The picture, upright, no larger than `size`."""
        return picture_answer(workspace(), photo_id, size, v)


def _add_docs(api: FastAPI) -> None:
    """The page that describes the API, whose scripts come from a package: it needs no network."""
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
    names = [info.name for info in workspace.collections()]
    if len(names) == 1:
        return names[0]
    there = f"There are several; say which one with name=: {', '.join(names)}." if names else "There is none yet."
    raise CollectionNotFound(f"No collection was named. {there}")


class _NoSniff:
    """Tells browsers to take answers for nothing else than what they say they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, send_marked if scope["type"] == "http" else send)

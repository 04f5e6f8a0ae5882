"""Sessions of the dashboard without a browser: what the server alone can answer, over Streamlit's own socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

MOST_BYTES = 64_000_000
PATIENCE_S = 180.0  # the processes that decode may take 60 s for a picture
BOX = "Description"
_XSRF = "_streamlit_xsrf"  # the cookie, and what a form sends back of it
_BOUNDARY = "a-boundary-that-no-picture-holds"


async def search_for_a_while(
    address: str, queries: Iterator[str], seconds: float, cookie: str = ""
) -> tuple[list[float], int]:
    """Be one session that puts a query a second.

    Args:
        address: the server's.
        queries: what to search for.
        seconds: how long.
        cookie: of somebody who is logged in, where that is asked for.

    Returns:
        What each answer took until the page's script had ended, in seconds; how many were none, or held an exception.
    """
    took_s: list[float] = []
    n_errors = 0
    async with open_session(address, cookie) as session:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.monotonic()
            n_errors += not await session.ask(next(queries))
            took_s.append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, 1 - took_s[-1]))
    return took_s, n_errors


@asynccontextmanager
async def open_session(address: str, cookie: str = "") -> AsyncIterator[Session]:
    """Open the Search page, perhaps with the cookie of somebody who is logged in; the session ends with the block."""
    url = f"ws://{urlsplit(address).netloc}/_stcore/stream"
    headers = {"Cookie": cookie} if cookie else {}
    protocols = [Subprotocol("streamlit")]
    async with connect(url, subprotocols=protocols, max_size=MOST_BYTES, additional_headers=headers) as socket:
        session = Session(socket, address, cookie)
        await session.ask(None)
        yield session


@dataclass
class _Seen:
    """What a page showed while its script ran."""

    is_answered: bool = False  # it said how many photos were found, or that something is wrong
    is_whole: bool = True  # no exception, and the script ended well


class Session:
    """A visitor's session on the Search page."""

    def __init__(self, socket: ClientConnection, address: str, cookie: str) -> None:
        self._socket = socket
        self._address = address
        self._cookie = cookie
        self._id = ""
        self._box = self._uploader = ""  # ids of the text box and the uploader, once the page has told them

    async def ask(self, query: str | None) -> bool:
        """Have the page run with this query; whether it says how many photos were found, and holds no exception."""
        message = self._rerun()
        if query is not None:
            message.rerun_script.widget_states.widgets.add(id=self._box, string_value=query)
        seen = await self._run(message)
        return seen.is_whole and (seen.is_answered or query is None)

    async def search_like(self, name: str, picture: bytes) -> bool:
        """Upload a picture and have the page search by it; whether the page answered, if only by refusing it."""
        wanted = BackMsg()
        wanted.file_urls_request.session_id = self._id
        wanted.file_urls_request.file_names.append(name)
        await self._socket.send(wanted.SerializeToString())
        while not (answer := await self._receive()).HasField("file_urls_response"):
            pass
        place = answer.file_urls_response.file_urls[0]
        await asyncio.to_thread(self._upload, place.upload_url, name, picture)
        message = self._rerun()
        state = message.rerun_script.widget_states.widgets.add(id=self._uploader).file_uploader_state_value
        state.uploaded_file_info.append(_info(place, name, len(picture)))
        seen = await self._run(message)
        return seen.is_whole and seen.is_answered

    def _upload(self, path: str, name: str, picture: bytes) -> None:
        connection = HTTPConnection(urlsplit(self._address).netloc, timeout=PATIENCE_S)
        connection.request("GET", "/_stcore/health", headers={"Cookie": self._cookie})
        answer = connection.getresponse()
        answer.read()
        given = (cookie.partition(";")[0] for cookie in answer.headers.get_all("set-cookie", []))
        token = next((cookie.partition("=")[2] for cookie in given if cookie.startswith(_XSRF)), "")
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
        connection.request(
            "PUT",
            urlsplit(path).path,
            head.encode() + picture + f"\r\n--{_BOUNDARY}--\r\n".encode(),
            {
                "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
                "Cookie": f"{self._cookie}; {_XSRF}={token}",
                "X-Xsrftoken": token,
            },
        )
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 204:
            raise RuntimeError(f"the upload was answered by {answer.status}")

    def _rerun(self) -> BackMsg:
        message = BackMsg()
        message.rerun_script.context_info.url = f"{self._address}/"
        return message

    async def _receive(self) -> ForwardMsg:
        return ForwardMsg.FromString(await asyncio.wait_for(self._socket.recv(decode=False), PATIENCE_S))

    async def _run(self, message: BackMsg) -> _Seen:
        """Have the page's script run, until it has ended."""
        await self._socket.send(message.SerializeToString())
        seen = _Seen()
        while True:
            answer = await self._receive()
            if answer.HasField("script_finished") and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                seen.is_whole &= answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
                return seen
            if answer.HasField("new_session"):
                self._id = answer.new_session.initialize.session_id
            if answer.HasField("delta"):
                element = answer.delta.new_element
                seen.is_whole &= not element.HasField("exception")
                seen.is_answered |= " found" in element.markdown.body or element.HasField("alert")
                if element.text_input.label == BOX:
                    self._box = element.text_input.id
                self._uploader = element.file_uploader.id or self._uploader


def _info(place: FileURLs, name: str, size: int) -> UploadedFileInfo:
    return UploadedFileInfo(name=name, size=size, file_id=place.file_id, file_urls=place)

"""Sessions of the dashboard without a browser: what the server alone can answer, over Streamlit's own socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

MOST_BYTES = 64_000_000
PATIENCE_S = 60.0
BOX = "Description"


async def search_for_a_while(address: str, queries: Iterator[str], seconds: float) -> tuple[list[float], int]:
    """Be one session that puts a query a second.

    Returns:
        What each answer took until the page's script had ended, in seconds; how many were none, or held an exception.
    """
    took_s: list[float] = []
    n_errors = 0
    url = f"ws://{urlsplit(address).netloc}/_stcore/stream"
    async with connect(url, subprotocols=[Subprotocol("streamlit")], max_size=MOST_BYTES) as socket:
        session = _Session(socket, address)
        await session.ask(None)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.monotonic()
            n_errors += not await session.ask(next(queries))
            took_s.append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, 1 - took_s[-1]))
    return took_s, n_errors


class _Session:
    def __init__(self, socket: ClientConnection, address: str) -> None:
        self._socket = socket
        self._address = address
        self._box = ""  # the text box's id, once the page has told it

    async def ask(self, query: str | None) -> bool:
        """Have the page run with this query; whether it says how many photos were found, and holds no exception."""
        message = BackMsg()
        message.rerun_script.context_info.url = f"{self._address}/"
        if query is not None:
            message.rerun_script.widget_states.widgets.add(id=self._box, string_value=query)
        await self._socket.send(message.SerializeToString())
        is_answered, is_whole = query is None, True
        while True:
            answer = ForwardMsg.FromString(await asyncio.wait_for(self._socket.recv(decode=False), PATIENCE_S))
            if answer.HasField("script_finished") and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return is_answered and is_whole and answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
            if answer.HasField("delta"):
                element = answer.delta.new_element
                is_whole &= not element.HasField("exception")
                is_answered |= " found" in element.markdown.body or element.HasField("alert")  # or that nothing was
                if element.text_input.label == BOX:
                    self._box = element.text_input.id

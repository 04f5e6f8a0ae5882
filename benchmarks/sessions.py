"""Sessions of the dashboard without a browser: what the server alone can answer, over Streamlit's own socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

MOST_BYTES = 64_000_000
PATIENCE_S = 60.0


async def search_for_a_while(address: str, queries: Iterator[str], seconds: float) -> tuple[list[float], int]:
    """Be one session that puts a query a second.

    Returns:
        What each answer took until the page's script had ended, in seconds; how many held an exception.
    """
    took_s: list[float] = []
    n_errors = 0
    url = f"ws://{urlsplit(address).netloc}/_stcore/stream"
    async with connect(url, subprotocols=[Subprotocol("streamlit")], max_size=MOST_BYTES) as socket:
        await _ask(socket, address, "")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.monotonic()
            n_errors += await _ask(socket, address, urlencode({"q": next(queries)}))
            took_s.append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, 1 - took_s[-1]))
    return took_s, n_errors


async def _ask(socket: ClientConnection, address: str, query: str) -> int:
    """Have the page run with this query string; the number of exceptions it shows."""
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.context_info.url = f"{address}/"
    await socket.send(message.SerializeToString())
    n_errors = n_elements = 0
    while True:
        data = await asyncio.wait_for(socket.recv(decode=False), PATIENCE_S)
        answer = ForwardMsg.FromString(data)
        n_elements += answer.HasField("delta")
        n_errors += answer.HasField("delta") and answer.delta.new_element.WhichOneof("type") == "exception"
        if answer.HasField("script_finished") and answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            return n_errors + (n_elements == 0)  # a page with nothing on it is no answer

"""A pycrdt replica over a WebSocket: waits for a text, adds its own, waits for the farewell.

Usage: pycrdt_peer.py URL EXPECTED ADDED FAREWELL
"""

import sys

import anyio
from httpx_ws import aconnect_ws
from pycrdt import Doc, Map, Provider, Text
from pycrdt.websocket.websocket import HttpxWebsocket

DEADLINE_SECONDS = 20


async def main(url: str, expected: str, added: str, farewell: str) -> None:
    doc: Doc = Doc()
    text = doc.get("content", type=Text)
    entries = doc.get("map", type=Map)
    changed = anyio.Event()

    def on_change(event) -> None:
        nonlocal changed
        changed.set()
        changed = anyio.Event()

    subscription = doc.observe(on_change)

    async def until(wanted: str) -> None:
        while wanted not in str(text):
            await changed.wait()

    with anyio.fail_after(DEADLINE_SECONDS):
        async with aconnect_ws(url) as websocket, Provider(doc, HttpxWebsocket(websocket, url)):
            await until(expected)
            with doc.transaction():
                text += added
                entries["peer"] = "pycrdt"
            await until(farewell)
    doc.unobserve(subscription)
    print(f"pycrdt saw {str(text)!r}")


anyio.run(main, *sys.argv[1:])

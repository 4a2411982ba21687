"""A pycrdt replica as a process of its own, for lib/peer.mjs: it edits when it is told to.

Usage: pycrdt_editor.py URL SEED
It connects again whenever its connection ends: pycrdt's provider leaves that to its caller.
"""

import json
import random
import sys

import anyio
from httpx_ws import aconnect_ws
from pycrdt import (
    Array,
    Awareness,
    Channel,
    Decoder,
    Doc,
    Map,
    Provider,
    Text,
    YMessageType,
    create_awareness_message,
    read_message,
)
from pycrdt.websocket.websocket import HttpxWebsocket

RECONNECT_SECONDS = 0.05
WORDS = ["weft ", "warp ", "loom ", "ä", "😀", "\n", "x", "shuttle ", "日本"]


class PresenceChannel(Channel):
    """Keeps awareness messages from pycrdt's provider, which knows nothing of them."""

    def __init__(self, channel: HttpxWebsocket, awareness: Awareness) -> None:
        self._channel = channel
        self._awareness = awareness
        self.ended = anyio.Event()

    @property
    def path(self) -> str:
        return self._channel.path

    async def __anext__(self) -> bytes:
        while True:
            try:
                message = await self._channel.__anext__()
            except StopAsyncIteration:
                self.ended.set()
                raise
            if message[0] != YMessageType.AWARENESS:
                return message
            self._awareness.apply_awareness_update(read_message(message[1:]), "server")

    async def recv(self) -> bytes:
        return await self.__anext__()

    async def send(self, message: bytes) -> None:
        await self._channel.send(message)


class Editor:
    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.random = random.Random(seed)
        self.doc: Doc = Doc()
        self.text = self.doc.get("content", type=Text)
        self.map = self.doc.get("map", type=Map)
        self.array = self.doc.get("array", type=Array)
        self.awareness = Awareness(self.doc)
        self.provider: Provider | None = None

    # --- the connection ---

    async def stay_connected(self) -> None:
        while True:
            try:
                await self.connect()
            except* Exception:
                self.provider = None  # the server is away
            await anyio.sleep(RECONNECT_SECONDS)

    async def connect(self) -> None:
        """One connection to its end, which is an exception."""
        async with aconnect_ws(self.url) as websocket, anyio.create_task_group() as tasks:
            channel = PresenceChannel(HttpxWebsocket(websocket, self.url), self.awareness)

            def on_awareness(topic: str, event: tuple) -> None:
                changes, _ = event
                # What others say of themselves is theirs to tell.
                if topic == "update" and any(self.doc.client_id in of for of in changes.values()):
                    tasks.start_soon(channel.send, self.own_presence())

            subscription = self.awareness.observe(on_awareness)
            try:
                async with Provider(self.doc, channel) as provider:
                    self.provider = provider
                    await channel.send(self.own_presence())
                    await channel.ended.wait()
                    raise ConnectionError("the connection has ended")
            finally:
                self.awareness.unobserve(subscription)

    def own_presence(self) -> bytes:
        update = self.awareness.encode_awareness_update([self.doc.client_id])
        return create_awareness_message(update)

    # --- what it is told to do ---

    def edit(self, count: int) -> dict:
        for _ in range(count):
            with self.doc.transaction():
                self.edit_once()
        return {"client": self.doc.client_id, "clock": dict(self.vector()).get(self.doc.client_id, 0)}

    def edit_once(self) -> None:
        """As random_edit of lib/edits.mjs. Numbers are floats: Yjs would read integers as BigInt."""
        below = self.random.randrange
        match below(10):
            case 0 | 1 | 2 | 3:
                at, _ = self.places(0)
                self.text.insert(at, self.random.choice(WORDS))
            case 4:
                begin, end = self.places(2 + below(2))
                if end > begin:
                    del self.text[begin:end]
            case 5:
                begin, end = self.places(2 + below(2))
                if end > begin:
                    self.text.format(begin, end, {"bold": self.random.choice([True, None])})
            case 6:
                self.map[f"key{below(12)}"] = {"by": float(self.doc.client_id), "n": float(below(2**32))}
            case 7:
                key = f"key{below(12)}"
                if key in self.map:
                    del self.map[key]
                else:
                    self.map[f"inner{below(4)}"] = Map({"n": float(below(1000))})
            case 8:
                self.array.insert(below(len(self.array) + 1), float(below(1000)))
            case _:
                if len(self.array) > 2:
                    del self.array[below(len(self.array) - 1)]
                else:
                    self.array.append(None)

    def places(self, length: int) -> tuple[int, int]:
        """A random range of so many whole characters, in bytes, which pycrdt counts in."""
        text = str(self.text)
        begin = self.random.randrange(max(1, len(text) - length + 1))
        return len(text[:begin].encode()), len(text[: begin + length].encode())

    def present(self, name: str) -> dict:
        self.awareness.set_local_state_field("user", {"name": name})
        return {}

    def report(self) -> dict:
        people = [state["user"]["name"] for state in self.awareness.states.values() if "user" in state]
        synced = self.provider is not None and self.provider.synced.is_set()
        return {"synced": synced, "people": people, "content": self.content()}

    def content(self) -> dict:
        """As content_of of lib/edits.mjs."""
        delta = [
            {"insert": insert, "attributes": {k: v for k, v in (attributes or {}).items() if v is not None}}
            for insert, attributes in self.text.diff()
        ]
        return {
            "vector": sorted(self.vector()),
            "text": delta,
            "map": self.map.to_py(),
            "array": self.array.to_py(),
        }

    def vector(self) -> list[tuple[int, int]]:
        decoder = Decoder(self.doc.get_state())
        count = decoder.read_var_uint()
        return [(decoder.read_var_uint(), decoder.read_var_uint()) for _ in range(count)]


async def main(url: str, seed: str) -> None:
    editor = Editor(url, int(seed))
    answers = {"edit": editor.edit, "present": editor.present, "report": editor.report}
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(editor.stay_connected)
        while line := await anyio.to_thread.run_sync(sys.stdin.readline):
            request = json.loads(line)
            print(json.dumps(answers[request.pop("do")](**request)), flush=True)
        tasks.cancel_scope.cancel()


anyio.run(main, *sys.argv[1:])

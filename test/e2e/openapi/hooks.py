"""What Schemathesis cannot know of docs/openapi.yaml: what the bytes mean."""

import base64
import contextlib
import json
import os
import random

import httpx
import pycrdt
import schemathesis
from hypothesis import strategies as st


def update(seed: int) -> bytes:
    """An update of a writer of its own; the same for the same seed. Seeds up to 3 are small ones."""
    choice = random.Random(seed)
    doc = pycrdt.Doc(client_id=1000 + seed)
    doc["content"] = text = pycrdt.Text()
    text += "x" * (seed + 1)
    if seed > 3:
        doc["map"] = pycrdt.Map({"list": [choice.random(), None, True, "ä"]})
        del text[0 : seed // 2]
    return doc.get_update()


def state_vector(seed: int) -> bytes:
    doc = pycrdt.Doc()
    doc.apply_update(update(seed))
    return doc.get_state()


def framed(updates: list[bytes]) -> bytes:
    """Updates as application/vnd.weft.updates carries them."""
    out = bytearray()
    for one in updates:
        length = len(one)
        while length >= 0x80:
            out.append(length & 0x7F | 0x80)
            length >>= 7
        out.append(length)
        out += one
    return bytes(out)


updates = st.integers(0, 40).map(update)

# Formats of strings that the description names, so that some of what is sent is meant.
schemathesis.openapi.format("yjs-update", updates.map(lambda one: base64.b64encode(one).decode()))
schemathesis.openapi.format(
    "yjs-state-vector",
    st.integers(0, 40).map(lambda seed: base64.urlsafe_b64encode(state_vector(seed)).rstrip(b"=").decode()))

# In place of the name of a stream of events, which open_stream opens when it is wanted.
to_be_opened = "to be opened"
schemathesis.openapi.format("weft-stream", st.just(to_be_opened))


def awareness(clock: int) -> bytes:
    """That somebody is there, at a clock below 128."""
    return bytes([1, 7, clock, 2]) + b"{}"


schemathesis.openapi.media_type("application/octet-stream", updates | st.integers(0, 127).map(awareness))
schemathesis.openapi.media_type("application/vnd.weft.updates", st.lists(updates, min_size=1, max_size=4).map(framed))


@schemathesis.deserializer("application/octet-stream")
def read_bytes(context, response):
    """As a string, which is what a schema can say of it."""
    return response.content.decode("latin-1")


streams = contextlib.ExitStack()


def open_stream(path: str) -> str:
    """The name of a new stream, which is open until the next one is; of none where there is no such path."""
    streams.close()
    events = streams.enter_context(httpx.stream("GET", f"{os.environ['WEFT_URL']}{path}/events?awareness=1"))
    if events.status_code != 200:
        return to_be_opened
    lines = events.iter_lines()
    streams.callback(lines.close)  # which closes the stream, as its going out of scope would
    data = next(line for line in lines if line.startswith("data: "))
    return json.loads(data.removeprefix("data: "))["stream"]


@schemathesis.hook
def before_call(context, case, kwargs):
    """
    Presence is shown through a stream of its document. Nobody edits meanwhile: whoever waits for an edit
    waits in vain, and need not do so for long.
    """
    operation = case.operation.definition.raw.get("operationId")
    if operation == "awareness" and (case.query or {}).get("stream") == to_be_opened:
        path = case.formatted_path.removesuffix("/awareness")
        case.query = {**case.query, "stream": open_stream(path)}
    if operation == "trace":
        wait = str((case.query or {}).get("wait_ms", 30_000))
        if wait.isascii() and wait.isdigit() and 20 < int(wait) <= 600_000:
            case.query = {**(case.query or {}), "wait_ms": 20}

"""What Schemathesis cannot know of docs/openapi.yaml: what the bytes mean."""

import base64
import random

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

schemathesis.openapi.media_type("application/octet-stream", updates)
schemathesis.openapi.media_type("application/vnd.weft.updates", st.lists(updates, min_size=1, max_size=4).map(framed))


@schemathesis.deserializer("application/octet-stream")
def read_bytes(context, response):
    """As a string, which is what a schema can say of it."""
    return response.content.decode("latin-1")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Nobody edits meanwhile: whoever waits for an edit waits in vain, and need not do so for long."""
    if case.operation.definition.raw.get("operationId") == "trace":
        wait = str((case.query or {}).get("wait_ms", 30_000))
        if wait.isascii() and wait.isdigit() and 20 < int(wait) <= 600_000:
            case.query = {**(case.query or {}), "wait_ms": 20}

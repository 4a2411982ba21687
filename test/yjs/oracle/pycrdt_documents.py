"""What pycrdt writes and reads, for corpora.mjs; one JSON value a line.

make SEED COUNT   random documents: {"updates": [base64…], "state": base64, "shown": …}
read              for each base64 update on stdin what pycrdt shows of it
"""

import base64
import json
import random
import sys

from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

WORDS = ["a", "weft ", "é", "漢字", "😀", "x😀y", "\n", '"quoted"', "lorem ipsum"]
VALUES = [0, -1, 2**31, 0.5, 1e300, True, False, None, "text", "😀", [1, "two", None], {"a": {"b": [1]}}]


def shown(doc):
    text = doc.get("t", type=Text)
    return {
        "t": str(text),
        "a": doc.get("a", type=Array).to_py(),
        "m": doc.get("m", type=Map).to_py(),
        "x": str(doc.get("x", type=XmlFragment)),
    }


def edit_text(rng, text):
    # Places are counted in bytes of UTF-8; only those between characters are meant.
    value = str(text)
    if value and rng.random() < 0.3:
        at = rng.randrange(len(value))
        start = len(value[:at].encode())
        del text[start : start + len(value[at].encode())]
    elif value and rng.random() < 0.2:
        style = {rng.choice(["bold", "em"]): rng.choice([True, "x"])}
        text.format(0, len(value.encode()), style)
    else:
        text += rng.choice(WORDS)


def edit(rng, doc):
    kind = rng.randrange(4)
    if kind == 0:
        edit_text(rng, doc.get("t", type=Text))
    elif kind == 1:
        array = doc.get("a", type=Array)
        if len(array) and rng.random() < 0.3:
            del array[rng.randrange(len(array))]
        else:
            value = rng.choice([*VALUES, Array([1, 2]), Map({"k": "v"}), Text("inner")])
            array.insert(rng.randint(0, len(array)), value)
    elif kind == 2:
        map_ = doc.get("m", type=Map)
        key = rng.choice(["k", "ключ", "7", ""])
        if key in map_ and rng.random() < 0.3:
            del map_[key]
        else:
            map_[key] = rng.choice([*VALUES, Map({"n": 1}), Array(["in"])])
    else:
        children = doc.get("x", type=XmlFragment).children
        if len(children) and rng.random() < 0.3:
            del children[rng.randrange(len(children))]
        else:
            child = rng.choice([XmlText("words"), XmlElement("p", {"id": "1"})])
            children.insert(rng.randint(0, len(children)), child)


def make(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        docs = [Doc(client_id=rng.choice([n + 1, rng.randrange(1, 2**32)])) for n in range(3)]
        updates = []
        for doc in docs:
            doc.observe(lambda event: updates.append(event.update))
        for _ in range(rng.randint(5, 80)):
            doc = rng.choice(docs)
            if rng.random() < 0.8:
                edit(rng, doc)
            else:
                other = rng.choice(docs)
                if other is not doc:
                    other.apply_update(doc.get_update(other.get_state()))
        whole = docs[0]
        for doc in docs[1:]:
            whole.apply_update(doc.get_update(whole.get_state()))
        print(
            json.dumps(
                {
                    "updates": [base64.b64encode(update).decode() for update in updates],
                    "state": base64.b64encode(whole.get_update()).decode(),
                    "shown": shown(whole),
                }
            )
        )


def read():
    for line in sys.stdin:
        doc = Doc()
        doc.apply_update(base64.b64decode(line))
        print(json.dumps(shown(doc)))


if sys.argv[1] == "make":
    make(int(sys.argv[2]), int(sys.argv[3]))
else:
    read()

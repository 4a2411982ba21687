#!/usr/bin/env python3
"""Makes a sample of the on-disk formats: a small backup with known edits in it.

Usage: make_sample.py WEFT DIRECTORY [STORE_KIND]

Run it once for each version of the formats, when that version is released, and commit the result as
test/compat/v<version>, and with the kind filesystem as test/compat/v<version>-files; test/compat reads
every sample with today's code for ever. What is in it is described in test/compat/README.md.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

# Yjs updates, format v1, as docs/formats/yjs_update_v1.md writes them; all by client 1.
HELLO = bytes([1, 1, 1, 0, 4, 1, 4]) + b"text" + bytes([5]) + b"Hello" + bytes([0])
BEHIND_IT = bytes([1, 1, 1, 5, 0x84, 1, 4, 3]) + b" v1" + bytes([0])
WITHOUT_H = bytes([0, 1, 1, 1, 0, 1])


class Server:
    def __init__(self, program, data, kind):
        self.process = subprocess.Popen(
            [program, "serve", "--listen", "127.0.0.1:0", "--data", data, "--durability", "os",
             "--log_level", "error", "--store.kind", kind],
            stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().split()[2]

    def post(self, path, body, content_type):
        request = urllib.request.Request(self.address + path, data=body, method="POST",
                                         headers={"Content-Type": content_type})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def publish(self, document, update):
        self.post(f"/v1/documents/{document}/updates?sender=sample", update,
                  "application/octet-stream")

    def stop(self):
        self.process.terminate()
        if self.process.wait(30) != 0:
            sys.exit("the server did not stop")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    program, target = sys.argv[1], pathlib.Path(sys.argv[2]).absolute()
    kind = sys.argv[3] if len(sys.argv) == 4 else "rocksdb"
    with tempfile.TemporaryDirectory() as data:
        server = Server(program, data + "/data", kind)
        server.publish("team/notes", HELLO)
        server.publish("team/notes", BEHIND_IT)
        server.publish("t%C3%A9am/a%2Fb", HELLO)
        server.stop()  # writes snapshots
        server = Server(program, data + "/data", kind)
        server.publish("team/notes", WITHOUT_H)
        server.post("/v1/backup", json.dumps({"directory": str(target)}).encode(),
                    "application/json")
        server.stop()
    print(f"{target}: made")


main()

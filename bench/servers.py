"""The servers that are compared: how each starts, is ready, and stops."""

import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / "build/release/bench"
PEER = ROOT / "bench/peers/node_modules/@y/websocket-server/src/server.js"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One running server. `sync`: whether clients do the y-protocols handshake."""

    name = ""
    sync = "y"

    def __init__(self, scratch):
        self.scratch = Path(scratch)
        self.process = None
        self.port = 0

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def url(self, path="{doc}"):
        return f"ws://127.0.0.1:{self.port}/{path}"

    def ready(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def start(self):
        self.port = free_port()
        log = open(self.scratch / f"{self.name}.log", "ab")
        self.process = subprocess.Popen(
            self.command(), stdout=log, stderr=log, cwd=ROOT,
            env={**os.environ, **self.environment()})
        log.close()
        deadline = time.monotonic() + 60
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self.name} did not start; see {log.name}")
            time.sleep(0.02)
        return self

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Raw(Server):
    name = "raw"
    sync = "none"

    def command(self):
        return [BIN / "raw_server", "--port", str(self.port), "--mode", "gather"]


class RawWal(Server):
    name = "raw-wal"
    sync = "none"

    def command(self):
        return [BIN / "raw_server", "--port", str(self.port), "--mode", "gather-wal",
                "--path", self.scratch / "raw.wal"]


class RawFile(Server):
    """The same bytes read from a file and written to each joiner."""

    name = "raw-file"

    def __init__(self, scratch, path):
        super().__init__(scratch)
        self.path = path

    def command(self):
        return [BIN / "raw_server", "--port", str(self.port), "--mode", "file",
                "--path", self.path]


class YWebsocket(Server):
    name = "y-websocket"

    def command(self):
        return ["node", PEER]

    def environment(self):
        return {"PORT": str(self.port), "HOST": "127.0.0.1", "NODE_ENV": "production"}


class Weft(Server):
    name = "weft"

    def __init__(self, scratch, program, flags=()):
        super().__init__(scratch)
        self.program = program
        self.flags = list(flags)

    def command(self):
        return [self.program, "serve", "--listen", f"127.0.0.1:{self.port}",
                "--data", self.scratch / "weft-data", *self.flags]

    def http(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

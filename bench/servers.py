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
PEERS = ROOT / "bench/peers"

COMMIT_INTERVAL_US = 2000  # log.commit_interval_us, the default of Weft


def socketio_url(port: int, document: str) -> str:
    """The room is the one that bench/load/socketio.h names."""
    return f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket" \
           f"&roomId=default&docId={document}"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One running server. `dialect`: how clients talk to it, as bench/load/dialect.h names it."""

    name = ""
    dialect = "y"

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.process: subprocess.Popen | None = None
        self.port = 0

    def command(self) -> list:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def url(self, path: str = "{doc}") -> str:
        return f"ws://127.0.0.1:{self.port}/{path}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def ready(self) -> bool:
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def start(self) -> "Server":
        self.port = free_port()
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in self.command()], stdout=log, stderr=log, cwd=ROOT,
                env={**os.environ, **self.environment()})
        deadline = time.monotonic() + 60
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self.name} did not start; see {log.name}")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
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
    dialect = "none"

    def command(self):
        return [BIN / "raw_server", "--port", self.port, "--mode", "gather"]


class RawWal(Server):
    name = "raw-wal"
    dialect = "none"
    sync_interval_us = 0

    def command(self):
        return [BIN / "raw_server", "--port", self.port, "--mode", "gather-wal",
                "--path", self.folder / "raw.wal", "--sync-interval-us", self.sync_interval_us]


class RawWalGrouped(RawWal):
    """Syncs as seldom as Weft does by default: the limit for a server that groups as much."""

    name = "raw-wal-2ms"
    sync_interval_us = COMMIT_INTERVAL_US


class RawFile(Server):
    """The same bytes read from a file and written to each joiner."""

    name = "raw-file"

    def __init__(self, folder, path: Path):
        super().__init__(folder)
        self.path = path

    def command(self):
        return [BIN / "raw_server", "--port", self.port, "--mode", "file", "--path", self.path]


class Node(Server):
    script = Path()

    def command(self):
        return ["node", self.script]

    def environment(self):
        return {"PORT": str(self.port), "HOST": "127.0.0.1", "NODE_ENV": "production"}


class YWebsocket(Node):
    name = "y-websocket"
    script = PEERS / "node_modules/@y/websocket-server/src/server.js"


class Hocuspocus(Node):
    name = "hocuspocus"
    dialect = "hocuspocus"
    script = PEERS / "hocuspocus.mjs"


class SocketIo(Node):
    """The work of Weft's Socket.IO gateway, as one writes it with npm `socket.io`."""

    name = "socket.io"
    dialect = "socketio"
    script = PEERS / "socketio.mjs"

    def url(self, path="{doc}"):
        return socketio_url(self.port, path)


class Weft(Server):
    name = "weft"

    def __init__(self, folder, program: Path, flags=()):
        super().__init__(folder)
        self.program = program
        self.flags = list(flags)

    def command(self):
        return [self.program, "serve", "--listen", f"127.0.0.1:{self.port}",
                "--data", self.folder / "weft-data", *self.flags]

    def http(self, path: str) -> str:
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


class WeftSocketIo(Weft):
    """The same server, spoken to over Socket.IO."""

    name = "weft-socketio"
    dialect = "socketio"

    def url(self, path="{doc}"):
        return socketio_url(self.port, path)


PLAIN = {kind.name: kind
         for kind in (Raw, RawWal, RawWalGrouped, YWebsocket, Hocuspocus, SocketIo)}
WEFT = {kind.name: kind for kind in (Weft, WeftSocketIo)}
NAMES = [*PLAIN, *WEFT]

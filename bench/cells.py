"""The twelve cells: what each does to one server, and what it answers."""

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import codec_cell
import process
from servers import BIN, PEERS, PLAIN, WEFT, RawFile, Server, Weft

SHAPES = {"f100": (1, 100), "f10": (100, 10), "f2": (1000, 2)}  # documents, clients of each
RATES = {"f100": 100, "f10": 1000, "f2": 5000}  # edits a second in total
IN_FLIGHT = 4
JOINS = {"join1": 1, "join20": 20}
PRESENCE_CLIENTS, PRESENCE_HZ, PRESENCE_EDITS = 100, 10, 100
SLOW_CLIENTS, SLOW_STALLED, SLOW_EDITS, SLOW_CHARS = 20, 5, 1000, 4000
STORM_CLIENTS, STORM_MB, STOCK_MB = 150, 20, 50


@dataclass
class Bench:
    """What the runs share."""

    args: object
    scratch: Path

    @property
    def run_dir(self) -> Path:
        return self.scratch / "run"

    def server(self, name: str) -> Server:
        if name in WEFT:
            return WEFT[name](self.run_dir, self.args.weft, self.args.weft_flag)
        return PLAIN[name](self.run_dir)

    def paper(self) -> Path:
        """The document of one author: from the trace, or typed from a seed when it is absent."""
        trace = [self.args.trace] if self.args.trace.exists() else []
        folder = self.scratch / ("document-trace" if trace else "document-seed")
        return self._made(folder, PEERS / "make_document.mjs", folder, *trace)

    def large(self, megabytes: int) -> Path:
        folder = self.scratch / f"document-{megabytes}mb"
        return self._made(folder, PEERS / "make_large.mjs", folder, megabytes)

    @staticmethod
    def _made(folder: Path, *command) -> Path:
        if not (folder / "about.json").exists():
            subprocess.run(["node", *map(str, command)], check=True, stdout=subprocess.DEVNULL)
        return folder


@dataclass(frozen=True)
class Cell:
    run: Callable[[Bench, str], dict]
    servers: tuple[str, ...]
    once: bool = False  # not repeated: it takes its own medians


def call(arguments: list, timeout: float = 180) -> dict:
    """Runs a measuring program; returns its JSON, with `error` when it says it failed."""
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True,
                          timeout=timeout, check=False)
    try:
        result = json.loads(done.stdout)
    except ValueError:
        return {"error": (done.stderr or done.stdout or f"exit {done.returncode}").strip()[-300:]}
    if done.returncode != 0:
        result.setdefault("error", "a delivery is missing, a connection was refused or lost, "
                                   "or a text is another")
    return result


def first_error(*results: dict) -> dict:
    """{"error": …} of the first that failed, else nothing."""
    return next(({"error": r["error"]} for r in results if "error" in r), {})


def load(bench: Bench, server: Server, docs: int, clients: int, *flags) -> dict:
    return call([BIN / "ws_load", "--url-pattern", server.url(), "--dialect", server.dialect,
                 "--docs", docs, "--clients-per-doc", clients, "--threads", bench.args.threads,
                 "--doc-prefix", f"b{time.time_ns():x}", "--server-pid", server.pid, *flags])


def window(bench: Bench) -> list:
    return ["--warmup", bench.args.warmup, "--seconds", bench.args.seconds]


def run_load(shape: str, mode: str) -> Callable[[Bench, str], dict]:
    docs, clients = SHAPES[shape]
    what = ["--rate", RATES[shape]] if mode == "rate" else ["--flat", IN_FLIGHT]

    def run(bench: Bench, name: str) -> dict:
        with bench.server(name) as server:
            return load(bench, server, docs, clients, *what, *window(bench))
    return run


def run_idle(bench: Bench, name: str) -> dict:
    with bench.server(name) as server:
        result = load(bench, server, bench.args.idle // 10, 10, "--idle", "--seconds", 3)
    n = result.get("connections", 0)
    if n and "error" not in result:
        for key in ("rss", "anon"):
            grown = result[f"server_{key}"] - result[f"server_{key}_before"]
            result[f"{key}_bytes_per_connection"] = grown / n
        result["connects_per_second"] = n / result["connect_seconds"]
    return result


def run_presence(bench: Bench, name: str) -> dict:
    with bench.server(name) as server:
        result = load(bench, server, 1, PRESENCE_CLIENTS, "--rate", PRESENCE_EDITS,
                      "--presence-hz", PRESENCE_HZ, *window(bench))
    if "presence_sent_per_second" in result:
        # What should reach the others, whether or not a server leaves out what is outdated.
        due = result["presence_sent_per_second"] * (PRESENCE_CLIENTS - 1)
        result["server_cpu_us_per_state_due"] = result["server_cores"] * 1e6 / due
    return result


def run_slow(bench: Bench, name: str) -> dict:
    """The same load twice: everybody reads; then some stop reading until the window ends."""
    flags = ["--rate", SLOW_EDITS, "--edit-chars", SLOW_CHARS, *window(bench)]
    with bench.server(name) as server:
        calm = load(bench, server, 1, SLOW_CLIENTS - SLOW_STALLED, *flags)
    with bench.server(name) as server:
        stalled = load(bench, server, 1, SLOW_CLIENTS, "--stalled-per-doc", SLOW_STALLED, *flags)
    result = {"calm": calm, "stalled": stalled, **first_error(calm, stalled)}
    if "error" not in result:
        result["rss_growth_bytes"] = stalled["server_rss_peak"] - calm["server_rss_peak"]
        result["void"] = calm["void"] or stalled["void"]
    return result


def join(server: Server, document: str, clients: int) -> dict:
    return call([BIN / "ws_join", "--url", server.url(document), "--dialect", server.dialect,
                 "--clients", clients, "--server-pid", server.pid])


def keep_answer(server: Weft, document: str, path: Path) -> None:
    """Saves what Weft answers to a joiner: what a raw server then copies."""
    with urllib.request.urlopen(server.http(f"/v1/documents/{document}/update")) as answer:
        path.write_bytes(answer.read())


def copied_answer(bench: Bench, path: Path, document: Path) -> RawFile:
    """A raw server with Weft's answer, or with Yjs' own encoding when Weft has not run yet."""
    return RawFile(bench.run_dir, path if path.exists() else document / "state.bin")


def run_paper(bench: Bench, name: str) -> dict:
    """One client types the document, an update for every edit, others join while it is live; then
    the server is restarted and others join cold."""
    document = bench.paper()
    answer = bench.scratch / "paper-answer.bin"
    if name == "raw":
        result = {"cold": {}}
        for cell, clients in JOINS.items():
            with copied_answer(bench, answer, document) as server:
                result["cold"][cell] = join(server, "any", clients)
        return {**result, **first_error(*result["cold"].values())}
    with bench.server(name) as server:
        before = process.cpu_seconds(server.pid)
        result = call(["node", PEERS / "put_document.mjs", server.url("bench/paper"), document,
                       server.dialect], timeout=300)
        if "error" in result:
            return result
        used = process.cpu_seconds(server.pid) - before
        result["server_cpu_us_per_update"] = used * 1e6 / result["updates"]
        result["server_rss"] = process.rss_bytes(server.pid)
        if name == "weft":
            keep_answer(server, "bench/paper", answer)
        if name != "hocuspocus":  # it forgets a document when its last client goes
            result["live"] = {c: join(server, "bench/paper", n) for c, n in JOINS.items()}
    if name == "weft":
        result["cold"] = {}
        for cell, clients in JOINS.items():
            with bench.server(name) as server:
                cold = result["cold"][cell] = join(server, "bench/paper", clients)
                if "error" not in cold:
                    cold["warm"] = join(server, "bench/paper", clients)
    joins = [*result.get("live", {}).values(), *result.get("cold", {}).values()]
    return {**result, **first_error(*joins)}


@contextmanager
def holding(server: Server, document: str, folder: Path):
    """Sends a large document and keeps one client at it, so that every server keeps it too."""
    command = ["node", PEERS / "put_updates.mjs", server.url(document), folder, server.dialect]
    client = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(client.stdout.readline() or '{"error": "put_updates.mjs failed"}')
    finally:
        client.stdin.close()
        client.wait(20)
        client.stdout.close()


def open_stock(server: Server, document: str, folder: Path) -> dict:
    return call(["node", PEERS / "open_stock.mjs", server.url("").rstrip("/"), document, folder,
                 "hocuspocus" if server.dialect == "hocuspocus" else "y"])


def with_large(bench: Bench, name: str, megabytes: int, measure: Callable) -> dict:
    """Measures a server that has the large document: Weft cold, after a restart; peers, which keep
    nothing over a restart, while it is live; raw copies Weft's answer."""
    folder = bench.large(megabytes)
    answer = bench.scratch / f"answer-{megabytes}mb.bin"
    document = f"bench/large{megabytes}"
    if name == "raw":
        with copied_answer(bench, answer, folder) as server:
            return measure(server, document, folder)
    with bench.server(name) as server, holding(server, document, folder) as put:
        if "error" in put or name != "weft":
            return put if "error" in put else {**measure(server, document, folder), "put": put}
        keep_answer(server, document, answer)
    with bench.server(name) as server:
        return {**measure(server, document, folder), "put": put}


def run_large(bench: Bench, name: str) -> dict:
    storm = with_large(bench, name, STORM_MB,
                       lambda server, document, _: join(server, document, STORM_CLIENTS))
    opened = with_large(bench, name, STOCK_MB, open_stock)
    return {"storm": storm, "open": opened, **first_error(storm, opened)}


def run_codec(bench: Bench, name: str) -> dict:
    return codec_cell.run(name, bench.scratch, bench.paper() / "updates.bin")


LIMITS = ("raw", "raw-wal")
NODE = ("y-websocket", "hocuspocus")
SOCKETIO = {"f100": ("socket.io", "weft-socketio"), "f10": ("socket.io", "weft-socketio"), "f2": ()}
CELLS: dict[str, Cell] = {
    **{f"{shape}-rate": Cell(run_load(shape, "rate"),
                             (*LIMITS, "raw-wal-2ms", *NODE, "weft", *SOCKETIO[shape]))
       for shape in SHAPES},
    **{f"{shape}-flat": Cell(run_load(shape, "flat"),
                             (*LIMITS, *NODE, "weft", *SOCKETIO[shape]))
       for shape in SHAPES},
    "idle": Cell(run_idle, ("raw", *NODE, "weft")),
    "paper": Cell(run_paper, (*NODE, "weft", "raw")),  # raw copies what weft has answered
    "large": Cell(run_large, (*NODE, "weft", "raw"), once=True),
    "presence": Cell(run_presence, ("raw", *NODE, "weft")),
    "slow": Cell(run_slow, ("raw", *NODE, "weft")),
    "codec": Cell(run_codec, codec_cell.ENGINES, once=True),
}
LOAD_CELLS = [f"{shape}-{mode}" for mode in ("rate", "flat") for shape in SHAPES]


def run_once(bench: Bench, cell: str, name: str) -> dict:
    shutil.rmtree(bench.run_dir, ignore_errors=True)
    bench.run_dir.mkdir(parents=True)
    try:
        result = CELLS[cell].run(bench, name)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        result = {"error": str(error)}
    if "error" in result:
        for log in bench.run_dir.glob("*.log"):
            shutil.copy(log, bench.scratch / f"failed-{cell}-{log.name}")
    shutil.rmtree(bench.run_dir, ignore_errors=True)
    return result

#!/usr/bin/env python3
"""Measures Weft beside a raw broadcast server and @y/websocket-server. See bench/README.md."""

import argparse
import json
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import report
from servers import BIN, PEER, ROOT, Raw, RawFile, RawWal, Weft, YWebsocket

STEAL_CORES_MAX = 0.15
TRIES_MAX = 3

SHAPES = {"f100": (1, 100), "f10": (100, 10), "f2": (1000, 2)}
RATES = {"f100": 100, "f10": 1000, "f2": 5000}  # edits a second in total
IN_FLIGHT = 4

LOAD_CELLS = [f"{shape}-{mode}" for mode in ("rate", "flat") for shape in SHAPES]
JOIN_CELLS = {"join1": 1, "join20": 20}
CELLS = LOAD_CELLS + ["idle", "type", *JOIN_CELLS]


def call(arguments, timeout):
    """Runs a measuring program; returns its JSON, with `error` when it says it failed."""
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True,
                          timeout=timeout, check=False)
    try:
        result = json.loads(done.stdout)
    except ValueError:
        return {"error": (done.stderr or done.stdout or f"exit {done.returncode}").strip()[-300:]}
    if done.returncode != 0:
        result["error"] = "a delivery is missing, or a connection was refused or lost"
    return result


def run_load(server, cell, args):
    shape, mode = cell.split("-")
    docs, clients = SHAPES[shape]
    load = ["--rate", RATES[shape]] if mode == "rate" else ["--flat", IN_FLIGHT]
    return call([BIN / "ws_load", "--url-pattern", server.url(), "--docs", docs,
                 "--clients-per-doc", clients, "--doc-prefix", f"b{time.time_ns():x}",
                 "--sync", server.sync, "--warmup", args.warmup, "--seconds", args.seconds,
                 "--server-pid", server.process.pid, *load], timeout=180)


def run_idle(server, args):
    result = call([BIN / "ws_load", "--url-pattern", server.url(), "--idle",
                   "--docs", args.idle // 10, "--clients-per-doc", 10, "--doc-prefix", "idle",
                   "--sync", server.sync, "--seconds", max(3, args.seconds / 2),
                   "--server-pid", server.process.pid], timeout=180)
    n = result.get("connections", 0)
    if n:
        for key in ("rss", "anon"):
            grown = result[f"server_{key}"] - result[f"server_{key}_before"]
            result[f"{key}_bytes_per_connection"] = grown / n
        result["connects_per_second"] = n / result["connect_seconds"]
    return result


def make_document(scratch, trace):
    """The document of the join cells, made once per checkout and source."""
    folder = scratch / ("document-trace" if trace else "document-seed")
    if not (folder / "about.json").exists():
        command = ["node", ROOT / "bench/peers/make_document.mjs", folder]
        subprocess.run([*command, *([trace] if trace else [])], check=True,
                       stdout=subprocess.DEVNULL)
    return folder


def join(server, name, clients):
    return call([BIN / "ws_join", "--url", server.url(name), "--clients", clients,
                 "--server-pid", server.process.pid], timeout=180)


def run_type(server, document):
    """One client types the document, an update for every edit; then others join while it is live."""
    before = report.cpu_seconds(server.process.pid)
    result = call(["node", ROOT / "bench/peers/put_document.mjs", server.url("bench/paper"),
                   document], timeout=300)
    if "error" not in result:
        used = report.cpu_seconds(server.process.pid) - before
        result["server_cpu_us_per_update"] = used * 1e6 / result["updates"]
        result["server_rss"] = report.rss_bytes(server.process.pid)
        for cell, clients in JOIN_CELLS.items():
            result[cell] = join(server, "bench/paper", clients)
    return result


def make_weft(run_dir, args):
    return Weft(run_dir, args.weft, args.weft_flag)


def type_into_weft(folder, document, args):
    """Leaves in `folder` the data of a Weft that was stopped after the typing, and its answer."""
    with make_weft(folder, args) as server:
        result = run_type(server, document)
        if "error" in result:
            raise RuntimeError(result["error"])
        with urllib.request.urlopen(server.http("/v1/documents/bench/paper/update")) as answer:
            (folder / "answer.bin").write_bytes(answer.read())


def run_join(name, clients, scratch, run_dir, document, args):
    """A cold join: the server has just started and nobody has opened the document."""
    typed = scratch / "typed"
    if not typed.exists() and (not args.names or "weft" in args.names):
        unfinished = scratch / "typed.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        type_into_weft(unfinished, document, args)
        unfinished.rename(typed)
    if name == "raw":
        # The bytes that Weft answers with; they are fewer than those of Yjs' own encoding.
        same = typed / "answer.bin"
        with RawFile(run_dir, same if same.exists() else document / "state.bin") as server:
            return join(server, "any", clients)
    shutil.copytree(typed, run_dir, dirs_exist_ok=True)
    with make_weft(run_dir, args) as server:
        result = join(server, "bench/paper", clients)
        if "error" not in result:
            result["warm"] = join(server, "bench/paper", clients)
        return result


def run_once(name, cell, scratch, document, args):
    run_dir = scratch / "run"
    if cell in JOIN_CELLS:
        return run_join(name, JOIN_CELLS[cell], scratch, run_dir, document, args)
    make = {"raw": Raw, "raw-wal": RawWal, "y-websocket": YWebsocket,
            "weft": lambda d: make_weft(d, args)}
    with make[name](run_dir) as server:
        if cell == "type":
            return run_type(server, document)
        return run_idle(server, args) if cell == "idle" else run_load(server, cell, args)


def run_steadily(name, cell, scratch, document, args):
    """Repeats a run that the hypervisor disturbed; the last try says so in `disturbed`."""
    for _ in range(TRIES_MAX):
        run_dir = scratch / "run"
        shutil.rmtree(run_dir, ignore_errors=True)
        run_dir.mkdir(parents=True)
        try:
            result = run_once(name, cell, scratch, document, args)
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            result = {"error": str(error)}
        if result.get("steal_cores", 0) <= STEAL_CORES_MAX:
            break
        result["disturbed"] = True
    if "error" in result:
        for log in (scratch / "run").glob("*.log"):
            shutil.copy(log, scratch / f"failed-{cell}-{log.name}")
    shutil.rmtree(scratch / "run", ignore_errors=True)
    return result


def median_of(runs):
    """Medians of the good runs, field by field; void when the generator was the limit in most."""
    good = [r for r in runs if "error" not in r and not r.get("disturbed")]
    out = {"runs": len(runs), "good": len(good),
           "void": sum(bool(r.get("void")) for r in good) * 2 > len(good),
           "errors": [r["error"] for r in runs if "error" in r]}
    for key in good[0] if good else ():
        values = [r[key] for r in good]
        if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            out[key] = statistics.median(values)
        elif isinstance(values[0], dict):
            out[key] = median_of(values)
    return out


def servers_of(cell):
    if cell in JOIN_CELLS:
        return ["raw", "weft"]
    return ["y-websocket", "weft"] if cell == "type" else ["raw", "raw-wal", "y-websocket", "weft"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cells, comma separated: " + ", ".join(CELLS))
    parser.add_argument("--servers", default="", help="raw, raw-wal, y-websocket, weft")
    parser.add_argument("--quick", action="store_true", help="one short run a cell")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--warmup", type=float, default=2)
    parser.add_argument("--idle", type=int, default=5000, help="idle connections")
    parser.add_argument("--trace", type=Path,
                        default=ROOT.parent / "shared/data/automerge-paper.json.gz",
                        help="editing trace of the join cells; typed from a seed when absent")
    parser.add_argument("--weft", type=Path, default=ROOT / "build/release/weft",
                        help="the program to measure; to compare two builds")
    parser.add_argument("--weft-flag", action="append", default=[], help="passed to weft serve")
    parser.add_argument("--no-build", action="store_true", help="measure what is built")
    parser.add_argument("--report", type=Path, default=ROOT / "reports/bench.json")
    args = parser.parse_args()
    if args.quick:
        args.runs, args.seconds, args.warmup = 1, 3, 1
    args.cells = [c for c in args.only.split(",") if c] or CELLS
    args.names = [s for s in args.servers.split(",") if s]
    unknown = [c for c in args.cells if c not in CELLS]
    unknown += [s for s in args.names if s not in servers_of("idle")]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    return args


def main():
    args = parse_arguments()
    # A stopped benchmark leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    scratch = ROOT / "build/bench-data"
    scratch.mkdir(parents=True, exist_ok=True)
    if not args.no_build:
        targets = ["raw_server", "ws_load", "ws_join"]
        targets += ["weft"] if not args.names or "weft" in args.names else []
        subprocess.run([ROOT / "tools/build.sh", "release", *targets], check=True,
                       stdout=subprocess.DEVNULL)
    if not PEER.exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=ROOT / "bench/peers",
                       check=True, stdout=subprocess.DEVNULL)
    document = None
    if any(cell == "type" or cell in JOIN_CELLS for cell in args.cells):
        shutil.rmtree(scratch / "typed", ignore_errors=True)
        document = make_document(scratch, args.trace if args.trace.exists() else None)

    begin = time.time()
    raw = {}
    for run in range(args.runs):
        for cell in args.cells:
            for name in servers_of(cell):
                if args.names and name not in args.names:
                    continue
                result = run_steadily(name, cell, scratch, document, args)
                raw.setdefault(cell, {}).setdefault(name, []).append(result)
                print(f"run {run + 1}  {cell:10} {name:12} {report.one_line(result)}", flush=True)
    cells = {cell: {name: median_of(runs) for name, runs in by_name.items()}
             for cell, by_name in raw.items()}
    result = {
        "verb": "bench", "commit": report.commit(ROOT), "machine": report.machine(),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin)),
        "seconds": round(time.time() - begin, 1), "runs": args.runs,
        "window_seconds": args.seconds, "in_flight": IN_FLIGHT, "rates": RATES,
        "document": json.loads((document / "about.json").read_text()) if document else None,
        "file_system": report.file_system(scratch), "cells": cells, "all_runs": raw,
    }
    args.report.parent.mkdir(parents=True, exist_ok=True)
    args.report.write_text(json.dumps(result, indent=1) + "\n")
    tables = report.markdown(result)
    args.report.with_suffix(".md").write_text(tables)
    print(tables)
    print(f"written: {args.report}")
    failed = [f"{c}/{n}" for c, by in cells.items() for n, m in by.items() if m["good"] == 0]
    if failed:
        print("no good run: " + ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

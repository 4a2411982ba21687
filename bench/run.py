#!/usr/bin/env python3
"""Measures Weft beside raw broadcast servers and its peers, in twelve cells. See bench/README.md."""

import argparse
import json
import resource
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import cells
import plot
import process
import report
from servers import NAMES, PEERS, ROOT

STEAL_CORES_MAX = 0.15
TRIES_MAX = 3


def steal_cores(result: dict) -> float:
    """The most that the hypervisor kept during any of the run's measurements."""
    nested = [steal_cores(value) for value in result.values() if isinstance(value, dict)]
    return max([result.get("steal_cores", 0.0), *nested])


def run_steadily(bench: cells.Bench, cell: str, name: str) -> dict:
    """Repeats a run that the hypervisor disturbed; the last try says so in `disturbed`."""
    for _ in range(TRIES_MAX):
        result = cells.run_once(bench, cell, name)
        if steal_cores(result) <= STEAL_CORES_MAX:
            return result
        result["disturbed"] = True
    return result


def median_of(runs: list[dict]) -> dict:
    """Medians of the good runs, field by field; void when most of them are."""
    good = [r for r in runs if "error" not in r and not r.get("disturbed")]
    out = {"runs": len(runs), "good": len(good),
           "void": sum(bool(r.get("void")) for r in good) * 2 > len(good),
           "errors": [r["error"] for r in runs if "error" in r]}
    for key in good[0] if good else ():
        values = [r[key] for r in good if key in r]
        if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            out[key] = statistics.median(values)
        elif isinstance(values[0], dict):
            out[key] = median_of(values)
        elif key in ("lines", "absent", "limited_by", "generator_threads"):
            out[key] = values[0]
    return out


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="",
                        help="cells, comma separated: " + ", ".join(cells.CELLS))
    parser.add_argument("--servers", default="",
                        help=", ".join(NAMES) + "; for codec weft, yjs, yrs")
    parser.add_argument("--quick", action="store_true", help="one short run a cell")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6, help="the window")
    parser.add_argument("--warmup", type=float, default=1.5)
    parser.add_argument("--threads", type=int, default=2, help="of the generator")
    parser.add_argument("--idle", type=int, default=5000, help="idle connections")
    parser.add_argument("--trace", type=Path,
                        default=ROOT.parent / "shared/data/automerge-paper.json.gz",
                        help="editing trace of the paper cell; typed from a seed when absent")
    parser.add_argument("--weft", type=Path, default=ROOT / "build/release/weft",
                        help="the program to measure; to compare two builds")
    parser.add_argument("--weft-flag", action="append", default=[], help="passed to weft serve")
    parser.add_argument("--no-build", action="store_true", help="measure what is built")
    parser.add_argument("--report", type=Path, default=ROOT / "reports/bench.json")
    parser.add_argument("--images", type=Path, default=ROOT / "reports", help="where plots go")
    args = parser.parse_args()
    if args.quick:
        args.runs, args.seconds, args.warmup = 1, 3, 1
    args.cells = [c for c in args.only.split(",") if c] or list(cells.CELLS)
    args.names = [s for s in args.servers.split(",") if s]
    unknown = [c for c in args.cells if c not in cells.CELLS]
    unknown += [s for s in args.names if not any(s in c.servers for c in cells.CELLS.values())]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    return args


def build(args: argparse.Namespace) -> None:
    if not args.no_build:
        targets = ["raw_server", "ws_load", "ws_join", "codec_bench", "weft"]
        subprocess.run([ROOT / "tools/build.sh", "release", *targets], check=True,
                       stdout=subprocess.DEVNULL)
    wanted = json.loads((PEERS / "package.json").read_text(encoding="utf-8"))["dependencies"]
    if any(not (PEERS / "node_modules" / name).exists() for name in wanted):
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=PEERS, check=True,
                       stdout=subprocess.DEVNULL)


def measure(bench: cells.Bench) -> dict:
    """All runs, by cell and server; the runs of a cell's servers alternate."""
    args = bench.args
    runs: dict[str, dict[str, list[dict]]] = {}
    for number in range(args.runs):
        for cell in args.cells:
            if number > 0 and cells.CELLS[cell].once:
                continue
            for name in cells.CELLS[cell].servers:
                if args.names and name not in args.names:
                    continue
                result = run_steadily(bench, cell, name)
                runs.setdefault(cell, {}).setdefault(name, []).append(result)
                print(f"run {number + 1}  {cell:10} {name:12} {report.one_line(cell, result)}",
                      flush=True)
    return runs


def main() -> int:
    args = parse_arguments()
    # A stopped benchmark leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = cells.Bench(args, ROOT / "build/bench-data")
    bench.scratch.mkdir(parents=True, exist_ok=True)
    build(args)

    begin = time.time()
    runs = measure(bench)
    medians = {cell: {name: median_of(those) for name, those in by_name.items()}
               for cell, by_name in runs.items()}
    result = {
        "verb": "bench", "commit": process.commit(ROOT), "machine": process.machine(),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin)),
        "seconds": round(time.time() - begin, 1), "runs": args.runs,
        "window_seconds": args.seconds, "in_flight": cells.IN_FLIGHT, "rates": cells.RATES,
        "file_system": process.file_system(bench.scratch), "cells": medians, "all_runs": runs,
    }
    args.report.parent.mkdir(parents=True, exist_ok=True)
    args.report.write_text(json.dumps(result, indent=1) + "\n")
    tables = report.markdown(result)
    args.report.with_suffix(".md").write_text(tables)
    print(tables)
    for image in plot.write_all(result, args.images):
        print(f"written: {image}")
    print(f"written: {args.report}")
    failed = [f"{c}/{n}" for c, by in medians.items() for n, m in by.items() if m["good"] == 0]
    if failed:
        print("no good run: " + ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""The codec cell: the same files through each engine's own program. See codec/README.md."""

import json
import subprocess
from pathlib import Path

from servers import BIN, ROOT

ENGINES = ("weft", "yjs", "yrs")
PROGRAMS = {
    "weft": [BIN / "codec_bench"],
    "yjs": ["node", ROOT / "bench/codec/codec_yjs.mjs"],
    "yrs": [BIN / "codec_yrs"],  # built where rust/bridge is
}
TIMEOUT_S = 400


def available(engine: str) -> bool:
    program = PROGRAMS[engine][0]
    return program == "node" or Path(program).exists()


def workloads(scratch: Path, paper: Path) -> Path:
    """The folder with the inputs, made once per checkout."""
    folder = scratch / "codec"
    subprocess.run(["node", ROOT / "bench/codec/make_workloads.mjs", folder, paper.parent],
                   check=True)
    return folder


def run(engine: str, scratch: Path, paper: Path) -> dict:
    """`lines`: one measurement each, as the programs print them."""
    if not available(engine):
        return {"absent": f"{PROGRAMS[engine][0].name} is not built", "lines": []}
    command = [*PROGRAMS[engine], workloads(scratch, paper)]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    if done.returncode != 0:
        return {"error": done.stderr.strip()[-300:] or f"exit {done.returncode}"}
    return {"lines": [json.loads(line) for line in done.stdout.splitlines()]}

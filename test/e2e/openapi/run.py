#!/usr/bin/env python3
"""Holds a running server to docs/openapi.yaml, and to serving just that.

    run.py [--seed N] [--examples N] URL

The server is a scratch one: what Schemathesis sends changes documents and asks for backups.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse

import httpx
import pycrdt

here = pathlib.Path(__file__).resolve().parent
description = here.parents[2] / "docs" / "openapi.yaml"


def seed_document(url: str, room: str, name: str) -> None:
    """Writes the document that the description has as its example: five versions of text and map."""
    doc = pycrdt.Doc(client_id=7)
    doc["content"] = text = pycrdt.Text()
    doc["map"] = pycrdt.Map()
    target = f"{url}/v1/documents/{urllib.parse.quote(room, '')}/{urllib.parse.quote(name, '')}/updates"
    for word in ("a ", "document ", "with ", "a ", "past"):
        before = doc.get_state()
        text += word
        doc["map"][word] = len(text)
        answer = httpx.post(target, content=doc.get_update(before), headers={"content-type": "application/octet-stream"})
        answer.raise_for_status()


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--examples", type=int, default=25)
    arguments.add_argument("url")
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    if httpx.get(f"{given.url}/v1/openapi.yaml").content != description.read_bytes():
        print(f"the server does not serve {description}")
        return 1
    seed_document(given.url, "team", "notes")
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "--no-color",
               "run", str(description), "--url", given.url, "--seed", str(given.seed), "--max-examples", str(given.examples),
               "--checks", "all"]
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_STORAGE_DIRECTORY": scratch,
                       "WEFT_URL": given.url}
        run = subprocess.run(command, cwd=here, env=environment, check=False, stdout=subprocess.PIPE, text=True)
    print(run.stdout)
    counts = {name: int(count) for count, name in re.findall(r"(\d+) (passed|found|generated)", run.stdout.rpartition("Test cases:")[2])}
    print(f"{counts.get('passed', 0)} passed, {counts.get('found', 0)} failed")
    # Whoever generates nothing finds nothing.
    return run.returncode or int(counts.get("passed", 0) < 100)


if __name__ == "__main__":
    sys.exit(main())

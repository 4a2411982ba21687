#!/usr/bin/env python3
"""Style that a formatter does not hold: file sizes, no open ends, no tabs, #pragma once.

Usage: check_style.py [--root DIR] | --self-test
"""

import argparse
import pathlib
import re
import sys
import tempfile

LINES_MAX = 600
LINES_WARN = 400
FOLDERS = ["src", "test", "fuzz", "bench", "examples", "tools", "web/src", "clients/js", "cmake"]
SUFFIXES = {".h", ".cc", ".c", ".py", ".mjs", ".ts", ".sh", ".cmake", ".txt"}
SKIPPED_PARTS = {"node_modules", "dist", "__pycache__", "corpus", "data"}
OPEN_END = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")


def check_file(path, shown):
    """(violations, warnings) of one file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    violations, warnings = [], []
    if len(lines) > LINES_MAX:
        violations.append(f"{shown}: {len(lines)} lines, more than {LINES_MAX}")
    elif len(lines) > LINES_WARN:
        warnings.append(f"{shown}: {len(lines)} lines, more than {LINES_WARN}")
    for number, line in enumerate(lines, 1):
        if OPEN_END.search(line):
            violations.append(f"{shown}:{number}: an open end: {line.strip()}")
        if "\t" in line:
            violations.append(f"{shown}:{number}: a tab")
        if line != line.rstrip():
            violations.append(f"{shown}:{number}: space at the end")
    if path.suffix == ".h" and "#pragma once" not in lines:
        violations.append(f"{shown}: no #pragma once")
    if text and not text.endswith("\n"):
        violations.append(f"{shown}: no newline at the end")
    return violations, warnings


def check_tree(root):
    files = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*"))
             if path.is_file() and path.suffix in SUFFIXES and not SKIPPED_PARTS & set(path.relative_to(root).parts)]
    violations, warnings = [], []
    for path in files:
        bad, close = check_file(path, path.relative_to(root))
        violations += bad
        warnings += close
    return files, violations, warnings


def self_test():
    planted = {
        "src/long.cc": ("x\n" * (LINES_MAX + 1), "lines"),
        "src/open.cc": ("// TO" + "DO later\n", "open end"),
        "src/tab.cc": ("\tint x;\n", "a tab"),
        "src/space.cc": ("int x; \n", "space"),
        "src/header.h": ("int x;\n", "pragma once"),
        "src/end.cc": ("int x;", "newline"),
    }
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        (root / "src").mkdir()
        for relative, (text, _) in planted.items():
            (root / relative).write_text(text, encoding="utf-8")
        _, violations, _ = check_tree(root)
        for relative, (_, expected) in planted.items():
            hits = [entry for entry in violations if entry.startswith(relative)]
            assert len(hits) == 1 and expected in hits[0], f"{relative}: {hits}"
    print(f"style, self-test: {len(planted)} planted violations caught")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).parents[2])
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        self_test()
        return 0
    files, violations, warnings = check_tree(options.root)
    for entry in warnings:
        print(f"warning: {entry}")
    for entry in violations:
        print(entry)
    print(f"style: {len(files)} files, {len(violations)} violations, {len(warnings)} warnings")
    return 1 if violations or not files else 0


if __name__ == "__main__":
    sys.exit(main())

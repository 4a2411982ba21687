#!/usr/bin/env python3
"""Holds the include directions of the architecture.

base <- yjs, protocol, identity, net <- crdt <- log, store, elf <- hub <- links, gateway <- app

A module includes itself and modules of lower layers. A driver (log/embedded, store/rocksdb, ...)
belongs to its module but is named by app/ and by itself only. Ours are included as
"weft/..." and nothing else; a driver may be a stack of folders; third-party headers stay where they are expected.

Usage: check_includes.py [--root DIR] | --self-test
"""

import argparse
import pathlib
import re
import sys
import tempfile

LAYERS = [
    {"base"},
    {"yjs", "protocol", "identity", "net"},
    {"crdt"},
    {"log", "store", "elf"},
    {"hub"},
    {"links", "gateway"},
    {"app"},
]
LAYER = {module: level for level, modules in enumerate(LAYERS) for module in modules}

# Modules of one layer that may see each other, because the design says so.
SAME_LAYER = {("gateway", "links")}

# Folders whose sub-folders are drivers: one implementation each of the interface above them.
DRIVER_PARENTS = {"log", "store", "gateway"}

# Sub-folders of a driver that see only themselves and those before them; what lies beside them in the
# driver's own folder sees all.
STACKS = {"gateway/socketio": ["engine", "protocol"]}

# First path segment (or whole name) of a third-party header -> the folders that may include it.
THIRD_PARTY = {
    "rocksdb": {"base/rocksdb", "log/embedded", "store/rocksdb"},
    "librdkafka": {"log/kafka"},
    "mysql": {"store/mysql"},
    "mariadb": {"store/mysql"},
    "libpq-fe.h": {"store/postgres"},
    "hiredis": {"hub", "gateway"},
    "boost": {"net", "gateway"},
    "openssl": {"app", "net", "identity", "gateway", "log", "store/filesystem"},
    "sodium.h": {"identity"},
    "zlib.h": {"net"},
    "yaml-cpp": {"app", "elf"},
    "jwt.h": {"app"},
    "CLI": {"app"},
    "prometheus": {"app", "gateway/http"},
    "nlohmann": {"app", "crdt", "gateway", "protocol", "store", "hub", "elf", "links"},
    "rust": {"crdt"},
    "weft-bridge": {"crdt"},
    "spdlog": {"app", "base"},
    "fmt": {"app", "base", "hub", "gateway", "log", "store", "net"},
    "gtest": set(),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def folder_of(parts):
    """('log', 'embedded') for log/embedded/x.h, ('log', None) for log/x.h."""
    module = parts[0]
    driver = parts[1] if module in DRIVER_PARENTS and len(parts) > 2 else None
    return module, driver


def within(folder, allowed):
    return any(folder == entry or folder.startswith(entry + "/") for entry in allowed)


def stack_level(parts):
    """('gateway/socketio', 0) for gateway/socketio/engine/x.h; (None, 0) outside of all stacks."""
    stack = "/".join(parts[:2])
    if stack not in STACKS:
        return None, 0
    if len(parts) > 3 and parts[2] in STACKS[stack]:
        return stack, STACKS[stack].index(parts[2])
    return stack, len(STACKS[stack])


def check_file(path, relative):
    """Violations of one file of src/weft, as 'path:line: what'."""
    module, driver = folder_of(relative.parts)
    folder = "/".join(relative.parts[:-1])
    found = []

    def violation(number, what):
        found.append(f"src/weft/{relative}:{number}: {what}")

    if module not in LAYER:
        violation(1, f"module '{module}' is in no layer")
        return found
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        kind, name = match.groups()
        if name.startswith("weft/"):
            target, target_driver = folder_of(pathlib.PurePosixPath(name).parts[1:])
            if kind == "<":
                violation(number, f"<{name}>: ours are included in quotes")
            if target not in LAYER:
                violation(number, f"{name}: module '{target}' is in no layer")
                continue
            if target != module and LAYER[target] >= LAYER[module] and (module, target) not in SAME_LAYER:
                violation(number, f"{module} must not include {target} ({name}): includes point downwards")
            stack, level = stack_level(relative.parts)
            target_stack, target_level = stack_level(pathlib.PurePosixPath(name).parts[1:])
            if stack and stack == target_stack and target_level > level:
                violation(number, f"{name}: within {stack} includes point downwards")
            if target_driver and module != "app" and (module, driver) != (target, target_driver):
                violation(number, f"{name}: only app names the driver {target}/{target_driver}")
        elif kind == '"':
            violation(number, f'"{name}": ours are included by their path from src, "weft/..."')
        else:
            first = name.split("/")[0]
            if first in THIRD_PARTY and not within(folder, THIRD_PARTY[first]):
                violation(number, f"<{name}> does not belong in {folder}")
    return found


def check_tree(root):
    base = root / "src" / "weft"
    files = sorted(path for path in base.rglob("*") if path.suffix in {".h", ".cc", ".c"})
    violations = [entry for path in files for entry in check_file(path, path.relative_to(base))]
    return files, violations


def self_test():
    """Every kind of violation, planted, is caught; what is allowed passes."""
    planted = {
        "yjs/a.h": ('#include "weft/hub/b.h"', "downwards"),
        "net/a.h": ('#include "weft/yjs/b.h"', "downwards"),
        "hub/a.cc": ('#include "weft/log/embedded/b.h"', "only app names"),
        "log/embedded/a.cc": ('#include "weft/log/kafka/b.h"', "only app names"),
        "gateway/http/a.cc": ('#include "weft/gateway/ywebsocket/b.h"', "only app names"),
        "gateway/socketio/engine/a.cc": ('#include "weft/gateway/socketio/protocol/b.h"', "downwards"),
        "gateway/socketio/protocol/a.cc": ('#include "weft/gateway/socketio/b.h"', "downwards"),
        "log/a.cc": ("#include <rocksdb/db.h>", "does not belong"),
        "base/a.cc": ('#include "result.h"', "from src"),
        "base/b.cc": ("#include <weft/base/result.h>", "in quotes"),
        "misc/a.cc": ("", "in no layer"),
    }
    allowed = {
        "hub/ok.cc": '#include "weft/log/op_log.h"\n#include "weft/yjs/update.h"\n#include <vector>',
        "log/embedded/ok.cc": '#include "weft/log/op_log.h"\n#include "weft/log/embedded/x.h"\n#include <rocksdb/db.h>',
        "gateway/socketio/ok.cc": '#include "weft/gateway/socketio/protocol/x.h"',
        "gateway/socketio/protocol/ok.cc": '#include "weft/gateway/socketio/engine/x.h"\n#include "weft/gateway/x.h"',
        "app/ok.cc": '#include "weft/log/embedded/x.h"\n#include "weft/store/rocksdb/x.h"',
    }
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for relative, (line, _) in planted.items():
            file = root / "src/weft" / relative
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(line + "\n", encoding="utf-8")
        for relative, lines in allowed.items():
            file = root / "src/weft" / relative
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(lines + "\n", encoding="utf-8")
        _, violations = check_tree(root)
        for relative, (_, expected) in planted.items():
            hits = [entry for entry in violations if entry.startswith(f"src/weft/{relative}:")]
            assert len(hits) == 1 and expected in hits[0], f"{relative}: {hits}"
        assert len(violations) == len(planted), violations
    print(f"include directions, self-test: {len(planted)} planted violations caught")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).parents[2])
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        self_test()
        return 0
    files, violations = check_tree(options.root)
    print("\n".join(violations), end="\n" if violations else "")
    print(f"include directions: {len(files)} files, {len(violations)} violations")
    return 1 if violations or not files else 0


if __name__ == "__main__":
    sys.exit(main())

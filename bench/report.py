"""Turns the figures of bench/run.py into lines and Markdown tables."""

import os
import platform
import subprocess

LIMIT = "raw-wal"  # what Weft is held against: the raw server that also makes things durable
OTHER_CORES_MAX = 0.2  # more, and latencies and flat throughput say little


def commit(root):
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=root, text=True,
                          capture_output=True, check=False)
    return done.stdout.strip()


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release()}


def file_system(path):
    done = subprocess.run(["stat", "-f", "-c", "%T", str(path)], text=True, capture_output=True,
                          check=False)
    return done.stdout.strip()


def cpu_seconds(pid):
    """User and system time of all threads of a process."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="utf-8") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def one_line(r):
    if "error" in r:
        return f"FAILED: {r['error']}"
    if "updates_per_second" in r:
        return f"{r['updates_per_second']:.0f} updates/s, " \
               f"{r['server_cpu_us_per_update']:.1f} us each, then live joins of 1 and 20: " \
               f"{r['join1'].get('last_ms', -1):.1f} and {r['join20'].get('last_ms', -1):.1f} ms"
    if "last_ms" in r:
        warm = f", warm {r['warm']['last_ms']:.1f} ms" if "last_ms" in r.get("warm", {}) else ""
        return f"{r['last_ms']:.1f} ms to the last of {r['clients']}, " \
               f"{r['bytes_per_client']} bytes each{warm}"
    if "anon_bytes_per_connection" in r:
        return f"{r['anon_bytes_per_connection'] / 1024:.2f} KiB own memory per connection, " \
               f"{r['connects_per_second']:.0f} connects/s"
    flag = " VOID (generator saturated)" if r["void"] else ""
    if r["other_cores"] > OTHER_CORES_MAX:
        flag += f" (others used {r['other_cores']:.2f} cores)"
    return f"{r['server_cpu_us_per_delivery']:.3f} us/delivery, " \
           f"{r['delivered_per_second']:.0f}/s, p50 {r['p50_ms']:.2f} p99 {r['p99_ms']:.2f} ms, " \
           f"server {r['server_cores']:.2f} generator {r['generator_cores']:.2f} cores{flag}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def figure(median, key, form, scale=1.0):
    if key not in median:
        return "failed" if median.get("errors") else "–"
    text = form.format(median[key] * scale)
    return text + " †" if median.get("void") else text


def ratio(above, below, key):
    if not above.get(key) or not below.get(key):
        return "–"
    text = f"{above[key] / below[key]:.3g}×"
    return text + " †" if above.get("void") or below.get("void") else text


def load_tables(cells):
    names = [c for c in cells if c.endswith(("-rate", "-flat"))]
    if not names:
        return ""
    servers = list(dict.fromkeys(s for c in names for s in cells[c]))
    at = lambda server, cell: cells[cell].get(server, {})
    key = "server_cpu_us_per_delivery"
    rows = [[s] + [figure(at(s, c), key, "{:.3g}") for c in names] for s in servers]
    for below in ("raw", LIMIT, "y-websocket"):
        rows.append([f"weft / {below}"] +
                    [ratio(at("weft", c), at(below, c), key) for c in names])
    out = "Server CPU, µs per delivered update:\n\n" + table(["", *names], rows)
    rows = [[s] + [figure(at(s, c), "delivered_per_second", "{:,.0f}") for c in names]
            for s in servers]
    out += "\nDelivered updates a second:\n\n" + table(["", *names], rows)
    latency = lambda m: (figure(m, "p50_ms", "{:.2f}") + " / " + figure(m, "p99_ms", "{:.2f}")
                         if "p50_ms" in m else figure(m, "p50_ms", ""))
    rows = [[s] + [latency(at(s, c)) for c in names] for s in servers]
    out += "\nLatency p50 / p99, ms (rate: from the scheduled time of the edit):\n\n"
    out += table(["", *names], rows)
    rows = [[s] + [figure(at(s, c), "server_rss", "{:.0f}", 1 / 2**20) for c in names]
            for s in servers]
    out += "\nServer RSS at the end of the window, MiB:\n\n" + table(["", *names], rows)
    rows = [[s] + [figure(at(s, c), "generator_cores", "{:.2f}") for c in names] for s in servers]
    out += "\nDeliveries in one read of a client (how much the server gathers):\n\n"
    out += table(["", *names], [[s] + [figure(at(s, c), "deliveries_per_read", "{:.1f}")
                                       for c in names] for s in servers])
    out += "\nThe generator's own CPU, cores (single thread):\n\n" + table(["", *names], rows)
    crowd = max((m.get("other_cores", 0) for c in names for m in cells[c].values()), default=0)
    out += f"\nOther programs used up to {crowd:.2f} cores during a window (median of its runs)"
    out += ": throughput and latency are distorted.\n" if crowd > OTHER_CORES_MAX else ".\n"
    return out + "\n† the generator was saturated (above 0.95 cores): void.\n"


def idle_table(cells):
    if "idle" not in cells:
        return ""
    rows = [[s, figure(m, "anon_bytes_per_connection", "{:.2f}", 1 / 1024),
             figure(m, "rss_bytes_per_connection", "{:.2f}", 1 / 1024),
             figure(m, "connects_per_second", "{:,.0f}")] for s, m in cells["idle"].items()]
    return "\nIdle connections, 10 to a document:\n\n" + table(
        ["", "own memory, KiB each", "RSS, KiB each", "connects/s"], rows)


def type_table(cells):
    if "type" not in cells:
        return ""
    rows = [[s, figure(m, "updates_per_second", "{:,.0f}"),
             figure(m, "server_cpu_us_per_update", "{:.1f}"),
             figure(m, "server_rss", "{:.0f}", 1 / 2**20),
             figure(m.get("join1", {}), "last_ms", "{:.1f}"),
             figure(m.get("join20", {}), "last_ms", "{:.1f}")]
            for s, m in cells["type"].items()]
    return "\nThe large document typed by one client, an update for each edit, and joined while it " \
        "is live:\n\n" + table(["", "updates/s", "server CPU, µs each", "RSS after, MiB",
                                "1 joiner, ms", "last of 20, ms"], rows)


def join_table(cells):
    rows = []
    for cell in (c for c in ("join1", "join20") if c in cells):
        for server, m in cells[cell].items():
            label = "copying the same bytes" if server == "raw" else server
            rows.append([cell, label, figure(m, "median_ms", "{:.1f}"),
                         figure(m, "last_ms", "{:.1f}"),
                         figure(m.get("warm", {}), "last_ms", "{:.1f}"),
                         figure(m, "server_cpu_ms", "{:.1f}"),
                         figure(m, "bytes_per_client", "{:,.0f}")])
        rows.append([cell, "weft / copying", "",
                     ratio(cells[cell].get("weft", {}), cells[cell].get("raw", {}), "last_ms"),
                     "", "", ""])
    if not rows:
        return ""
    return "\nJoin of the large document after a restart of the server (@y/websocket-server " \
        "keeps nothing over a restart):\n\n" + table(
            ["", "", "median, ms", "last, ms", "second time, last, ms", "server CPU, ms",
             "bytes each"], rows)


def markdown(result):
    m = result["machine"]
    head = f"Commit {result['commit']}, {result['date']}, {m['cpu']}, {m['cores']} cores, " \
           f"Linux {m['kernel']}, data on {result['file_system']}; median of {result['runs']} " \
           f"runs, windows of {result['window_seconds']:g} s.\n\n"
    cells = result["cells"]
    return head + load_tables(cells) + idle_table(cells) + type_table(cells) + join_table(cells)

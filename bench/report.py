"""Turns the figures of bench/run.py into lines and Markdown tables."""

MIB = 1 / 2**20
KIB = 1 / 1024
LIMITS = ("raw", "raw-wal", "raw-wal-2ms")
RATIOS = [("weft", "raw"), ("weft", "raw-wal"), ("weft", "raw-wal-2ms"), ("weft", "y-websocket"),
          ("weft", "hocuspocus"), ("weft-socketio", "socket.io"), ("weft-socketio", "weft")]
OTHER_CORES_MAX = 0.2  # more, and latencies and flat throughput say little


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def at(result: dict, path: str):
    """result["a"]["b"] for "a.b"; None when it is not there."""
    for key in path.split("."):
        if not isinstance(result, dict) or key not in result:
            return None
        result = result[key]
    return result


def figure(median: dict, path: str, form: str, scale: float = 1.0) -> str:
    value = at(median, path)
    if value is None:
        return "failed" if median.get("errors") else "–"
    return form.format(value * scale) + (" †" if median.get("void") else "")


def ratio(above: dict, below: dict, path: str) -> str:
    a, b = at(above, path), at(below, path)
    if not a or not b:
        return "–"
    void = above.get("void") or below.get("void")
    return f"{a / b:.3g}×" + (" †" if void else "")


# What to print of each cell: title of the column, path, format, scale.
PRESENCE = [("server CPU, µs per state due", "server_cpu_us_per_state_due", "{:.2f}", 1),
            ("server, cores", "server_cores", "{:.2f}", 1),
            ("states/s", "presence_states_per_second", "{:,.0f}", 1),
            ("messages/s", "messages_per_second", "{:,.0f}", 1),
            ("age p50, ms", "presence_p50_ms", "{:.1f}", 1),
            ("age p99, ms", "presence_p99_ms", "{:.1f}", 1),
            ("edits p50, ms", "p50_ms", "{:.2f}", 1), ("edits p99, ms", "p99_ms", "{:.1f}", 1),
            ("RSS peak, MiB", "server_rss_peak", "{:.0f}", MIB)]
SLOW = [("RSS growth, MiB", "rss_growth_bytes", "{:.1f}", MIB),
        ("RSS peak, MiB", "stalled.server_rss_peak", "{:.0f}", MIB),
        ("p50, ms", "stalled.p50_ms", "{:.2f}", 1), ("p99, ms", "stalled.p99_ms", "{:.1f}", 1),
        ("p99 without, ms", "calm.p99_ms", "{:.1f}", 1),
        ("CPU, µs per delivery", "stalled.server_cpu_us_per_delivery", "{:.1f}", 1),
        ("without", "calm.server_cpu_us_per_delivery", "{:.1f}", 1),
        ("catching up, ms", "stalled.drain_seconds", "{:.0f}", 1000)]
IDLE = [("own memory, KiB each", "anon_bytes_per_connection", "{:.2f}", KIB),
        ("RSS, KiB each", "rss_bytes_per_connection", "{:.2f}", KIB),
        ("connects/s", "connects_per_second", "{:,.0f}", 1)]
PAPER = [("updates/s", "updates_per_second", "{:,.0f}", 1),
         ("server CPU, µs each", "server_cpu_us_per_update", "{:.1f}", 1),
         ("RSS after, MiB", "server_rss", "{:.0f}", MIB),
         ("live: 1 joiner, ms", "live.join1.last_ms", "{:.1f}", 1),
         ("last of 20, ms", "live.join20.last_ms", "{:.1f}", 1),
         ("cold: 1 joiner, ms", "cold.join1.last_ms", "{:.1f}", 1),
         ("last of 20, ms", "cold.join20.last_ms", "{:.1f}", 1),
         ("server CPU for 20, ms", "cold.join20.server_cpu_ms", "{:.1f}", 1),
         ("bytes each", "cold.join1.bytes_per_client", "{:,.0f}", 1)]
LARGE = [("storm: p50, ms", "storm.median_ms", "{:,.0f}", 1),
         ("p99, ms", "storm.p99_ms", "{:,.0f}", 1),
         ("server CPU, ms", "storm.server_cpu_ms", "{:,.0f}", 1),
         ("RSS peak, MiB", "storm.server_rss_peak", "{:,.0f}", MIB),
         ("open: synced, ms", "open.ms", "{:,.0f}", 1),
         ("taking 50 MB, s", "open.put.seconds", "{:.1f}", 1)]
TABLES = {
    "idle": ("5,000 idle connections, 10 to a document", IDLE, ("anon_bytes_per_connection",)),
    "paper": ("The paper typed by one client, an update for every edit, and joined: while it is "
              "live, and cold after a restart (raw copies the bytes that Weft answers)", PAPER,
              ("cold.join1.last_ms", "cold.join20.last_ms")),
    "large": ("150 clients join a document of 20 MB at once; a stock client opens one of 50 MB. "
              "Weft cold after a restart, peers while it is live, raw copies Weft's bytes", LARGE,
              ("storm.p99_ms", "open.ms")),
    "presence": ("Presence of 100 clients in one document at 10 Hz beside 100 edits/s", PRESENCE,
                 ("server_cpu_us_per_state_due", "p99_ms")),
    "slow": ("5 of 20 clients stop reading while 1,000 edits of 4 KB a second go on", SLOW,
             ("stalled.p99_ms", "stalled.server_cpu_us_per_delivery")),
}


def one_line(cell: str, r: dict) -> str:
    if "error" in r:
        return f"FAILED: {r['error']}"
    if cell == "codec":
        return r.get("absent") or f"{len(r['lines'])} measurements"
    if cell in TABLES:
        columns = [(t, figure(r, path, form, scale)) for t, path, form, scale in TABLES[cell][1]]
        return ", ".join(f"{title} {text}" for title, text in columns if text != "–")
    flag = f" VOID ({r['limited_by']})" if r["void"] else ""
    if r["other_cores"] > OTHER_CORES_MAX:
        flag += f" (others used {r['other_cores']:.2f} cores)"
    return f"{r['server_cpu_us_per_delivery']:.3f} us/delivery, " \
           f"{r['delivered_per_second']:.0f}/s, p50 {r['p50_ms']:.2f} p99 {r['p99_ms']:.2f} ms, " \
           f"server {r['server_cores']:.2f} generator {r['generator_cores']:.2f} cores{flag}"


def threads(median: dict) -> str:
    """The busiest thread of the generator: ran + stood in line."""
    use = median.get("generator_threads")
    if not use:
        return "–"
    most = max(use, key=lambda t: t["cores"] + t["queued"])
    return f"{most['cores']:.2f} + {most['queued']:.2f}" + (" †" if median.get("void") else "")


def load_tables(cells: dict) -> str:
    names = [c for c in cells if c.endswith(("-rate", "-flat"))]
    if not names:
        return ""
    servers = list(dict.fromkeys(s for c in names for s in cells[c]))

    def rows(text):
        return [[s] + [text(cells[c].get(s, {})) for c in names] for s in servers]

    def block(title, text):
        return f"\n{title}:\n\n" + table(["", *names], rows(text))

    key = "server_cpu_us_per_delivery"
    main = rows(lambda m: figure(m, key, "{:.3g}"))
    main += [[f"{above} / {below}"] + [ratio(cells[c].get(above, {}), cells[c].get(below, {}), key)
                                       for c in names]
             for above, below in RATIOS if above in servers and below in servers]
    out = "Server CPU, µs per delivered update:\n\n" + table(["", *names], main)
    out += block("Delivered updates a second",
                 lambda m: figure(m, "delivered_per_second", "{:,.0f}"))
    out += block("Latency p50 / p99, ms (rate: from the scheduled time of the edit)",
                 lambda m: (f"{figure(m, 'p50_ms', '{:.2f}')} / {figure(m, 'p99_ms', '{:.2f}')}"
                            if "p50_ms" in m else figure(m, "p50_ms", "")))
    acks = rows(lambda m: f"{figure(m, 'ack_p50_ms', '{:.2f}')} / {figure(m, 'ack_p99_ms', '{:.2f}')}"
                if "ack_p50_ms" in m else "–")
    acks = [row for row in acks if any(text != "–" for text in row[1:])]
    if acks:
        out += "\nAcknowledgements p50 / p99, ms (counted as latency is):\n\n" + table(["", *names], acks)
    out += block("Server RSS at the end of the window, MiB",
                 lambda m: figure(m, "server_rss", "{:.0f}", MIB))
    out += block("The server's own CPU, cores", lambda m: figure(m, "server_cores", "{:.2f}"))
    out += block("Deliveries in one read of a client (how much the server gathers)",
                 lambda m: figure(m, "deliveries_per_read", "{:.1f}"))
    out += block("The generator's busiest thread: share of the window it ran + stood in line",
                 threads)
    crowd = max((m.get("other_cores", 0) for c in names for m in cells[c].values()), default=0)
    out += f"\nOther programs used up to {crowd:.2f} cores during a window (median of its runs)"
    out += ": throughput and latency are distorted.\n" if crowd > OTHER_CORES_MAX else ".\n"
    return out + "\n† a thread of the generator slept less than 5 % of the window: void.\n"


def plain_table(cell: str, by_name: dict) -> str:
    title, columns, ratios = TABLES[cell]
    rows = [[name] + [figure(m, path, form, scale) for _, path, form, scale in columns]
            for name, m in by_name.items()]
    weft = by_name.get("weft", {})
    paths = [path for _, path, _, _ in columns]
    for name, m in by_name.items():
        if name != "weft" and any(at(m, p) is not None for p in ratios) and weft:
            rows.append([f"weft / {name}"] +
                        [ratio(weft, m, p) if p in ratios else "" for p in paths])
    return f"\n{title}:\n\n" + table(["", *(t for t, _, _, _ in columns)], rows)


def codec_lines(by_engine: dict) -> dict:
    """(workload, operation) -> items -> engine -> line."""
    found: dict = {}
    for engine, result in by_engine.items():
        for line in result.get("lines", []):
            key = (line["workload"], line["operation"])
            found.setdefault(key, {}).setdefault(line["items"], {})[engine] = line
    return found


def codec_tables(by_engine: dict) -> str:
    found = codec_lines(by_engine)
    engines = [e for e in by_engine if any(e in lines for sizes in found.values()
                                           for lines in sizes.values())]
    out = "\nCodec, time per item and MB/s of input (– : not offered, or it would take longer " \
          "than 15 s):\n\n"
    rows = []
    for (workload, operation), sizes in sorted(found.items()):
        for items, lines in sorted(sizes.items()):
            row = [workload, operation, f"{items:,}"]
            for engine in engines:
                line = lines.get(engine)
                row.append("–" if line is None else
                           f"{line['ms'] * 1e6 / items:,.0f} ns, "
                           f"{line['input_bytes'] / line['ms'] / 1e3:,.3g} MB/s")
            for engine in engines[1:]:
                pair = lines.get(engines[0]), lines.get(engine)
                row.append("–" if None in pair else f"{pair[1]['ms'] / pair[0]['ms']:,.3g}×")
            rows.append(row)
    head = ["workload", "operation", "items", *engines, *(f"{e} / weft" for e in engines[1:])]
    return out + table(head, rows)


def markdown(result: dict) -> str:
    m = result["machine"]
    head = f"Commit {result['commit']}, {result['date']}, {m['cpu']}, {m['cores']} cores, " \
           f"Linux {m['kernel']}, data on {result['file_system']}; median of {result['runs']} " \
           f"runs, windows of {result['window_seconds']:g} s.\n\n"
    cells = result["cells"]
    out = head + load_tables(cells)
    out += "".join(plain_table(cell, cells[cell]) for cell in TABLES if cell in cells)
    return out + (codec_tables(cells["codec"]) if "codec" in cells else "")

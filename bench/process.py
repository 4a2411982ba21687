"""What a process and this machine are doing, from /proc."""

import os
import platform
import subprocess
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_bytes(pid: int) -> int:
    statm = Path(f"/proc/{pid}/statm").read_text(encoding="utf-8")
    return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def machine() -> dict:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
                 "unknown")
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release()}


def commit(root: Path) -> str:
    return _output(["git", "describe", "--always", "--dirty"], cwd=root)


def file_system(path: Path) -> str:
    return _output(["stat", "-f", "-c", "%T", str(path)])


def _output(command: list[str], **options) -> str:
    done = subprocess.run(command, text=True, capture_output=True, check=False, **options)
    return done.stdout.strip()

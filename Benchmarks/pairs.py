#!/usr/bin/env python3
"""Times mailtriage against its peers on a generated Postfix log and prints one table.

    pairs.py --mailtriage BIN --log FILE --truth FILE [--runs N]

Each peer is run in turn with mailtriage (A B A B ...); ratios are medians over the pairs. Output is
read from a pipe and dropped, never sent to the null device, at which GNU grep stops at its first
match. The counts that mailtriage gives must equal the generator's, or no figure is printed.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

NOW = "2026-11-01T00:00:00Z"


def run(command, keep=False):
    """Wall seconds, CPU seconds, peak MiB and (if asked) the output of one run."""
    start = time.monotonic()
    process = subprocess.Popen(
        command, shell=isinstance(command, str), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    kept = []
    while chunk := process.stdout.read(1 << 20):
        if keep:
            kept.append(chunk)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, b"".join(kept)


def truth(path):
    counts = {}
    with open(path) as lines:
        for line in lines:
            if line.startswith("# totals"):
                continue
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 2 and fields[1].isdigit():
                counts[fields[0]] = int(fields[1])
            elif counts:
                break
    return counts


def analyze(arguments, log, database):
    return [
        arguments.mailtriage, "analyze", log, "--database", database, "--year",
        str(arguments.year), "--timezone", "UTC", "--now", NOW, "--format", "json", "--quiet",
    ]


def fresh(arguments, log, directory, keep=False):
    """One ingest into a database of its own."""
    database = os.path.join(directory, "triage.sqlite")
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(database + suffix):
            os.remove(database + suffix)
    return run(analyze(arguments, log, database), keep)


def gate(arguments, directory, expected):
    """Stops unless every count equals the generator's."""
    *_, output = fresh(arguments, arguments.log, directory, keep=True)
    answer = json.loads(output)
    totals, wrong = answer["totals"], []
    for ours, theirs in [
        ("messages", "messages"), ("delivered", "sent"), ("deferred", "deferred"),
        ("bounced", "bounced"), ("expired", "expired"),
    ]:
        if totals[ours] != expected[theirs]:
            wrong.append(f"{ours}: {totals[ours]}, truth {expected[theirs]}")
    lines = sum(source["lines"] for source in answer["inputs"])
    if lines != expected["lines"]:
        wrong.append(f"lines: {lines}, truth {expected['lines']}")
    if wrong:
        sys.exit("counts are wrong, so no speed is shown:\n  " + "\n  ".join(wrong))
    print(f"counts equal the truth: {expected['messages']} messages, {expected['attempts']} attempts")


def row(name, runs, size, lines, ratio=None):
    wall = statistics.median(r[0] for r in runs)
    cpu = statistics.median(r[1] for r in runs)
    peak = statistics.median(r[2] for r in runs)
    ratio = "" if ratio is None else f"{ratio:.2f}"
    print(
        f"| {name} | {wall:.3f} | {cpu:.3f} | {size / wall / 1e6:.0f} | "
        f"{lines / wall / 1e3:.0f} | {peak:.0f} | {ratio} |"
    )


def pairs(ours, theirs, count):
    """`count` pairs behind one warm-up; both lists of runs and the median ratio of wall times."""
    mine, peers = [], []
    for index in range(count + 1):
        a, b = ours(), theirs()
        if index:
            mine.append(a)
            peers.append(b)
    return mine, peers, statistics.median(a[0] / b[0] for a, b in zip(mine, peers))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mailtriage", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--truth", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--year", type=int, default=2025)
    arguments = parser.parse_args()
    log = arguments.log
    expected = truth(arguments.truth)
    size, lines = os.path.getsize(log), expected["lines"]
    packed = log + ".gz"
    if not os.path.exists(packed):
        subprocess.run(f"gzip -kf '{log}'", shell=True, check=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(log))) as directory:
        gate(arguments, directory, expected)
        peers = [("grep -c status=deferred", "grep", f"LC_ALL=C grep -c status=deferred '{log}'")]
        peers.append(("lnav, headless", "lnav", f"lnav -n -c ':filter-in status=deferred' '{log}'"))
        peers.append(("pflogsumm", "pflogsumm", f"pflogsumm '{log}'"))
        print("| program | wall s | CPU s | MB/s | klines/s | peak MiB | mailtriage / it |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        mine = []
        for name, program, command in peers:
            if shutil.which(program) is None:
                print(f"| {name} | not installed | | | | | |")
                continue
            ours, theirs, ratio = pairs(
                lambda: fresh(arguments, log, directory), lambda: run(command), arguments.runs
            )
            mine += ours
            row(name, theirs, size, lines, ratio)
        row("mailtriage analyze", mine, size, lines)
        ours, theirs, ratio = pairs(
            lambda: fresh(arguments, packed, directory), lambda: run(["zcat", packed]), arguments.runs
        )
        row("zcat", theirs, size, lines, ratio)
        row("mailtriage analyze, .gz", ours, size, lines)
        fresh(arguments, log, directory)
        database = os.path.join(directory, "triage.sqlite")
        again = [run(analyze(arguments, log, database)) for _ in range(arguments.runs)]
        row("mailtriage, unchanged log again", again, size, lines)


main()

#!/usr/bin/env python3
"""Times mailtriage against its peers on generated logs and prints one table.

    pairs.py --mailtriage BIN --bench BIN --data DIR --generator BIN [--bytes N] [--runs N]

A peer and mailtriage run in turn (A B A B ...), each a whole process with the file in the page cache;
ratios are medians over the pairs, behind one warm-up. Output is read from a pipe and dropped, never
sent to the null device, at which GNU grep stops at its first match. What mailtriage counts must equal
the generator's truth, or no figure is printed. Slow peers are paired on a tenth of the log.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

NOW = "2026-11-01T00:00:00Z"
GATED = [
    ("lines", "lines"), ("messages", "messages"), ("delivered", "sent"), ("deferred", "deferred"),
    ("bounced", "bounced"),
]


class Run:
    """Wall and CPU seconds, peak MiB, output, exit status and seconds to the first byte of one run."""

    def __init__(self, command):
        start = time.monotonic()
        process = subprocess.Popen(
            command, shell=isinstance(command, str), stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.first, kept = None, []
        while chunk := os.read(process.stdout.fileno(), 1 << 20):
            self.first = self.first or time.monotonic() - start
            if len(kept) < 64:
                kept.append(chunk)
        _, status, usage = os.wait4(process.pid, 0)
        process.stdout.close()
        process.returncode = os.waitstatus_to_exitcode(status)
        self.wall = time.monotonic() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss / 1024
        self.output = b"".join(kept)


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.data = arguments.data
        self.database = os.path.join(self.data, "bench.sqlite")
        self.logs = {}

    def log(self, kind, size):
        """A generated log with its truth, made once."""
        path = os.path.join(self.data, f"{kind}-{size}.log")
        truth = path + ".tsv"
        if not os.path.exists(truth):
            made = (
                [sys.executable, os.path.join(os.path.dirname(__file__), "generator/sendmail.py"),
                 str(size), path, truth]
                if kind == "sendmail"
                else [self.arguments.generator, "--mta", kind, "--bytes", str(size), "--out", path,
                      "--truth", truth]
            )
            subprocess.run(made, check=True)
        counts = {}
        for line in open(truth):
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 2 and fields[1].isdigit():
                counts.setdefault(fields[0], int(fields[1]))
        return path, counts

    def forget(self):
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(self.database + suffix):
                os.remove(self.database + suffix)

    def parse(self, log):
        return Run([self.arguments.bench, "parse", log])

    def ingest(self, log):
        self.forget()
        return Run([self.arguments.bench, "ingest", self.database, log])

    def again(self, log):
        return Run([self.arguments.bench, "ingest", self.database, log])

    def analyze(self, log, fresh=True):
        if fresh:
            self.forget()
        return Run([
            self.arguments.mailtriage, "analyze", log, "--database", self.database, "--year", "2025",
            "--timezone", "UTC", "--now", NOW, "--format", "json", "--quiet",
        ])

    def gate(self, kind, size):
        """Stops unless every count equals the generator's."""
        path, truth = self.log(kind, size)
        wrong = []
        for name, run in [("parse", self.parse(path)), ("ingest", self.ingest(path))]:
            answer = json.loads(run.output.splitlines()[0])
            wrong += [
                f"{kind}, {name}: {ours} is {answer[ours]}, truth {truth[theirs]}"
                for ours, theirs in GATED if answer[ours] != truth[theirs]
            ]
        if wrong:
            sys.exit("counts are wrong, so no speed is shown:\n  " + "\n  ".join(wrong))
        return path, truth

    def pairs(self, ours, theirs):
        mine, peers = [], []
        for index in range(self.arguments.runs + 1):
            a, b = ours(), theirs()
            if index:
                mine.append(a)
                peers.append(b)
        return mine, peers


def middle(runs, name):
    return statistics.median(getattr(run, name) for run in runs)


def ratio(mine, peers, name):
    return statistics.median(getattr(a, name) / getattr(b, name) for a, b in zip(mine, peers))


def row(name, runs, size=0, lines=0, said=""):
    wall = middle(runs, "wall")
    speed = f"{size / wall / 1e6:.0f} | {lines / wall / 1e3:.0f}" if size else " | "
    print(
        f"| {name} | {wall:.3f} | {middle(runs, 'cpu'):.3f} | {speed} | "
        f"{middle(runs, 'peak'):.0f} | {said} |", flush=True,
    )


def main():
    parser = argparse.ArgumentParser()
    for name in ("mailtriage", "bench", "data", "generator"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--bytes", type=int, default=500_000_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    bench = Bench(arguments)
    size, small = arguments.bytes, arguments.bytes // 10
    log, truth = bench.gate("postfix", size)
    few, few_truth = bench.gate("postfix", small)
    more, _ = bench.log("postfix", size + size // 100)
    lines = truth["lines"]
    print(
        f"Postfix log of {size // 1_000_000} MB, {lines} lines, {truth['messages']} messages: counts "
        f"equal the truth. Medians of {arguments.runs} pairs.\n"
    )
    print("| program | wall s | CPU s | MB/s | klines/s | peak MiB | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    grep = f"LC_ALL=C grep -c status=deferred '{log}'"

    mine, peers = bench.pairs(lambda: bench.parse(log), lambda: Run(grep))
    row("grep -c status=deferred (G)", peers, size, lines)
    row("read and correlate", mine, size, lines, f"{ratio(mine, peers, 'cpu'):.1f} G (CPU)")
    mine, peers = bench.pairs(lambda: bench.ingest(log), lambda: Run(grep))
    row("ingest into SQLite", mine, size, lines, f"{ratio(mine, peers, 'wall'):.1f} G (wall)")
    full = middle(mine, "wall")
    mine, peers = bench.pairs(lambda: bench.analyze(log), lambda: Run(grep))
    row("analyze, ingest included", mine, size, lines, f"{ratio(mine, peers, 'wall'):.1f} G (wall)")
    unchanged = [bench.analyze(log, fresh=False) for _ in range(arguments.runs)]
    row("analyze, unchanged log again", unchanged)
    same = [bench.again(log) for _ in range(arguments.runs)]
    row("ingest, unchanged log again", same, 0, 0, f"{100 * middle(same, 'wall') / full:.1f} % of the first")
    grown = []
    for _ in range(arguments.runs):
        bench.ingest(log)
        grown.append(bench.again(more))
    row("ingest, log grown by 1 %", grown, 0, 0, f"{100 * middle(grown, 'wall') / full:.1f} % of the first")

    small_lines = few_truth["lines"]
    for name, program, command in [
        ("pflogsumm", "pflogsumm", f"pflogsumm '{few}'"),
        ("lnav, headless", "lnav", f"lnav -n -c ':filter-in status=deferred' '{few}'"),
    ]:
        if shutil.which(program) is None:
            print(f"| {name} | not installed | | | | | |")
            continue
        mine, peers = bench.pairs(lambda: bench.parse(few), lambda: Run(command))
        row(
            f"{name}, {small // 1_000_000} MB", peers, small, small_lines,
            f"{1 / ratio(mine, peers, 'cpu'):.0f} x read and correlate (CPU)",
        )
        mine, peers = bench.pairs(lambda: bench.ingest(few), lambda: Run(command))
        row(
            f"ingest, {small // 1_000_000} MB", mine, small, small_lines,
            f"1/{1 / ratio(mine, peers, 'wall'):.0f} of {name} (wall)",
        )

    packed = log + ".gz"
    if not os.path.exists(packed):
        subprocess.run(["gzip", "-k", log], check=True)
    mine, peers = bench.pairs(lambda: bench.ingest(packed), lambda: Run(["zcat", packed]))
    row("zcat", peers, size, lines)
    row("ingest of the .gz", mine, size, lines, f"{ratio(mine, peers, 'wall'):.2f} zcat (wall)")

    for kind in ("exim", "sendmail"):
        other, other_truth = bench.gate(kind, small)
        mine, peers = bench.pairs(lambda: bench.parse(other), lambda: bench.parse(few))
        row(
            f"read and correlate, {kind}", mine, small, other_truth["lines"],
            f"{ratio(mine, peers, 'cpu'):.2f} of Postfix's (CPU)",
        )
    empty = os.path.join(bench.data, "empty")
    os.makedirs(empty, exist_ok=True)
    bench.forget()
    first = [bench.analyze(empty, fresh=False) for _ in range(arguments.runs + 1)][1:]
    said = f"first output after {1000 * middle(first, 'first'):.0f} ms"
    row("analyze of an empty directory", first, 0, 0, said)
    bench.forget()


main()

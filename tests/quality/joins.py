#!/usr/bin/env python3
"""How long learners wait for their first picture behind a bad line: one after the other joins the same class, in Chromium.

    tests/quality/joins.py                                                     the lines of docs/quality.md, 20 joins each; needs root
    tests/quality/joins.py --joins 5 "delay 20ms rate 20M;down loss 20%"

A line is the settings of the laboratory's link, ';' between them.
"""

import argparse
import math
import os
import signal
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "netlab")]
import netlab  # noqa: E402
from lab_run import run_in_lab  # noqa: E402

GOOD = ["delay 10ms jitter 0ms rate 20M queue 200ms", "down loss 0%", "up loss 0%", "down burst-loss 0%"]
LINES = ["delay 30ms rate 20M;down loss 10%", "delay 30ms rate 20M;down burst-loss 5% burst-length 4", "delay 20ms;down rate 1M queue 200ms loss 1%"]


def run_joins(text, joins, seed, watch_ms=4000, latest_ms=40000):
    """One class; what each learner saw. RuntimeError when the class did not come about."""
    seen = []
    with netlab.Lab() as lab:
        line = lab.join("relay", "far", seed=seed, settings=GOOD)
        settings = {"good": GOOD, "bad": [part.strip() for part in text.split(";")]}

        def handle(message):
            for setting in settings.get(message.get("ask"), []):
                line.change(setting)
            if "join" in message:
                seen.append(message["join"])
        plan = dict(farNamespace=lab.namespace("far"), address=line.near_ipv4, joins=joins, watchMs=watch_ms, latestMs=latest_ms, slideMs=5000, fps=5)
        run_in_lab(lab, "relay", "joins_run.mjs", plan, handle)
    return seen


def spread(seen, key):
    times = sorted(join[key] for join in seen if join[key] is not None)
    shown = f"{statistics.median(times):.0f} | {times[math.ceil(0.9 * len(times)) - 1]} | {times[-1]}" if times else "- | - | -"
    return f"{shown} | {len(seen) - len(times)}"


def row(text, seen):
    return (f"| {text} | {len(seen)} | {spread(seen, 'heardMs')} | {spread(seen, 'pictureMs')} | {sum(join['wishes'] for join in seen)} | "
            f"{sum(join['keyRequests'] for join in seen)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="*")
    parser.add_argument("--joins", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--watch", type=int, default=4, help="seconds of each join, or more until it hears and sees, at most 40")
    options = parser.parse_args()
    why_not = netlab.why_not()
    if why_not:
        sys.exit(f"joins.py: {why_not}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the laboratory is taken down on the way out
    print("| line | joins | first voice after the click, ms: median | p90 | worst | none heard | first picture after the path was up, ms: median | p90 | worst | none seen "
          "| wishes of learners | key frames asked of the trainer |")
    print("|" + " --- |" * 12)
    for text in options.lines or LINES:
        print(row(text, run_joins(text, options.joins, options.seed, 1000 * options.watch)), flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Measures what a learner hears and reads behind a bad line, in two Chromium and the whole stack.

    tests/quality/quality.py                       every row, 60 s each; needs root
    tests/quality/quality.py clean loss5 --short   two rows, 15 s each
    tests/quality/quality.py --runs 3 --json out.json --markdown out.md

Figures mean what docs/quality.md says.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "netlab")]
import netlab  # noqa: E402
from lab_run import run_in_lab  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402

READ_SHARE = 0.9  # of a slide's words
SLIDE_MS, FPS = 5000, 5


# --- what the pictures say ---

def ocr(path):
    done = subprocess.run(["tesseract", path, "-", "--psm", "6"], capture_output=True, check=False,
                          env=dict(os.environ, OMP_THREAD_LIMIT="1"))
    return set(re.findall(r"[a-z]{3,}", done.stdout.decode("utf-8", "replace").lower()))


def is_readable(path, words, cache):
    if path not in cache:
        cache[path] = ocr(path)
    return sum(w in cache[path] for w in set(words)) >= READ_SHARE * len(set(words))


def first_readable(pictures, words, cache):
    """The first picture that can be read. A slide gets sharper, so it is looked for by halves after a few."""
    for picture in pictures[:3]:
        if is_readable(picture["file"], words, cache):
            return picture
    low, high = 3, len(pictures) - 1
    if high < low or not is_readable(pictures[high]["file"], words, cache):
        return None
    while low < high:
        middle = (low + high) // 2
        if is_readable(pictures[middle]["file"], words, cache):
            high = middle
        else:
            low = middle + 1
    return pictures[low]


def readable_times(result):
    """For each slide shown in time to be judged: ms until it could be read, None for never."""
    slides = result["shown"]["slides"]
    jobs = []
    for i, slide in enumerate(slides):
        # Only slides that were up for their whole time while it was measured.
        ends = slides[i + 1]["at"] if i + 1 < len(slides) else slide["at"] + SLIDE_MS
        if slide["at"] < result["startAt"] or ends > result["endAt"] + 300:
            continue
        # Numbers that could be read must be this slide's; a picture whose numbers cannot be read may be.
        mine = [p for p in result["kept"] if p["at"] >= slide["at"] and
                (p["value"] >> 16 == slide["slide"] if p["value"] >= 0 else p["at"] < ends)]
        jobs.append((slide, mine))

    def judge(job):
        slide, mine = job
        found = first_readable(mine, result["words"][slide["slide"] % len(result["words"])], {})
        return None if found is None else found["at"] - slide["at"]

    with ThreadPoolExecutor(2) as pool:
        return [dict(at=slide["at"] - result["startAt"], ms=ms)
                for (slide, _), ms in zip(jobs, pool.map(judge, jobs))]


def first_screen(result):
    """When the learner could first read whatever slide was shown."""
    for picture in result["kept"][:30]:
        slide = picture["value"] >> 16 if picture["value"] >= 0 else None
        if slide is not None and is_readable(picture["file"], result["words"][slide % len(result["words"])], {}):
            return picture["at"]
    return None


def picture_ages(result):
    frames = result["shown"]["frames"]
    return [at - frames[v & 0xffff] for at, v, *_ in result["pictures"]
            if v >= 0 and at >= result["startAt"] and (v & 0xffff) < len(frames)]


def longest_stall(result):
    """The longest time without a new picture, while there was one every 1/FPS s."""
    times = [result["startAt"]]
    times += [at for at, *_ in result["pictures"] if result["startAt"] <= at <= result["endAt"]] + [result["endAt"]]
    return max(b - a for a, b in zip(times, times[1:]))


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def figures(result, line):
    learner, trainer = result["learner"], result["trainer"]
    slides = readable_times(result)
    read = [s["ms"] for s in slides if s["ms"] is not None]
    ages = picture_ages(result)
    seconds = (result["endAt"] - result["startAt"]) / 1000
    screen = first_screen(result)
    return {
        "concealed": learner["concealed"] / max(1, learner["samples"]),
        "slides": len(slides), "never": len(slides) - len(read), "readable_each": slides,
        "readable": None if not read else statistics.median(read), "readable_max": max(read, default=None),
        "age": percentile(ages, 0.5), "age_p95": percentile(ages, 0.95), "stall": longest_stall(result),
        "freezes": learner["freezeCount"], "freeze_ms": learner["freezeMs"],
        "pictures_per_s": learner["framesDecoded"] / seconds,
        "voice": result["firstVoiceAt"] - result["enteredAt"] if result["firstVoiceAt"] else None,
        "screen": screen - result["enteredAt"] if screen else None,
        "connected": result["connectedAt"] - result["enteredAt"],
        "join_requests": result["trainerJoin"]["pliReceived"] + result["trainerJoin"]["firReceived"],
        "key_requests": trainer["pliReceived"] + trainer["firReceived"], "key_frames": trainer["keyFramesSent"],
        "screen_bps_sent": trainer["videoBytesSent"] * 8 / seconds, "learner_pli": learner["pliSent"],
        "learner_nack": learner["nackSent"], "audio_lost": learner["audioLost"], "audio_late": learner["audioLate"],
        "audio_received": learner["audioReceived"],
        "video_lost": learner["videoLost"], "video_received": learner["videoReceived"],
        "jitter_buffer_ms": learner["jitterBufferMs"], "codec": learner["codec"], "size": f"{result['width']}x{result['height']}",
        "page_says": result["connection"], "limited_by": trainer["limitedBy"], "rtt_ms": learner["rttMs"], "line": line,
        "timeline": [[at - result["enteredAt"], what] for at, what in result["timeline"]],
        "samples": result["samples"], "wire": result["wire"], "started_at": result["startAt"], "machine_load": os.getloadavg()[0],
    }


# --- running ---

def run_scenario(scenario, seconds, seed, keep=None, wire=False):
    """One class behind one line; its figures. RuntimeError when the class did not come about."""
    folder = keep or tempfile.mkdtemp(prefix="amphi-quality-")
    os.makedirs(folder, exist_ok=True)
    try:
        with netlab.Lab() as lab:
            line = lab.join("relay", "far", seed=seed, settings=["delay 10ms"])
            plan = dict(farNamespace=lab.namespace("far"), address=line.near_ipv4, behind=scenario.behind,
                        line=scenario.line, script=scenario.script, slideMs=SLIDE_MS, fps=FPS, seconds=seconds,
                        others=scenario.others, waitBeforeJoinMs=scenario.wait_before_join_ms,
                        settleMs=3000, sample=True)
            stats, samples = {}, []
            watcher = None
            if wire:
                watched = 12 + (scenario.wait_before_join_ms + 3000) / 1000 + seconds
                watcher = lab.start("relay", [sys.executable, os.path.join(HERE, "voice_wire.py"), str(watched)], stdout=subprocess.PIPE)

            def handle(message):
                if "link" in message:
                    line.change(message["link"])
                if "sample" in message:
                    samples.append(dict(message["sample"], line=line.stats()))
                if "result" in message:
                    stats.update(line.stats())
            result = run_in_lab(lab, "relay", "class_run.mjs", plan, handle, folder, log_path=os.path.join(folder, "class_run.log"))
            result["wire"] = json.load(watcher.stdout) if watcher else []
            result["line_stats"], result["samples"] = stats, samples
        if keep:
            with open(os.path.join(keep, "result.json"), "w", encoding="utf-8") as out:
                json.dump(result, out)
        return figures(result, result["line_stats"])
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def median_of(runs):
    """Runs of one row as one: medians of numbers, the rest of the last run."""
    merged = dict(runs[-1], runs=len(runs))
    for key in merged:
        values = [r[key] for r in runs if isinstance(r.get(key), (int, float))]
        if key not in ("runs", "never", "slides") and values:
            merged[key] = statistics.median(values)
    merged["never"], merged["slides"] = (sum(r[k] for r in runs) for k in ("never", "slides"))
    return merged


def misses(scenario, got):
    """The names of the targets that were not met."""
    return [k for k, most in scenario.targets.items() if got.get(k) is None or got[k] > most]


def report_misses(rows, failed):
    """One line a promise that was not kept, and a row that could not be run. Returns how many."""
    told = [f"{s.name}: {k} is {g.get(k)}, at most {s.targets[k]} was promised" for s, g in rows for k in misses(s, g)]
    told += [f"{name}: a run failed" for name in failed]
    for line in told:
        print(line, file=sys.stderr)
    return len(told)


def table(rows):
    lines = ["| line | concealed voice | slide readable after (median; worst) | never read | age of the picture p50 | longest stall | "
             "first voice; first screen | key frames asked of the trainer |", "| --- " * 8 + "|"]

    def ms(value):
        return "–" if value is None else f"{value:.0f} ms"

    for scenario, got in rows:
        missed = misses(scenario, got)

        def cell(text, *keys):
            most = [scenario.targets[k] for k in keys if k in scenario.targets]
            bold = any(k in missed for k in keys)
            return f"**{text}**" if bold and most else text
        lines.append("| " + " | ".join([
            scenario.title, cell(f"{got['concealed'] * 100:.2f} %", "concealed"),
            f"{cell(ms(got['readable']), 'readable')}; {ms(got['readable_max'])}", cell(f"{got['never']} of {got['slides']}", "never"),
            cell(ms(got["age"]), "age"), cell(ms(got["stall"]), "stall"),
            f"{cell(ms(got['voice']), 'voice')}; {cell(ms(got['screen']), 'screen')}",
            cell(f"{got['key_requests']:.0f} in {got['seconds']} s", "key_requests")]) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=", ".join(s.name for s in SCENARIOS))
    parser.add_argument("--short", action="store_true", help="15 s a row")
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    parser.add_argument("--wire", action="store_true", help="with --json: also how late voice was on the wire (voice_wire.py)")
    parser.add_argument("--keep", help="folder for pictures, logs and raw results")
    options = parser.parse_args()
    unknown = set(options.rows) - {s.name for s in SCENARIOS}
    if unknown:
        parser.error(f"no row called {', '.join(sorted(unknown))}")
    why_not = netlab.why_not()
    if why_not:
        sys.exit(f"quality.py: {why_not}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the laboratory is taken down on the way out
    rows, failed = [], []
    for scenario in SCENARIOS:
        if options.rows and scenario.name not in options.rows:
            continue
        runs = []
        seconds = options.seconds or (15 if options.short else scenario.seconds)
        for number in range(options.runs):
            keep = os.path.join(options.keep, f"{scenario.name}-{number}") if options.keep else None
            try:
                got = run_scenario(scenario, seconds, seed=number + 1, keep=keep, wire=options.wire)
            except (RuntimeError, subprocess.SubprocessError) as error:
                print(f"{scenario.name}: failed: {error}", file=sys.stderr)
                failed.append(scenario.name)
                continue
            got["seconds"] = seconds
            runs.append(got)
            brief = {k: v for k, v in got.items() if k not in ("samples", "wire", "line", "readable_each", "timeline")}
            print(scenario.name, json.dumps(brief), flush=True)
        if runs:
            rows.append((scenario, median_of(runs)))
        if options.json:
            with open(options.json, "w", encoding="utf-8") as out:
                json.dump([dict(row=s.name, missed=misses(s, g), **g) for s, g in rows], out, indent=1)
        if options.markdown:
            with open(options.markdown, "w", encoding="utf-8") as out:
                out.write(table(rows) + "\n")
    print(table(rows))
    is_whole = not options.short and options.seconds is None  # promises are for a whole run
    if is_whole and report_misses(rows, failed) > 0:
        sys.exit(1)


if __name__ == "__main__":
    main()

"""The benchmark's result as a Markdown table and as an SVG plot."""

import math

NAMES = {"amphi": "Amphi", "janus": "Janus, event_loops = 1", "janus-threads": "Janus, default", "floor": "Floor"}
COLOURS = {"amphi": "#0b6e4f", "janus": "#b3541e", "janus-threads": "#d9a441", "floor": "#5b6770"}


def measured(result):
    return [case for case in result["cases"] if "failed" not in case and "skipped" not in case]


def device_of(case):
    return case.get("device", "lo")


def ratio(result, case, to):
    """To the other peer's cost under the same load on the same device, at one shard."""
    for other in measured(result):
        if (other["peer"], other["learners"], device_of(other), other.get("shards", 1)) == (to, case["learners"], device_of(case), 1) \
                and other["peer"] != case["peer"]:
            return f"{case['cpu_us_per_packet'] / other['cpu_us_per_packet']:.2f}"
    return ""


def name_of(case):
    shards, classes, load = (case.get("shards", 1), case.get("classes", 1), case.get("load")) if case["peer"] == "amphi" else (1, 1, None)
    return NAMES[case["peer"]] + (f", {shards} shards" if shards > 1 else "") + (f", {classes} classes" if classes > 1 else "") \
        + (f", {load}" if load else "") + ("" if device_of(case) == "lo" else f", to {device_of(case)}")


def per_core(case):
    """Learners that a whole core would carry at this cost, were it to stay the same."""
    if case["saturated"]:
        return "full"
    if case["learners"] < 100:
        return ""
    return f"{case['learners'] * 100 / case['cpu_percent']:.0f}"


def delay(case, line):
    value = case.get(line) if device_of(case) == "lo" else None
    return "/".join(f"{value[key]:.1f}" for key in ("p50", "p95", "p99")) if value else ""


def added(case, kind):
    value = case.get("relay_delay_ms", {}).get(kind)
    return "/".join(f"{value[key]:g}" for key in ("p50", "p95", "p99")) if value else ""


def number(case, key, form):
    value = case.get(key)
    return format(value, form) if value is not None else ""


def row(result, case):
    if "failed" in case or "skipped" in case:
        return [name_of(case), str(case["learners"]), case.get("skipped") or "failed"] + [""] * (len(HEADINGS) - 3)
    low, high = case["cpu_us_per_packet_range"]
    return [name_of(case), str(case["learners"]), f"{case['cpu_us_per_packet']:.2f} ({low:.2f} to {high:.2f})",
            f"{case['user_us_per_packet']:.2f} + {case['system_us_per_packet']:.2f}", f"{case['cpu_percent']:.1f}", per_core(case),
            ratio(result, case, "janus"), ratio(result, case, "floor"),
            f"{case['delivered_percent']:.2f}", number(case, "missing", ".0f"), delay(case, "video_delay_ms"), delay(case, "voice_delay_ms"),
            added(case, "video"), added(case, "voice"),
            number(case, "resident_kb_per_learner", ".0f"), number(case, "joins_per_second", ".0f"),
            number(case, "join_cpu_ms_with_media", ".2f"), number(case.get("first_packet_ms") or {}, "p50", ".0f")]


HEADINGS = ["server", "learners", "µs CPU per packet (range)", "user + system", "% of core", "learners per core", "of Janus", "of floor",
            "delivered %", "missing", "video delay p50/p95/p99 ms", "voice delay ms", "of it in the relay: video", "voice", "kB per learner", "joins/s", "CPU ms per join",
            "first media ms"]


def generator_notes(result):
    """What the load generator itself could not keep up with."""
    notes = []
    for case in measured(result):
        own = case.get("generator")
        if own and (own["cpu_percent"] > 90 or own["late_mean_ms"] > 5):
            notes.append(f"- {NAMES[case['peer']]}, {case['learners']} learners: the generator used {own['cpu_percent']:.0f} % of its core and sent "
                         f"{own['late_mean_ms']:.1f} ms late; delays and joins there are its own too.")
        if own and own["not_opened"]:
            notes.append(f"- {NAMES[case['peer']]}, {case['learners']} learners: {own['not_opened']:.0f} of {own['sampled']:.0f} sampled packets "
                         "could not be opened.")
    return notes or ["- The load generator kept up in all runs, and every sampled packet could be opened."]


def waited_notes(result):
    return [f"- {NAMES[case['peer']]}, {case['learners']} learners: ready to run but without its core for {case['waited_percent']:.0f} % of the time."
            for case in measured(result) if case["waited_percent"] > 10]


def rush_notes(result):
    notes = []
    for case in measured(result):
        rush = case.get("rush")
        if rush:
            voice = rush["voice_delay_ms"]
            own = rush.get("relay_delay_ms", {}).get("voice")
            notes.append(f"- {case['learners']} learners in class, {rush['joined']:.0f} more joined within {rush['seconds']:.1f} s: voice delay p50 "
                         f"{voice['p50']:.1f}, p99 {voice['p99']:.1f}, worst {voice['max']:.1f} ms of {voice['samples']:.0f} packets; {rush['missing']:.0f} missing."
                         + (f" Of all voice, also to those who joined: {own['p50']:g}, {own['p99']:g}, {own['p100']:g} ms in the relay." if own else ""))
    return ["", "Join rush:", ""] + notes if notes else []


def memory_notes(result):
    """From the largest class that was carried to a smaller one: what does not grow with learners is left out."""
    notes = []
    for peer, names in (("amphi", ("relay", "signalling")), ("janus", ("Janus",)), ("janus-threads", ("Janus",))):
        cases = sorted((case for case in measured(result) if case["peer"] == peer and not case["saturated"] and case["learners"] >= 10
                        and device_of(case) == "lo" and case.get("shards", 1) == 1 and "rush" not in case), key=lambda case: case["learners"])
        if len(cases) < 2:
            continue
        small, large = cases[-2], cases[-1]
        parts = []
        for name, before, after in zip(names, small["processes"], large["processes"]):
            grown = (after["resident_kb"] - before["resident_kb"]) / (large["learners"] - small["learners"])
            parts.append(f"{name} {grown:.0f} kB")
        notes.append(f"- {NAMES[peer]}: each learner from {small['learners']} to {large['learners']} takes {', '.join(parts)}.")
    return ["", "Memory:", ""] + notes if notes else []


def markdown(result):
    about, host = result["about"], result["about"]["machine"]
    lines = [f"{host['cpu']}, {host['cores']} cores, Linux {host['kernel']}, {host['at']}, commit {about['commit']}; medians of "
             f"{about['repeat']}, windows of {about['window_s']} s.", "",
             "| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
    lines += ["| " + " | ".join(row(result, case)) + " |" for case in result["cases"]]
    lines += [""] + generator_notes(result) + waited_notes(result) + memory_notes(result) + rush_notes(result)
    return "\n".join(lines) + "\n"


# --- The plot: cost against learners, both axes logarithmic.

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 64, 24, 44, 52


def scale(low, high, first, last):
    span = math.log10(high / low) or 1
    return lambda value: first + (last - first) * math.log10(value / low) / span


def svg(result):
    cases = sorted((case for case in measured(result) if device_of(case) == "lo" and case.get("shards", 1) == 1 and "rush" not in case),
                   key=lambda case: case["learners"])
    if not cases:
        return '<svg xmlns="http://www.w3.org/2000/svg"/>\n'
    counts = sorted({case["learners"] for case in cases})
    costs = [case["cpu_us_per_packet"] for case in cases]
    low, high = 10 ** math.floor(math.log10(min(costs))), 10 ** math.ceil(math.log10(max(costs)))
    x = scale(counts[0] / 1.3, counts[-1] * 1.3, LEFT, WIDTH - RIGHT)
    y = scale(low, high, HEIGHT - BOTTOM, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" fill="#222">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           f'<text x="{LEFT}" y="20" font-size="14">CPU time per forwarded packet, microseconds</text>']
    decade = low
    while decade <= high:
        for step in (1, 2, 5):
            value = decade * step
            if value <= high:
                out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>'
                           f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
        decade *= 10
    for count in counts:
        out.append(f'<text x="{x(count):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{count}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">learners</text>')
    for place, peer in enumerate(sorted({case["peer"] for case in cases}, key=list(NAMES).index)):
        points = [(x(case["learners"]), y(case["cpu_us_per_packet"]), case) for case in cases if case["peer"] == peer]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py, _ in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[peer]}" stroke-width="2"/>')
        for px, py, case in points:  # hollow: the server was full
            fill = "#fff" if case["saturated"] else COLOURS[peer]
            out.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" fill="{fill}" stroke="{COLOURS[peer]}" stroke-width="2"/>')
        left = LEFT + 150 * place
        out.append(f'<circle cx="{left + 6}" cy="{TOP - 8}" r="4" fill="{COLOURS[peer]}"/><text x="{left + 16}" y="{TOP - 4}">{NAMES[peer]}</text>')
    return "\n".join(out) + "\n</svg>\n"

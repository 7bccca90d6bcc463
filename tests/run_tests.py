"""Runs the parts of the test suite and counts what passed.

Called by ./test, which has installed everything. Each part builds the presets it needs and runs
its programs; a program reports through its own runner (cmocka by way of ctest, unittest, node's
TAP), and every test it names counts once. A program that dies without a word counts as a failure.
"""

import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(ROOT, "build", "log")
PARTS = ["check", "unit", "sim", "integration", "interop", "browser", "quality", "fuzz"]


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def ok(self, name):
        self.passed += 1

    def fail(self, name, detail=""):
        self.failed += 1
        self.failures.append(name)
        print(f"FAILED  {name}")
        if detail:
            print("        " + "\n        ".join(detail.strip().splitlines()[-25:]))

    def skip(self, name, why):
        self.skipped += 1
        print(f"skipped {name}: {why}")


def run(command, name, timeout, env=None):
    """The exit code and output; the output also goes to build/log/NAME.log."""
    environment = dict(os.environ, **(env or {}))
    started = time.monotonic()
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, check=False)
        code, output = done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as late:
        code, output = 124, (late.stdout or b"").decode("utf-8", "replace") + f"\ntimed out after {timeout} s\n"
    with open(os.path.join(LOGS, name.replace("/", "_") + ".log"), "w", encoding="utf-8") as log:
        log.write(output)
    print(f"  {name}: {time.monotonic() - started:.0f} s")
    sys.stdout.flush()
    return code, output


def build(tally, preset, *targets, options=()):
    script = ('set -eu; root="$1"; log_dir="$root/build/log"; shift; '
              '. "$root/scripts/setup.sh"; build_preset "$@"')
    tail = ["--", *targets] if targets else []
    code, output = run(["bash", "-c", script, "bash", ROOT, preset, *options, *tail], f"build-{preset}.all", 1800)
    if code != 0:
        tally.fail(f"build {preset}", output)
    return code == 0


def run_ctest(tally, preset, label, timeout=600):
    report = os.path.join(LOGS, f"ctest-{preset}-{label}.xml")
    if os.path.exists(report):
        os.remove(report)
    code, output = run(["ctest", "--test-dir", f"build/{preset}", "-L", label, "-j2", "--output-junit", report,
                        "--no-tests=error", "--output-on-failure"], f"ctest-{preset}-{label}", timeout)
    if not os.path.exists(report):
        tally.fail(f"{preset} {label}", output)
        return
    for case in xml.parse(report).getroot().iter("testcase"):
        name, text = f"{preset} {case.get('name')}", case.findtext("system-out") or ""
        good = re.findall(r"^\[       OK \] (.+)$", text, re.M)
        bad = sorted(set(re.findall(r"^\[  FAILED  \] (?!\d+ test)(?:\S+: )?(.+)$", text, re.M)))
        for test in good:
            tally.ok(test)
        for test in bad:
            tally.fail(f"{name}: {test}", text)
        if case.get("status") != "run" and not bad:
            tally.fail(name, text or (case.find("failure").get("message", "") if case.find("failure") is not None else ""))
        elif not good and not bad:
            tally.ok(name)


def run_unittest(tally, path, timeout, *arguments):
    """A standalone Python test file of unittest, verbose output on."""
    name = os.path.relpath(path, os.path.join(ROOT, "tests"))
    # Debian's own interpreter: it has Debian's python3-aiortc and python3-gi.
    code, output = run(["/usr/bin/python3", path, "-v", *arguments], name, timeout)
    # A test may print in between: its "ok" then stands on a line of its own.
    good = len(re.findall(r"(?:\.\.\. |^)ok$", output, re.M))
    skipped = re.findall(r"^(\S+).* \.\.\. skipped (.*)$", output, re.M)
    bad = re.findall(r"^(?:FAIL|ERROR): (.+)$", output, re.M)
    tally.passed += good
    for test, why in skipped:
        tally.skip(f"{name} {test}", why)
    for test in bad:
        tally.fail(f"{name}: {test}", output)
    if code != 0 and not bad:
        tally.fail(name, output)
    if code == 0 and good + len(skipped) == 0:
        tally.fail(name, "it ran no test")


def run_tap(tally, command, name, timeout, env=None):
    """A program that prints TAP (node --test --test-reporter=tap, or our browser tests)."""
    code, output = run(command, name, timeout, env)
    good = re.findall(r"^\s*ok \d+ - (.+)$", output, re.M)
    bad = re.findall(r"^\s*not ok \d+ - (.+)$", output, re.M)
    for test in good:
        skip = re.search(r"# SKIP\s*(.*)$", test)
        tally.skip(f"{name} {test}", skip.group(1)) if skip else tally.ok(test)
    for test in bad:
        tally.fail(f"{name}: {test}", output)
    if code != 0 and not bad:
        tally.fail(name, output)
    if code == 0 and not good:
        tally.fail(name, "it ran no test")


def files(folder, suffix):
    path = os.path.join(ROOT, "tests", folder)
    if not os.path.isdir(path):
        return []
    return [os.path.join(path, f) for f in sorted(os.listdir(path)) if f.startswith("test_") and f.endswith(suffix)]


def part_check(tally):
    for name, command in [
            ("layers", ["bash", "tests/check/layers.sh"]),
            ("format", ["bash", "tests/check/format.sh"]),
            ("page types", ["npm", "--prefix", "client-demo", "run", "--silent", "check"]),
    ]:
        code, output = run(command, f"check-{name}", 300)
        tally.ok(name) if code == 0 else tally.fail(f"check {name}", output)
    run_tap(tally, ["npm", "--prefix", "client-demo", "run", "--silent", "test"], "page-unit", 120)


def part_unit(tally):
    """gcc with address and undefined-behaviour sanitizers, clang's warnings, thread sanitizer where threads are."""
    if build(tally, "asan"):
        run_ctest(tally, "asan", "unit")
    if build(tally, "tsan"):
        run_ctest(tally, "tsan", "threads", timeout=300)
    build(tally, "clang") and tally.ok("clang builds everything without a warning")


def part_sim(tally):
    if not os.path.exists(os.path.join(ROOT, "tests", "sim", "CMakeLists.txt")):
        tally.skip("sim", "no simulation yet")
    elif build(tally, "asan"):
        run_ctest(tally, "asan", "sim", timeout=900)


def part_integration(tally):
    if build(tally, "release") and build(tally, "asan") and build(tally, "tsan", "amphi-relay", "amphi-signaling"):
        for path in files("integration", ".py"):
            run_unittest(tally, path, 600, "--build", os.path.join(ROOT, "build", "release"))


def part_interop(tally):
    if build(tally, "release"):
        for path in files("interop", ".py"):
            run_unittest(tally, path, 600, "--build", os.path.join(ROOT, "build", "release"))


def part_browser(tally):
    if build(tally, "release"):
        for path in files("browser", ".mjs"):
            run_tap(tally, ["node", path], os.path.relpath(path, os.path.join(ROOT, "tests")), 900)


def part_quality(tally):
    """The network laboratory; nightly length when asked for by name is up to docs/quality.md's command."""
    if build(tally, "release") and build(tally, "asan", "netlab-link"):
        for path in files("netlab", ".py") + files("quality", ".py"):
            run_unittest(tally, path, 300, "--build", os.path.join(ROOT, "build", "release"))


def part_fuzz(tally, seconds):
    if not build(tally, "fuzz"):
        return
    targets = []
    for folder, _, names in os.walk(os.path.join(ROOT, "tests", "fuzz")):
        targets += [n[:-2] for n in names if n.startswith("fuzz_") and n.endswith(".c")]
    waiting, running = sorted(targets), []
    while waiting or running:
        while waiting and len(running) < 2:
            name = waiting.pop(0)
            program = subprocess.run(["find", "build/fuzz", "-name", name, "-type", "f"], cwd=ROOT,
                                     stdout=subprocess.PIPE, check=False).stdout.decode().split()
            if not program:
                tally.fail(f"{name}: not built")
                continue
            found = os.path.join(ROOT, "build", "fuzz-found", name)
            os.makedirs(found, exist_ok=True)
            log = open(os.path.join(LOGS, f"{name}.log"), "w", encoding="utf-8")
            command = [os.path.join(ROOT, program[0]), f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=1024",
                       "-malloc_limit_mb=256", "-print_final_stats=1", f"-artifact_prefix={found}/", found,
                       os.path.join(ROOT, "tests", "fuzz", "corpus", name)]
            running.append((name, subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log), time.monotonic()))
        for entry in list(running):
            name, process, started = entry
            if process.poll() is None and time.monotonic() - started < seconds + 120:
                continue
            if process.poll() is None:
                process.kill()
                process.wait()
            running.remove(entry)
            with open(os.path.join(LOGS, f"{name}.log"), encoding="utf-8", errors="replace") as log:
                text = log.read()
            runs = re.search(r"number_of_executed_units: (\d+)", text)
            if process.returncode == 0 and runs and int(runs.group(1)) > 100:
                tally.ok(name)
                print(f"  {name}: {runs.group(1)} inputs in {seconds} s, clean")
            else:
                tally.fail(name, text)
        time.sleep(0.2)


def main():
    os.makedirs(LOGS, exist_ok=True)
    wanted = sys.argv[1:] or PARTS
    unknown = [p for p in wanted if p not in PARTS]
    if unknown:
        sys.exit(f"./test: unknown part {unknown[0]!r}; expected one of {', '.join(PARTS)}")
    # A minute a target when fuzzing is asked for; a taste of it in the whole run.
    seconds = int(os.environ.get("AMPHI_FUZZ_SECONDS", "60" if sys.argv[1:] else "10"))
    tally, started = Tally(), time.monotonic()
    for part in wanted:
        print(f"== {part}")
        sys.stdout.flush()
        if part == "fuzz":
            part_fuzz(tally, seconds)
        else:
            globals()[f"part_{part}"](tally)
    print(f"({time.monotonic() - started:.0f} s; logs in build/log)")
    for name in tally.failures:
        print(f"  failed: {name}")
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    sys.exit(1 if tally.failed or not tally.passed else 0)


if __name__ == "__main__":
    main()

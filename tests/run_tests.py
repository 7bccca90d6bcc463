"""Runs the parts of the test suite and counts what passed.

Called by ./test, which has installed everything. A program reports through its own runner (cmocka by way of ctest, unittest,
node's TAP), and every test it names counts once. A program that dies without a word counts as a failure.

The parts asked for become one list of jobs, done in stages, so that a small machine neither waits for a test that
sleeps nor measures one that has company:

1. what mostly waits (LIGHT), two at a time; behind it, with less right to the CPU, builds and unit tests;
2. what only computes, two at a time: pages in all their states (BUSY), then fuzzing;
3. everything else, one after another, with the machine to itself: it measures time, loss or load.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as xml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(ROOT, "build", "log")
PARTS = ["check", "unit", "sim", "integration", "interop", "browser", "quality", "fuzz"]
# Files not named here run alone. Light: under half a core, and nothing expected to the tenth of a second. The longest first, with the
# presets that each uses besides release.
LIGHT = {
    "interop/test_interop.py": (),
    "integration/test_websocket.py": (),
    "integration/test_classroom.py": (),
    "interop/test_gstreamer.py": (),
    "interop/test_odd_peers.py": (),
    "integration/test_bad_media.py": ("asan",),
    "integration/test_control_link.py": ("asan",),
    "browser/test_talk.mjs": (),
    "integration/test_webhook.py": (),
    "integration/test_stream.py": ("asan",),
    "integration/test_http.py": (),
    "integration/test_http2.py": (),
    "integration/test_whip.py": (),
    "integration/test_relay_link.py": (),
    "browser/test_keyboard.mjs": (),
    "integration/test_ctl.py": (),
    "integration/test_command_lines.py": (),
}
# Computes all the time, and nothing is expected to the second.
BUSY = ["browser/test_states.mjs", "browser/test_pages.mjs"]


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, other):
        self.passed, self.failed, self.skipped = self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        self.failures += other.failures

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


class Job:
    """One build or one program of tests. `work(tally)` runs it; it is left out when a preset in `needs` could not be built."""

    def __init__(self, name, work, needs=()):
        self.name, self.work, self.needs = name, work, needs
        self.tally = Tally()

    def run(self):
        try:
            self.work(self.tally)
        except Exception as error:  # one job's trouble is one failure, and the others go on
            self.tally.fail(self.name, repr(error))


class Schedule:
    """Takes jobs from lists until they are empty: each list by as many threads as it is given."""

    def __init__(self, tally):
        self.tally = tally
        self.changed = threading.Condition()
        self.built = {}  # preset: whether its build went well

    def build(self, preset, targets, nice=()):
        def work(tally):
            good = False
            try:
                good = build(tally, preset, *targets, nice=nice)
            finally:
                with self.changed:
                    self.built[preset] = good
                    self.changed.notify_all()
        return Job(f"build {preset}", work)

    def _take(self, jobs):
        """The first job whose builds have ended; waits for one. None at the end."""
        with self.changed:
            while jobs:
                for job in jobs:
                    if all(preset in self.built for preset in job.needs):
                        jobs.remove(job)
                        return job
                self.changed.wait()
            return None

    def _work(self, jobs):
        while (job := self._take(jobs)) is not None:
            if all(self.built[preset] for preset in job.needs):
                job.run()
            with self.changed:
                self.tally.add(job.tally)
                self.changed.notify_all()

    def run(self, *lists_and_threads):
        threads = [threading.Thread(target=self._work, args=(jobs,), daemon=True) for jobs, count in lists_and_threads for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def memory_folder():
    """Signaling writes through to the disk while a request waits, and beside builds has stood still for four seconds, most likely there.
    So what runs beside them keeps its data in memory, where there is some."""
    folder = "/dev/shm"
    try:
        return {"TMPDIR": folder} if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > 2 << 30 else None
    except OSError:
        return None


def run(command, name, timeout, env=None):
    """The exit code and output, which also stands in build/log/NAME.log."""
    environment = dict(os.environ, **(env or {}))
    started = time.monotonic()
    path = os.path.join(LOGS, name.replace("/", "_") + ".log")
    with open(path, "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        code, cpu = wait(process, started + timeout)
    with open(path, encoding="utf-8", errors="replace") as log:
        output = log.read()
    if code is None:
        code, output = 124, output + f"\ntimed out after {timeout} s\n"
    print(f"  {name}: {time.monotonic() - started:.0f} s ({cpu:.0f} s of CPU)", flush=True)
    return code, output


def wait(process, deadline):
    """(exit code, CPU seconds of it and the children it waited for); kills it at the deadline, and the code is None."""
    late = False
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return None if late else process.returncode, used.ru_utime + used.ru_stime
        if time.monotonic() > deadline and not late:
            late = True
            process.kill()
        time.sleep(0.05)


def build(tally, preset, *targets, nice=()):
    script = ('set -eu; root="$1"; log_dir="$root/build/log"; shift; '
              '. "$root/scripts/setup.sh"; build_preset "$@"')
    tail = ["--", *targets] if targets else []
    code, output = run([*nice, "bash", "-c", script, "bash", ROOT, preset, *tail], f"build-{preset}.all", 1800)
    if code != 0:
        tally.fail(f"build {preset}", output)
    return code == 0


def run_ctest(tally, preset, label, timeout):
    report = os.path.join(LOGS, f"ctest-{preset}-{label}.xml")
    if os.path.exists(report):
        os.remove(report)
    code, output = run(["nice", "ctest", "--test-dir", f"build/{preset}", "-L", label, "-j2", "--output-junit", report,
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
    code, output = run(["/usr/bin/python3", path, "-v", *arguments], name, timeout, memory_folder() if name in LIGHT else None)
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


def run_check(tally):
    for name, command in [
            ("layers", ["bash", "tests/check/layers.sh"]),
            ("format", ["bash", "tests/check/format.sh"]),
            ("pictures", ["bash", "scripts/pictures.sh", "--check"]),
            ("page types", ["npm", "--prefix", "client-demo", "run", "--silent", "check"]),
    ]:
        code, output = run(command, f"check-{name}", 300)
        tally.ok(name) if code == 0 else tally.fail(f"check {name}", output)
    run_tap(tally, ["npm", "--prefix", "client-demo", "run", "--silent", "test"], "page-unit", 120)


def run_fuzz(tally, name, seconds):
    program = subprocess.run(["find", "build/fuzz", "-name", name, "-type", "f"], cwd=ROOT, stdout=subprocess.PIPE, check=False).stdout.decode().split()
    if not program:
        tally.fail(f"{name}: not built")
        return
    found = os.path.join(ROOT, "build", "fuzz-found", name)
    os.makedirs(found, exist_ok=True)
    code, output = run([os.path.join(ROOT, program[0]), f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=1024",
                        "-malloc_limit_mb=256", "-print_final_stats=1", f"-artifact_prefix={found}/", found,
                        os.path.join(ROOT, "tests", "fuzz", "corpus", name)], name, seconds + 120)
    runs = re.search(r"number_of_executed_units: (\d+)", output)
    if code == 0 and runs and int(runs.group(1)) > 100:
        tally.ok(name)
        print(f"  {name}: {runs.group(1)} inputs, clean", flush=True)
    else:
        tally.fail(name, output)


def test_files():
    """part: its files, as tests/ has them."""
    folders = [("integration", "integration", ".py"), ("interop", "interop", ".py"), ("browser", "browser", ".mjs"),
               ("quality", "netlab", ".py"), ("quality", "quality", ".py")]
    found = [(part, f"{folder}/{name}") for part, folder, suffix in folders
             for name in sorted(os.listdir(os.path.join(ROOT, "tests", folder)))
             if name.startswith("test_") and name.endswith(suffix)]
    for name in [*LIGHT, *BUSY]:
        if name not in [file for _, file in found]:
            sys.exit(f"tests/run_tests.py names {name}, which is not there")
    return found


def file_job(part, name):
    path = os.path.join(ROOT, "tests", name)
    if part == "browser":
        return Job(name, lambda tally: run_tap(tally, ["node", path], name, 900), ("release",))
    needs = ("release", *LIGHT[name]) if name in LIGHT else ("release",) if part == "interop" else ("release", "asan", "tsan")
    if part == "quality":
        needs = ("release", "asan")
    return Job(name, lambda tally: run_unittest(tally, path, 600, "--build", os.path.join(ROOT, "build", "release")), needs)


def fuzz_targets():
    return sorted(name[:-2] for _, _, names in os.walk(os.path.join(ROOT, "tests", "fuzz"))
                  for name in names if name.startswith("fuzz_") and name.endswith(".c"))


def wanted_builds(parts):
    """preset: targets; none for all of them. Sanitized builds of what the parts need."""
    wanted = {}
    if parts & {"integration", "interop", "browser", "quality"}:
        wanted["release"] = []
    if parts & {"unit", "sim", "integration"}:
        wanted["asan"] = []
    elif "quality" in parts:
        wanted["asan"] = ["netlab-link"]
    tsan = ["thread_tests"] if "unit" in parts else []
    tsan += ["amphi-relay", "amphi-signaling"] if "integration" in parts else []
    if tsan:
        wanted["tsan"] = tsan
    if "unit" in parts:
        wanted["clang"] = []  # its warnings
    if "fuzz" in parts:
        wanted["fuzz"] = []
    return wanted


def run_parts(parts, fuzz_seconds, tally):
    schedule, builds = Schedule(tally), wanted_builds(parts)
    files = [(part, name) for part, name in test_files() if part in parts]
    first, behind, light, busy, fuzzing, alone = [], [], [], [], [], []
    if "check" in parts:
        first.append(Job("check", run_check))
    for preset, targets in builds.items():
        (first if preset == "release" else behind).append(
            schedule.build(preset, targets, nice=() if preset == "release" else ("nice", "-n", "19")))
    if "unit" in parts:
        behind.append(Job("unit", lambda t: run_ctest(t, "asan", "unit", 600), ("asan",)))
        behind.append(Job("threads", lambda t: run_ctest(t, "tsan", "threads", 300), ("tsan",)))
        behind.append(Job("clang", lambda t: t.ok("clang builds everything without a warning"), ("clang",)))
    if "sim" in parts:
        behind.append(Job("sim", lambda t: run_ctest(t, "asan", "sim", 900), ("asan",)))
    for part, name in files:
        (light if name in LIGHT else busy if name in BUSY else alone).append(file_job(part, name))
    light.sort(key=lambda job: list(LIGHT).index(job.name))
    if "fuzz" in parts:
        fuzzing += [Job(name, lambda t, name=name: run_fuzz(t, name, fuzz_seconds), ("fuzz",)) for name in fuzz_targets()]
    for title, *lists in [("set-up", (first, 1)), ("two at a time, builds and unit tests behind", (light, 2), (behind, 1)),
                          ("two at a time", (busy, 2)), ("fuzzing, two at a time", (fuzzing, 2)), ("alone", (alone, 1))]:
        if any(jobs for jobs, _ in lists):
            print(f"== {title}", flush=True)
            schedule.run(*lists)


def main():
    os.makedirs(LOGS, exist_ok=True)
    wanted = sys.argv[1:] or PARTS
    unknown = [p for p in wanted if p not in PARTS]
    if unknown:
        sys.exit(f"./test: unknown part {unknown[0]!r}; expected one of {', '.join(PARTS)}")
    # A minute a target when fuzzing is asked for; a taste of it in the whole run.
    seconds = int(os.environ.get("AMPHI_FUZZ_SECONDS", "60" if sys.argv[1:] else "10"))
    tally, started = Tally(), time.monotonic()
    run_parts(set(wanted), seconds, tally)
    print(f"({time.monotonic() - started:.0f} s; logs in build/log)")
    for name in tally.failures:
        print(f"  failed: {name}")
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    sys.exit(1 if tally.failed or not tally.passed else 0)


if __name__ == "__main__":
    main()

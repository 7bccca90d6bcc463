"""The relay under load: nothing is lost with a sanitizer watching, and the benchmark runs in its short form.

    python3 tests/integration/test_load.py --build build/release
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from support.stack import ROOT, Stack, take_build_option  # noqa: E402

BUILD = take_build_option()
LEARNERS = 40


def load(build, stack, *more):
    class_id = stack.new_class("Charge")
    command = [os.path.join(build, "bin", "bench-load"), "--server", "amphi", "--url", stack.base_url, "--class", class_id,
               "--trainer-token", stack.invite(class_id, "trainer", "T")["token"],
               "--learner-token", stack.invite(class_id, "learner", "L")["token"],
               "--pid", str(stack.relay.pid), "--learners", str(LEARNERS), "--window", "4", "--settle", "1", *more]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"bench-load ended with {done.returncode}: {done.stderr[-3000:]}")
    return json.loads(done.stdout)


class Load(unittest.TestCase):
    def run_with(self, preset, backend, options):
        build = os.path.join(ROOT, "build", preset)
        if not os.path.exists(os.path.join(build, "bin", "amphi-relay")):
            self.skipTest(f"the {preset} preset is not built")
        stack = Stack(build, shards=2, relay_options=("--srtp", backend), environment=options)
        try:
            result = load(BUILD, stack, "--video-kbps", "600", "--nack", "--rush", "20", "--rush-rate", "20")
            said = stack.log("relay")
        finally:
            codes = stack.stop()
        said += stack.logs["relay"]
        self.assertNotIn("Sanitizer", said)
        self.assertNotIn("runtime error", said)
        self.assertEqual(codes, [0, 0], said[-2000:])
        self.assertEqual((result["connected"], result["missing"], result["rush"]["missing"]), (LEARNERS, 0, 0), result)
        self.assertEqual(result["rush"]["joined"], 20)
        self.assertEqual(result["generator"]["not_opened"], 0)

    def test_addresses_and_undefined_behaviour_are_clean_under_load(self):
        for backend in ("auto", "openssl", "libsrtp"):
            with self.subTest(backend=backend):
                self.run_with("asan", backend, {"ASAN_OPTIONS": "detect_leaks=1"})

    def test_threads_are_clean_under_load(self):
        self.run_with("tsan", "auto", {"TSAN_OPTIONS": "halt_on_error=0"})

    def test_the_benchmark_runs_in_its_short_form(self):
        own_net = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
        if shutil.which("unshare") is None or subprocess.run(own_net + ["true"], check=False, capture_output=True).returncode != 0:
            self.skipTest("unshare --net is not allowed here")
        with tempfile.TemporaryDirectory(prefix="amphi-bench-") as out:
            subprocess.run([*own_net, sys.executable, os.path.join(ROOT, "tests", "bench", "run_bench.py"), "--build", BUILD, "--out", out,
                            "--peers", "amphi,floor", "--learners", "1,100", "--repeat", "1", "--window", "2"], check=True,
                           capture_output=True, text=True, timeout=120)
            with open(os.path.join(out, "bench.json"), encoding="utf-8") as file:
                cases = json.load(file)["cases"]
            self.assertEqual([(c["peer"], c["learners"]) for c in cases],
                             [("amphi", 1), ("floor", 1), ("amphi", 100), ("floor", 100)])
            for case in cases:
                self.assertGreater(case["cpu_us_per_packet"], 0.1, case)
                self.assertGreater(case["delivered_percent"], 95, case)
                # Learners that send receiver reports alone, on a healthy line: nothing waits, and nothing comes late or twice.
                self.assertLess(case["delivered_percent"], 102, case)
                self.assertEqual(case.get("missing", 0), 0, case)
            for name, holds in (("bench.md", "| Amphi | 100 |"), ("bench.svg", "<polyline")):
                with open(os.path.join(out, name), encoding="utf-8") as file:
                    self.assertIn(holds, file.read(), name)


if __name__ == "__main__":
    unittest.main()

"""Media gets through wherever a learner sits: Chromium and Firefox behind networks that drop UDP, change under way,
or know IPv6 alone. Needs root. AMPHI_LONG=1 runs every case in both browsers.

    python3 tests/quality/test_paths.py [Paths.test_...]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "netlab")]
import netlab  # noqa: E402

WHY_NOT = netlab.why_not()
LONG = bool(os.environ.get("AMPHI_LONG"))


def rules(lab, space, *lines):
    """nft rules in a table of their own in that namespace."""
    script = "\n".join(["add table inet lab", *lines])
    lab.run(space, ["nft", "-f", "-"], input=script.encode()).check_returncode()


def drop_udp(lab):
    rules(lab, "relay", "add chain inet lab in { type filter hook input priority 0; }",
          'add rule inet lab in iifname "line*" meta l4proto udp drop')


@unittest.skipIf(WHY_NOT, WHY_NOT or "")
class Paths(unittest.TestCase):
    def run_browser(self, lab, browser, answers=None, **plan):
        """One run of path_run.mjs; `answers` are the changes of the network it asks for, by name."""
        plan = dict({"farNamespace": lab.namespace("far"), "browser": browser, "options": ["--bind", "0.0.0.0"]}, **plan)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file, tempfile.TemporaryFile("w+") as log:
            json.dump(plan, file)
            file.flush()
            process = lab.start("relay", ["node", os.path.join(HERE, "path_run.mjs"), file.name], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=log, cwd=ROOT,
                                env=dict(os.environ, NODE_TLS_REJECT_UNAUTHORIZED="0", NODE_NO_WARNINGS="1"))
            result = None
            for text in process.stdout:
                if not text.startswith(b"{"):
                    continue
                message = json.loads(text)
                if "ask" in message:
                    answers[message["ask"]]()
                    process.stdin.write(b"done\n")
                    process.stdin.flush()
                result = message.get("result", result)
            process.wait(30)
            log.seek(0)
            self.assertIsNotNone(result, log.read()[-3000:])
        print(f"\n  {self._testMethodName} {browser}: {json.dumps(result)}", file=sys.stderr)
        return result

    def lab(self):
        lab = netlab.Lab()
        self.addCleanup(lab.close)
        return lab.__enter__()

    def each_browser(self, *short):
        for browser in ("chromium", "firefox"):
            if LONG or browser in short:
                with self.subTest(browser):
                    yield browser

    def test_where_udp_is_dropped_voice_comes_over_tcp_within_8_s_of_the_join(self):
        for browser in self.each_browser("chromium", "firefox"):
            lab = self.lab()
            lab.join("relay", "far", settings=["delay 20ms"])
            drop_udp(lab)
            result = self.run_browser(lab, browser)
            self.assertLess(result["firstVoiceMs"], 8000)
            self.assertEqual(result["way"]["protocol"], "tcp")
            lab.close()

    def test_when_udp_dies_under_way_voice_goes_on_over_tcp(self):
        for browser in self.each_browser():
            lab = self.lab()
            lab.join("relay", "far", settings=["delay 20ms"])
            result = self.run_browser(lab, browser, {"drop": lambda lab=lab: drop_udp(lab)}, change="drop")
            self.assertEqual(result["way"]["protocol"], "udp")
            self.assertLess(result["gapMs"], 5000)
            self.assertTrue(result["heardAtEnd"])
            self.assertEqual(result["people"][0], result["people"][1])
            lab.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build")  # the other parts' runner gives it; ./run builds its own
    _, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])

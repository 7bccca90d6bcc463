"""The trainer's one line tells within 3 s whose downlink is cut, whose sound is turned off and whose line has become
narrow, and is as it was soon after. Real pages, the real stack, lines of the network laboratory. Needs root.
AMPHI_LONG=1 repeats each case five times.

    python3 tests/quality/test_delivery.py
"""

import argparse
import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "netlab")]
import netlab  # noqa: E402
from lab_run import run_in_lab  # noqa: E402

WHY_NOT = netlab.why_not()
ROUNDS = 5 if os.environ.get("AMPHI_LONG") else 1
TOLD_MS = 3000
WELL_MS = 10000
STEPS = [
    {"name": "downlink cut", "change": "down loss 100%", "heal": "down loss 0%", "about": ["deaf"]},
    {"name": "sound off", "volume": 0, "about": ["muted"]},
    {"name": "200 kbit/s", "change": "down rate 200k queue 300ms", "heal": "down rate 0", "about": ["late", "reduced", "narrow", "poor", "blind"]},
    {"name": "cut both ways", "change": "loss 100%", "heal": "loss 0%", "about": ["deaf"]},
]


@unittest.skipIf(WHY_NOT, WHY_NOT or "")
class Delivery(unittest.TestCase):
    def run_pages(self, lab, line, steps):
        plan = {"relayNamespace": lab.namespace("relay"), "options": ["--bind", line.near_ipv4], "steps": steps}
        return run_in_lab(lab, "far", "delivery_run.mjs", plan, lambda message: "ask" in message and line.change(message["ask"]))

    def test_a_trainer_is_told_within_3_s_of_each_trouble_and_that_it_is_over(self):
        with netlab.Lab() as lab:
            line = lab.join("relay", "far", settings=["delay 20ms", "down rate 20M"])
            result = self.run_pages(lab, line, STEPS * ROUNDS)
        for step in result:
            print(f"\n  {json.dumps(step, ensure_ascii=False)}", file=sys.stderr)
        for step, wanted in zip(result, STEPS * ROUNDS, strict=True):
            with self.subTest(step["name"]):
                self.assertIsNotNone(step["bad"]["ms"], "not told")
                self.assertLess(step["bad"]["ms"], TOLD_MS)
                self.assertIsNotNone(step["well"]["ms"], "not well again")
                self.assertLess(step["well"]["ms"], WELL_MS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build")  # the other parts' runner gives it; ./run builds its own
    _, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])

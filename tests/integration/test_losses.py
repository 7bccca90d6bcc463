"""A whole class behind lines that lose one packet in ten, each learner asking for every gap: what that costs the relay and the trainer.

    AMPHI_LONG=1 python3 tests/integration/test_losses.py --build build/release

300 learners, and delays count: nothing else may run. The same class, smaller, is in every run of tests/sim/test_loss.c.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from support.stack import Stack, relay_delays, take_build_option  # noqa: E402

BUILD = take_build_option()
LEARNERS = 300
SETTLE_S, WINDOW_S = 10, 20
REPORT_S = 5  # between two reports of the relay to signaling


def total(metrics, name):
    return sum(value for key, value in metrics.items() if key.startswith(name))


def next_report(stack):
    """Counters as the relay has just reported them, and when."""
    first = now = stack.metrics()
    while total(now, "amphi_packets_in_total") == total(first, "amphi_packets_in_total"):
        time.sleep(0.02)
        now = stack.metrics()
    return now, time.monotonic()


@unittest.skipUnless(os.environ.get("AMPHI_LONG"), "at length only")
class Losses(unittest.TestCase):
    def start(self, url, seconds, *more):
        out = tempfile.NamedTemporaryFile("w+", suffix=".json")
        process = subprocess.Popen([os.path.join(BUILD, "bin", "amphi-client"), "--url", url, "--seconds", str(seconds), "--decode=false",
                                    "--out", out.name, *map(str, more)], stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process, out

    def finish(self, started):
        process, out = started
        self.assertEqual(process.wait(60), 0)
        with out:
            return json.load(out)

    def class_with(self, stack, *more):
        """The same class each time: what leaves the relay in a second, its own delays, and what everybody says at the end."""
        class_id = stack.new_class("Pertes")
        rate = 100
        stays = SETTLE_S + WINDOW_S + 2 * REPORT_S
        trainer = self.start(stack.invite(class_id, "trainer", "T")["url"], stays + LEARNERS // rate + 3, "--tone", "--video-kbps", 1500, "--video-fps", 15)
        time.sleep(1)
        learners = self.start(stack.invite(class_id, "learner", "L", participants=LEARNERS)["url"], stays, "--learners", LEARNERS,
                              "--join-rate", rate, *more)
        time.sleep(LEARNERS / rate + SETTLE_S)
        before, began = next_report(stack)
        time.sleep(WINDOW_S - REPORT_S / 2)
        after, ended = next_report(stack)
        everybody = self.finish(learners)
        self.assertEqual(everybody["all"]["connected"], LEARNERS)
        delays = relay_delays({key: value - before.get(key, 0) for key, value in after.items() if key.startswith("amphi_delay_seconds")})
        return {
            "bytes_s": (total(after, "amphi_bytes_out_total") - total(before, "amphi_bytes_out_total")) / (ended - began),
            "voice_p99_ms": delays["voice"]["p99"],
            "heard_p99_ms": sorted(p["voices"][0]["delay_ms"]["p99"] for p in everybody["participants"]),
            "freeze_ms": sorted(p["screen"]["longest_freeze_ms"] for p in everybody["participants"]),
            "recovered": everybody["all"]["recovered"],
            "trainer": self.finish(trainer)["participants"][0],
        }

    def test_one_packet_in_ten_lost_by_everybody_costs_a_fifth_more_and_leaves_the_trainer_in_peace(self):
        stack = Stack(BUILD, shards=1)
        try:
            clean = self.class_with(stack)
            lossy = self.class_with(stack, "--lose", 10)
        finally:
            codes = stack.stop()
        self.assertEqual(codes, [0, 0])
        more = lossy["bytes_s"] / clean["bytes_s"] - 1
        print(f"\n  {LEARNERS} learners, {clean['bytes_s'] * 8e-6:.0f} Mbit/s; one packet in ten lost: {100 * more:.1f} % more; "
              f"key frames asked of the trainer: {lossy['trainer']['key_frames_requested']}, within 2 s at most "
              f"{lossy['trainer']['key_frames_requested_within_2_s']}; voice p99 in the relay {clean['voice_p99_ms']:g} -> {lossy['voice_p99_ms']:g} ms, "
              f"to the worst learner {clean['heard_p99_ms'][-1]:.1f} -> {lossy['heard_p99_ms'][-1]:.1f} ms; longest freeze, median and worst: "
              f"{lossy['freeze_ms'][LEARNERS // 2]:.0f}, {lossy['freeze_ms'][-1]:.0f} ms", file=sys.stderr)
        self.assertLessEqual(more, 0.2)
        self.assertGreater(lossy["recovered"], 100 * LEARNERS)  # they do ask, and are answered
        self.assertLessEqual(lossy["trainer"]["key_frames_requested_within_2_s"], 2)
        self.assertLessEqual(lossy["voice_p99_ms"], clean["voice_p99_ms"] + 5)


if __name__ == "__main__":
    unittest.main()

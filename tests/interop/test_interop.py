"""Independent WebRTC programs publish by WHIP and receive by WHEP: pion and aiortc,
with AES-GCM and with AES-CM, and fifty receivers at once. None of them shares code with Amphi.

    python3 tests/interop/test_interop.py --build build/release
"""

import os
import shutil
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from support.peers import Peer, build_pion, python_peer  # noqa: E402
from support.stack import Stack, take_build_option  # noqa: E402

BUILD = take_build_option()


class Interop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pion_folder, cls.pion_program = build_pion()
        cls.stack = Stack(BUILD)

    @classmethod
    def tearDownClass(cls):
        codes = cls.stack.stop()
        shutil.rmtree(cls.pion_folder, ignore_errors=True)
        assert codes == [0, 0], codes

    def setUp(self):
        self.class_id = self.stack.new_class(self._testMethodName)
        self.trainer = self.stack.invite(self.class_id, "trainer", "Formatrice")["token"]
        self.learner = self.stack.invite(self.class_id, "learner", "Apprenant")["token"]
        self.whip = f"{self.stack.base_url}/whip/{self.class_id}"
        self.whep = f"{self.stack.base_url}/whep/{self.class_id}"

    def pion(self, action, token, seconds, profile="gcm", **more):
        options = [f"--{k}={v}" for k, v in more.items()]
        return Peer(self.pion_program, action, "--url", self.whip if action == "publish" else self.whep, "--token", token,
                    "--seconds", seconds, "--profile", profile, *options)

    def python_peer(self, program, action, token, seconds, *more):
        return python_peer(program, action, self.whip if action == "publish" else self.whep, token, seconds, *more)

    def check_pion_stream(self, result, what, min_packets):
        stream = result[what]
        self.assertGreaterEqual(stream["Packets"], min_packets, f"{what}: {stream}")
        self.assertEqual((stream["Lost"], stream["Duplicates"], stream["PayloadsBad"], stream["CounterMissing"]),
                         (0, 0, 0, 0), f"{what}: {stream}")

    def check_aiortc(self, report):
        self.assertGreater(report["loud_frames"], 150, report)
        self.assertAlmostEqual(report["hz"], 440, delta=15)
        self.assertGreater(report["video_frames"], 30, report)
        self.assertGreaterEqual(report["picture_ok"], report["video_frames"] * 0.95, report)
        self.assertEqual(report["delete_status"], 200)

    def test_pion_to_pion_with_gcm_and_cm_on_either_side(self):
        for sender, receiver in (("gcm", "gcm"), ("gcm", "cm"), ("cm", "gcm"), ("cm", "cm")):
            with self.subTest(sender=sender, receiver=receiver):
                publisher = self.pion("publish", self.trainer, 7, sender)
                publisher.wait_connected()
                report = self.pion("receive", self.learner, 4, receiver).report()
                self.assertEqual(report["errors"], [])
                self.check_pion_stream(report["receivers"][0], "audio", 150)
                self.check_pion_stream(report["receivers"][0], "video", 200)
                publisher.report()

    def test_fifty_receivers_get_every_packet_and_the_first_media_within_a_second(self):
        publisher = self.pion("publish", self.trainer, 16)
        publisher.wait_connected()
        time.sleep(1)
        report = self.pion("receive", self.learner, 12, count=50).report()
        self.assertEqual(report["errors"], [])
        self.assertEqual(len(report["receivers"]), 50)
        for result in report["receivers"]:
            self.check_pion_stream(result, "audio", 450)
            self.check_pion_stream(result, "video", 900)
            for what in ("audio", "video"):
                self.assertLess(result[what]["FirstMs"], 1000, result)
        sent = publisher.report()
        # Fifty joins must not become fifty key frames: at most one request a second reaches the publisher.
        self.assertLessEqual(sent["pli"], 18, sent)

    def test_who_takes_no_rtx_and_loses_one_packet_in_twenty_has_all_of_them_in_the_end(self):
        for profile in ("gcm", "cm"):
            with self.subTest(profile=profile):
                publisher = self.pion("publish", self.trainer, 12, profile)
                publisher.wait_connected()
                report = self.pion("receive", self.learner, 8, profile, loss=5).report()
                publisher.report()
                self.assertEqual(report["errors"], [])
                for what, least in (("audio", 350), ("video", 500)):
                    stream = report["receivers"][0][what]
                    self.assertGreater(stream["Packets"], least, stream)
                    self.assertGreater(stream["OutOfOrder"], least // 50, stream)  # came again
                    self.assertLess(stream["Lost"], least // 100, stream)          # the last ones are still asked for
                    self.assertEqual((stream["Duplicates"], stream["PayloadsBad"]), (0, 0), stream)

    def test_a_learner_s_stream_passes_only_with_the_floor(self):
        receiver = self.pion("receive", self.trainer, 10)
        publisher = self.pion("publish", self.learner, 9)
        publisher.wait_connected()
        time.sleep(3)
        name = "Apprenant"
        person = next(p for p in self.stack.participants(self.class_id) if p["name"].startswith(name) and p["role"] == "learner")
        before = self.stack.metrics()
        closed = [v for k, v in before.items() if "closed_slot" in k]
        self.assertTrue(closed and sum(closed) > 50, closed)
        asked = time.monotonic()
        self.stack.api("PUT", f"/classes/{self.class_id}/participants/{person['id']}/floor")
        given = time.monotonic()
        time.sleep(2)
        taken = time.monotonic()
        self.stack.api("DELETE", f"/classes/{self.class_id}/participants/{person['id']}/floor")
        told = time.monotonic()
        report = receiver.report()["receivers"][0]
        publisher.report()
        # A packet of voice every 20 ms of floor: none before, none after.
        self.assertGreater(report["audio"]["Packets"], 50 * (taken - given) - 20, report)
        self.assertLess(report["audio"]["Packets"], 50 * (told - asked) + 10, report)
        self.assertEqual(report["audio"]["CounterMissing"], 0, report)

    def test_aiortc_publishes_and_receives_with_cm(self):
        publisher = self.python_peer("peer_aiortc.py", "publish", self.trainer, 9, "--profile", "cm")
        publisher.wait_connected()
        self.check_aiortc(self.python_peer("peer_aiortc.py", "receive", self.learner, 5, "--profile", "cm").report())
        publisher.report()

    def test_aiortc_publishes_and_receives_with_gcm(self):
        publisher = self.python_peer("peer_aiortc.py", "publish", self.trainer, 9, "--profile", "gcm")
        publisher.wait_connected()
        self.check_aiortc(self.python_peer("peer_aiortc.py", "receive", self.learner, 5, "--profile", "gcm").report())
        publisher.report()

    def test_who_decodes_no_packet_longer_than_20_ms_hears_whoever_speaks_next(self):
        """aiortc's decoder ends at the first such packet."""
        learner = self.python_peer("peer_aiortc.py", "receive", self.learner, 12)
        learner.wait_connected()
        for _ in range(2):
            publisher = self.python_peer("peer_aiortc.py", "publish", self.trainer, 4)
            publisher.wait_connected()
            publisher.report()
        self.assertGreater(learner.report()["loud_frames"], 300)


if __name__ == "__main__":
    unittest.main()

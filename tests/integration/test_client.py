"""amphi-client as trainer and as learners: what is heard is what was sent, and two hundred learners lose nothing.

    python3 tests/integration/test_client.py --build build/release      (AMPHI_LONG=1: 60 s instead of 15)
"""

import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import wave

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from support.stack import Stack, relay_delays, relay_share_later, take_build_option, waited_s  # noqa: E402

BUILD = take_build_option()
SECONDS = 60 if os.environ.get("AMPHI_LONG") else 15


def make_wav(path):
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(b"".join(struct.pack("<h", int(12000 * math.sin(2 * math.pi * 440 * i / 16000))) for i in range(32000)))


def make_ivf(path):
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=15", "-t", "8", "-c:v",
                    "libvpx", "-b:v", "1500k", "-g", "60", "-deadline", "realtime", "-cpu-used", "8", path], check=True)


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="amphi-client-")
        cls.wav = os.path.join(cls.folder.name, "tone.wav")
        cls.ivf = os.path.join(cls.folder.name, "picture.ivf")
        make_wav(cls.wav)
        make_ivf(cls.ivf)
        cls.stack = Stack(BUILD)

    @classmethod
    def tearDownClass(cls):
        codes = cls.stack.stop()
        cls.folder.cleanup()
        assert codes == [0, 0], codes

    def setUp(self):
        self.class_id = self.stack.new_class(self._testMethodName)
        self.trainer = self.stack.invite(self.class_id, "trainer", "Formatrice")["url"]
        self.learner = self.stack.invite(self.class_id, "learner", "Apprenant")["url"]

    def start(self, url, seconds, *more):
        out = tempfile.NamedTemporaryFile(suffix=".json", dir=self.folder.name, delete=False).name
        process = subprocess.Popen([os.path.join(BUILD, "bin", "amphi-client"), "--url", url, "--seconds", str(seconds), "--out", out,
                                    *map(str, more)], stderr=subprocess.PIPE, text=True)

        def finish():
            error = process.communicate(timeout=seconds + 60)[1]
            self.assertEqual(process.returncode, 0, error)
            with open(out, encoding="utf-8") as file:
                return json.load(file)
        finish.pid = process.pid
        return finish

    def relay_memory_kb(self):
        with open(f"/proc/{self.stack.relay.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def test_three_learners_hear_the_tone_and_see_every_frame(self):
        trainer = self.start(self.trainer, 9, "--wav", self.wav, "--ivf", self.ivf)
        time.sleep(1.5)
        report = self.start(self.learner, 5, "--learners", 3)()
        trainer()
        for person in report["participants"]:
            voice = person["voices"][0]
            self.assertAlmostEqual(voice["pitch_hz"], 440, delta=5)
            self.assertGreater(voice["loud"], 200)
            self.assertEqual((voice["missing"], voice["concealed"], voice["undecodable"]), (0, 0, 0), voice)
            self.assertGreater(person["screen"]["frames"], 60, person["screen"])
            self.assertEqual((person["screen"]["missing"], person["screen"]["freezes"]), (0, 0), person["screen"])
            self.assertLess(person["first_voice_ms"], 1000)
            self.assertLess(person["first_frame_ms"], 1000)

    def test_two_hundred_learners_lose_nothing_and_memory_stands_still(self):
        trainer = self.start(self.trainer, SECONDS + 14, "--wav", self.wav, "--ivf", self.ivf)
        time.sleep(1.5)
        learners = self.start(self.learner, SECONDS, "--learners", 200)
        # The retransmit cache of a screen takes 3 MB in each shard, touched as packets come.
        time.sleep(SECONDS / 2 + 2.5)
        waited, learners_waited = waited_s(self.stack.relay.pid, "shard-"), waited_s(learners.pid)
        time.sleep(2.5)  # what the relay tells of itself is up to two seconds old
        early, before, began = self.relay_memory_kb(), self.stack.metrics(), time.monotonic()
        time.sleep(SECONDS / 2 - 3)
        late, after = self.relay_memory_kb(), self.stack.metrics()
        counted = {name: value - before.get(name, 0) for name, value in after.items()}
        added = relay_delays(counted)
        waited_share = (waited_s(self.stack.relay.pid, "shard-") - waited) / (time.monotonic() - began)
        learners_waited_share = (waited_s(learners.pid) - learners_waited) / (time.monotonic() - began)
        report = learners()["all"]
        trainer()
        print(f"\n# {report['packets']} packets, {report['missing']} missing, delay {report['delay_ms']}, in the relay {added}, its shards waited {waited_share:.1%}, the learners {learners_waited_share:.1%}, memory {early} to {late} kB")
        self.assertEqual((report["connected"], report["with_voice"], report["with_screen"]), (200, 200, 200))
        self.assertEqual((report["missing"], report["duplicates"], report["concealed"]), (0, 0, 0), report)
        self.assertLess(late, early * 1.02 if os.environ.get("AMPHI_LONG") else early + 7000)
        # One packet in a hundred may be in the relay for more than 10 ms. Where others have its cores (the long form is for a machine
        # that does nothing else) it may be more, but not by more than the kernel says that a shard stood ready and was not let run:
        # what arrives in such a time waits for its end, and as long again may pass until what has gathered is sent.
        allowed = 0.01 + (0 if os.environ.get("AMPHI_LONG") else 2 * waited_share)
        later = {kind: relay_share_later(counted, kind, 10) for kind in ("voice", "video")}
        for kind, share in later.items():
            self.assertLess(share, allowed, f"{kind}: {later}, {added}, the shards waited {waited_share:.1%} of the time")
        # The learners decode on the same two cores as the relay; what is theirs is in this figure too.
        self.assertLess(report["delay_ms"]["p50"], 10)
        self.assertLess(report["delay_ms"]["p99"], 60)

    def test_each_srtp_back_end_carries_a_class(self):
        for backend in ("ipsec-mb", "openssl", "libsrtp"):
            said = subprocess.run([os.path.join(BUILD, "bin", "amphi-relay"), "--srtp", backend, "--bind", "nowhere"], capture_output=True,
                                  text=True, check=False).stderr
            if "srtp:" in said:
                print(f"\n# this machine has no {backend}: {said.strip()}")
                continue
            with self.subTest(backend=backend):
                stack = Stack(BUILD, relay_options=("--srtp", backend))
                try:
                    class_id = stack.new_class(backend)
                    trainer = self.start(stack.invite(class_id, "trainer", "T")["url"], 6, "--wav", self.wav, "--ivf", self.ivf)
                    time.sleep(1)
                    report = self.start(stack.invite(class_id, "learner", "L")["url"], 3, "--learners", 4)()["all"]
                    trainer()
                finally:
                    codes = stack.stop()
                self.assertEqual(codes, [0, 0])
                self.assertEqual((report["connected"], report["with_voice"], report["with_screen"]), (4, 4, 4))
                self.assertEqual((report["missing"], report["duplicates"]), (0, 0), report)

    def test_bad_options_are_named(self):
        for options, said in ((["--url", "nonsense"], "--url"), (["--learners", "0", "--url", self.learner], "--learners"),
                              (["--nonsense"], "unknown option"), (["--url", self.learner, "--ivf", "/nowhere"], "--ivf")):
            done = subprocess.run([os.path.join(BUILD, "bin", "amphi-client"), *options], capture_output=True, text=True, timeout=10,
                                  check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()

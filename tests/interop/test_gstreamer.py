"""GStreamer's webrtcbin publishes by WHIP and receives by WHEP, alone and together with aiortc.

libnice refuses loopback (and interfaces called veth), so that the test runs in a network namespace of its own, with an address that no other
machine has. Needs root for that.

    python3 tests/interop/test_gstreamer.py --build build/release
"""

import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from support.peers import python_peer  # noqa: E402
from support.stack import Stack, take_build_option  # noqa: E402

BUILD = take_build_option()
ADDRESS = "10.77.0.1"


def enter_namespace():
    """Runs this program again in an empty network namespace, and gives that an address."""
    if os.environ.get("AMPHI_IN_NAMESPACE"):
        for command in ("ip link set lo up", "ip link add lan0 type veth peer name lan1", "ip link set lan0 up",
                        "ip link set lan1 up", f"ip addr add {ADDRESS}/24 dev lan0", f"ip route add default via {ADDRESS}"):
            subprocess.run(command.split(), check=True)
        return True
    if os.geteuid() != 0:
        return False
    os.execvpe("unshare", ["unshare", "--net", sys.executable, *sys.argv, "--build", BUILD], dict(os.environ, AMPHI_IN_NAMESPACE="1"))


@unittest.skipUnless(os.environ.get("AMPHI_IN_NAMESPACE"), "needs root for a network namespace")
class GStreamer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(BUILD, address=ADDRESS)

    @classmethod
    def tearDownClass(cls):
        codes = cls.stack.stop()
        assert codes == [0, 0], codes

    def setUp(self):
        self.class_id = self.stack.new_class(self._testMethodName)
        self.trainer = self.stack.invite(self.class_id, "trainer", "Formatrice")["token"]
        self.learner = self.stack.invite(self.class_id, "learner", "Apprenant")["token"]

    def peer(self, program, action, token, seconds, *more):
        what = "whip" if action == "publish" else "whep"
        return python_peer(program, action, f"{self.stack.base_url}/{what}/{self.class_id}", token, seconds, *more)

    def check_gstreamer(self, report):
        self.assertGreater(report["loud"], 150, report)
        self.assertGreater(report["video_frames"], 30, report)
        self.assertEqual(report["size"], [320, 240])

    def test_gstreamer_publishes_and_receives_with_cm(self):
        publisher = self.peer("peer_gstreamer.py", "publish", self.trainer, 9)
        publisher.wait_connected()
        self.check_gstreamer(self.peer("peer_gstreamer.py", "receive", self.learner, 5).report())
        publisher.report()

    @unittest.skip("Debian's GStreamer 1.22 offers AES-CM alone in its DTLS handshake")
    def test_gstreamer_with_gcm(self):
        pass

    def test_gstreamer_to_aiortc_and_aiortc_to_gstreamer(self):
        publisher = self.peer("peer_gstreamer.py", "publish", self.trainer, 9)
        publisher.wait_connected()
        report = self.peer("peer_aiortc.py", "receive", self.learner, 5, "--profile", "gcm").report()
        self.assertAlmostEqual(report["hz"], 440, delta=15)
        self.assertGreater(report["video_frames"], 30, report)
        publisher.report()
        publisher = self.peer("peer_aiortc.py", "publish", self.trainer, 9, "--profile", "gcm")
        publisher.wait_connected()
        self.check_gstreamer(self.peer("peer_gstreamer.py", "receive", self.learner, 5).report())
        publisher.report()


if __name__ == "__main__":
    enter_namespace()
    unittest.main()

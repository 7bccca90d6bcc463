"""What signaling makes of its relay's link when it was away itself.

    python3 tests/integration/test_relay_link.py --build build/asan
"""

import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_relay import FakeRelay  # noqa: E402
from signaling_server import BUILD, SignalingServer  # noqa: E402

DEAD_AFTER_S = 4  # CONTROL_DEAD_AFTER_US


class RelayLink(unittest.TestCase):
    def setUp(self):
        self.server = SignalingServer(BUILD)
        self.relay = FakeRelay(os.path.join(self.server.data, "relay.sock"))
        self.wait_for("relay_synced")

    def tearDown(self):
        self.assertEqual(self.server.stop(), 0)
        self.relay.process.kill()

    def wait_for(self, words):
        deadline = time.monotonic() + 10
        while words not in self.server.log():
            self.assertLess(time.monotonic(), deadline, self.server.log())
            time.sleep(0.05)

    def test_a_relay_that_spoke_while_signaling_stood_still_was_not_silent(self):
        self.relay.start()  # says something each second
        time.sleep(1.5)
        os.kill(self.server.process.pid, signal.SIGSTOP)
        time.sleep(DEAD_AFTER_S + 2)
        os.kill(self.server.process.pid, signal.SIGCONT)
        time.sleep(1.5)
        self.assertNotIn("relay_link_closed", self.server.log())

    def test_a_relay_that_says_nothing_is_given_up(self):
        os.kill(self.relay.process.pid, signal.SIGSTOP)
        self.wait_for("relay_link_closed relay=0 reason=silence")


if __name__ == "__main__":
    unittest.main()

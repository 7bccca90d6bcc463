"""What WHIP and WHEP clients are told besides the answer: where else their media can go through.

    python3 tests/integration/test_whip.py
"""

import base64
import hashlib
import hmac
import os
import re
import tempfile
import time
import unittest

from fake_relay import FakeRelay
from signaling_server import BUILD, ROOT, SignalingServer

SECRET = "a-secret-that-coturn-knows-as-well"
URLS = ["turns:classe.example.org:443?transport=tcp", "turn:[2001:db8::1]:3478?transport=udp"]
LINK = re.compile(r'<([^<>]+)>; rel="ice-server"; username="([^"]+)"; credential="([^"]+)"; credential-type="password"')
with open(os.path.join(ROOT, "tests", "support", "offers", "chromium_page.sdp"), encoding="ascii", newline="") as page_offer:
    OFFER = page_offer.read()


class Ways(unittest.TestCase):
    def begin(self, *options):
        self.server = SignalingServer(BUILD, *options)
        _, made = self.server.api("POST", "/classes", {"title": "Ways"})
        self.class_id = made["class_id"]
        self.relay = FakeRelay(os.path.join(self.server.data, "relay.sock"))

    def tearDown(self):
        self.relay.stop()
        self.assertEqual(self.server.stop(), 0)

    def begin_with_turn(self):
        folder = tempfile.TemporaryDirectory(prefix="amphi-secret-")
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "secret")
        with open(path, "w", encoding="ascii") as secret:
            secret.write(SECRET + "\n")
        os.chmod(path, 0o600)
        self.begin(*(word for url in URLS for word in ("--turn-url", url)), "--turn-secret-file", path)

    def invite(self, role):
        return self.server.api("POST", f"/classes/{self.class_id}/invites", {"role": role, "name": "x"})[1]["token"]

    def post(self, kind, role):
        """The 201's headers; the relay may still be on its way to signaling."""
        token, deadline = self.invite(role), time.monotonic() + 10
        while True:
            status, headers, body = self.server.request("POST", f"/{kind}/{self.class_id}", OFFER, {
                "Content-Type": "application/sdp", "Authorization": f"Bearer {token}"})
            if status != 503 or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        self.assertEqual(status, 201, body)
        return headers

    def test_whip_and_whep_answers_carry_turn_credentials_that_expire(self):
        self.begin_with_turn()
        for kind, role in (("whip", "trainer"), ("whep", "learner")):
            headers = self.post(kind, role)
            links = headers.get_all("Link")
            self.assertEqual(len(links), len(URLS), links)
            users = set()
            for url, link in zip(URLS, links):
                found = LINK.fullmatch(link)
                self.assertIsNotNone(found, link)
                told, username, password = found.groups()
                self.assertEqual(told, url)
                users.add((username, password))
                good = base64.b64encode(hmac.new(SECRET.encode(), username.encode(), hashlib.sha1).digest()).decode()
                self.assertEqual(password, good)
                self.assertAlmostEqual(int(username.split(":")[0]), time.time() + 12 * 3600, delta=30)
            self.assertEqual(len(users), 1)

    def test_a_server_without_turn_says_nothing_of_it(self):
        self.begin()
        headers = self.post("whep", "learner")
        self.assertIsNone(headers.get_all("Link"))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Events on their way to an integrator: a receiver that fails, is slow, goes away; signaling that is killed. Chat, a poll
and the log of events over real sockets, on a server without any relay: what people write needs no media."""

import hashlib
import hmac
import http.server
import json
import os
import threading
import time
import unittest
from unittest import mock

from signaling_server import BUILD, SignalingServer, WebSocket

SECRET = "tests' own secret"


class Receiver:
    """Answers as `plan` says, one entry a request (a status, or ("slow", seconds)), then always 200."""

    def __init__(self, plan=()):
        self.plan, self.taken, self.problems, self.attempts, self.paths = list(plan), [], [], 0, []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.attempts += 1
                receiver.paths.append(self.path)
                problem = check_signature(self.headers["Amphi-Signature"], body)
                if problem or self.headers["Content-Type"] != "application/json":
                    receiver.problems.append(problem or "content type")
                step = receiver.plan.pop(0) if receiver.plan else 200
                if isinstance(step, tuple):
                    time.sleep(step[1])
                    step = 200
                if 200 <= step < 300:
                    receiver.taken.append(json.loads(body))
                self.send_response(step)
                if step == 302:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, count, seconds=20):
        deadline = time.monotonic() + seconds
        while len(self.taken) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.taken

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def check_signature(header, body):
    fields = dict(part.split("=", 1) for part in (header or "").split(",") if "=" in part)
    if not {"t", "v1"} <= set(fields):
        return f"header {header}"
    expected = hmac.new(SECRET.encode(), fields["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, fields["v1"]):
        return "signature"
    return None if abs(int(fields["t"]) - time.time()) < 60 else "time"


class Webhook(unittest.TestCase):
    def setUp(self):
        self.server = SignalingServer(BUILD)
        self.addCleanup(self.stop)

    def stop(self):
        code = self.server.stop()
        self.assertEqual(code, 0, self.server.last_log[-3000:])

    def receive(self, plan=()):
        receiver = Receiver(plan)
        self.addCleanup(receiver.close)
        status, told = self.server.api("PUT", "/webhook", {"url": receiver.url, "secret": SECRET})
        self.assertEqual(status, 200, told)
        return receiver

    def make_class(self):
        return self.server.api("POST", "/classes", {"title": "Essai"})[1]["class_id"]

    def join(self, class_id, role="learner"):
        invite = self.server.api("POST", f"/classes/{class_id}/invites", {"role": role})[1]
        client = WebSocket(self.server)
        self.addCleanup(client.close)
        client.send_json({"type": "hello", "id": 1, "version": 1, "token": invite["token"], "lang": "fr"})
        self.assertEqual(client.receive_answer()["type"], "welcome")
        return client

    def ask(self, client, number, **message):
        client.send_json({"id": number, **message})
        while True:
            answer = client.receive_answer()
            if answer.get("to") == number:
                return answer

    def test_events_arrive_in_order_and_once_though_the_receiver_fails_and_is_slow(self):
        receiver = self.receive([500, ("slow", 0.5), 302, 200])
        class_id = self.make_class()
        for _ in range(4):
            self.join(class_id)
        taken = receiver.wait_for(5)
        self.assertEqual([e["seq"] for e in taken], [1, 2, 3, 4, 5])
        self.assertEqual([e["type"] for e in taken], ["class_started"] + ["joined"] * 4)
        self.assertEqual(receiver.problems, [])
        self.assertEqual(receiver.attempts, 7, "one 500, one redirect that is not followed, five taken")
        status, log = self.server.api("GET", "/events?after=0")
        self.assertEqual((status, log["events"]), (200, taken))
        self.assertEqual(log["last"], 5)

    def test_the_server_answers_while_a_receiver_is_slow(self):
        self.receive([("slow", 3)])
        class_id = self.make_class()
        client = self.join(class_id)
        started = time.monotonic()
        self.assertEqual(self.ask(client, 5, type="ping")["type"], "ok")
        self.assertLess(time.monotonic() - started, 1)

    def test_after_kill_9_nothing_is_missing_and_the_order_is_kept(self):
        receiver = self.receive([503] * 3)
        class_id = self.make_class()
        for _ in range(3):
            self.join(class_id)
        while receiver.attempts < 1:
            time.sleep(0.02)
        self.server.process.kill()
        self.server.process.wait()
        self.server.start()
        self.join(class_id)
        taken = receiver.wait_for(5)
        self.assertEqual([e["seq"] for e in taken], [1, 2, 3, 4, 5])
        self.assertEqual(receiver.problems, [])

    def test_a_receiver_that_is_not_there_gets_everything_once_it_is(self):
        receiver = Receiver()
        receiver.close()
        self.assertEqual(self.server.api("PUT", "/webhook", {"url": receiver.url, "secret": SECRET})[0], 200)
        self.join(self.make_class())
        deadline = time.monotonic() + 10
        while self.server.api("GET", "/webhook")[1]["failed_attempts"] < 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertGreaterEqual(self.server.api("GET", "/webhook")[1]["failed_attempts"], 1)
        self.assertEqual(self.server.api("DELETE", "/webhook")[0], 204)
        self.assertEqual(self.server.api("GET", "/webhook")[0], 404)

    def restart(self, *options, environment=()):
        self.server.process.terminate()
        self.assertEqual(self.server.process.wait(10), 0)
        self.server.command += options
        with mock.patch.dict(os.environ, dict(environment)):
            self.server.start()

    def test_the_environments_proxies_are_not_asked_and_the_configured_one_takes_all(self):
        nowhere = "http://127.0.0.1:1"
        environment = {name: nowhere for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY")}
        self.restart(environment=environment)
        receiver = self.receive()
        self.join(self.make_class())
        self.assertEqual([e["seq"] for e in receiver.wait_for(2)], [1, 2])
        proxy = Receiver()
        self.addCleanup(proxy.close)
        self.restart("--webhook-proxy", proxy.url.removesuffix("/hook"), environment={"no_proxy": "*"})
        self.assertEqual(self.server.api("PUT", "/webhook", {"url": "http://receiver.invalid/hook", "secret": SECRET})[0], 200)
        self.join(self.make_class())
        self.assertEqual([e["seq"] for e in proxy.wait_for(2)], [3, 4])
        self.assertEqual(proxy.paths, ["http://receiver.invalid/hook"] * 2)

    def test_public_only_holds_for_what_a_name_leads_to(self):
        self.restart("--webhook-public-only")
        receiver = self.receive()
        self.join(self.make_class())
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            url = receiver.url.replace("127.0.0.1", host)
            self.assertEqual(self.server.api("PUT", "/webhook", {"url": url, "secret": SECRET})[0], 200)
            self.make_class()
            self.join(self.make_class())
            deadline = time.monotonic() + 10
            while self.server.api("GET", "/webhook")[1]["failed_attempts"] < 1:
                self.assertLess(time.monotonic(), deadline, host)
                time.sleep(0.05)
        self.assertEqual((receiver.attempts, receiver.taken), (0, []))
        self.assertIn("webhook_refused", self.server.log())

    def test_chat_and_a_poll_without_any_media_survive_kill_9(self):
        class_id = self.make_class()
        trainer, learner = self.join(class_id, "trainer"), self.join(class_id)
        self.assertEqual(self.ask(learner, 2, type="chat_send", text="<b>Bonjour</b> 👋", question=True)["type"], "ok")
        poll = self.ask(trainer, 2, type="poll_start", kind="single", question="?", options=["a", "b"], correct=[1])["poll"]
        self.assertEqual(self.ask(learner, 3, type="poll_answer", poll=poll, choices=[1])["type"], "ok")
        self.server.process.kill()
        self.server.process.wait()
        self.server.start()
        trainer, late = self.join(class_id, "trainer"), self.join(class_id)
        history = self.ask(late, 2, type="chat_history")
        self.assertEqual([m["text"] for m in history["messages"]], ["<b>Bonjour</b> 👋"])
        self.assertEqual(self.ask(trainer, 2, type="poll_close", poll=poll)["type"], "ok")
        closed = [e for e in self.server.api("GET", "/events")[1]["events"] if e["type"] == "poll_closed"]
        self.assertEqual([(e["data"]["answered"], e["data"]["counts"]) for e in closed], [(1, [0, 1])])


if __name__ == "__main__":
    unittest.main()

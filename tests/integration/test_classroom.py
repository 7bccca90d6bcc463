#!/usr/bin/env python3
"""The classroom over real sockets: the lobby, kick, ban, personal links, what outlives a kill; and with a relay, that a break
closes every slot to the packet and its end opens them."""

import json
import math
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import wave

from signaling_server import BUILD, SignalingServer, WebSocket

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support.stack import Stack  # noqa: E402



class Page:
    """A WebSocket that numbers its requests and keeps the events that came in between."""

    def __init__(self, server, hello):
        self.socket = WebSocket(server)
        self.socket.socket.settimeout(10)
        self.events, self.next_id = [], 1
        self.first = self.ask("hello", version=1, **hello)
        self.resume = self.first.get("resume_token")
        self.id = self.first.get("participant", {}).get("id")

    def _next(self):
        message = self.socket.receive_json()
        self.events.append(message)
        return message

    def ask(self, kind, **fields):
        number, self.next_id = self.next_id, self.next_id + 1
        self.socket.send_json({"type": kind, "id": number, **fields})
        while True:
            message = self._next()
            if message.get("to") == number:
                return message

    def wait_for(self, kind, where=lambda message: True):
        for message in self.events:
            if message["type"] == kind and where(message):
                return message
        while True:
            message = self._next()
            if message["type"] == kind and where(message):
                return message

    def close(self):
        self.socket.close()


class Door(unittest.TestCase):
    def setUp(self):
        self.server = SignalingServer(BUILD)
        self.class_id = self.server.api("POST", "/classes", {"title": "Soudure"})[1]["class_id"]
        self.trainer = self.open("trainer", "Mme Petit")
        self.link = self.invite("learner", "")

    def tearDown(self):
        self.assertEqual(self.server.stop(), 0, getattr(self.server, "last_log", "")[-2000:])

    def invite(self, role, name="", **more):
        return self.server.api("POST", f"/classes/{self.class_id}/invites", {"role": role, "name": name, **more})[1]["token"]

    def page(self, **hello):
        page = Page(self.server, hello)
        self.addCleanup(page.close)
        return page

    def open(self, role, name=""):
        return self.page(token=self.invite(role, name))

    def test_a_stranger_waits_is_admitted_and_another_is_sent_away(self):
        self.assertEqual(self.trainer.ask("lobby_set", on=True)["type"], "ok")
        zoe, max_ = self.page(token=self.link, name="Zoé"), self.page(token=self.link, name="Max")
        self.assertEqual((zoe.first["type"], zoe.first["name"], zoe.first["class"]["title"]), ("waiting", "Zoé", "Soudure"))
        self.assertEqual(zoe.ask("hand", raised=True)["code"], "not_authenticated")
        self.assertEqual(zoe.ask("ping")["type"], "ok")
        lobby = self.trainer.wait_for("lobby", lambda m: m["count"] == 2)
        self.assertEqual([w["name"] for w in lobby["waiting"]], ["Zoé", "Max"])
        self.assertEqual(self.open("learner", "Karim").first["type"], "welcome")
        self.trainer.ask("lobby_admit", waiting=lobby["waiting"][0]["id"])
        welcome = zoe.wait_for("welcome")
        self.assertEqual((welcome["to"], welcome["participant"]["name"]), (1, "Zoé"))
        self.assertEqual(zoe.ask("hand", raised=True)["type"], "ok")
        self.trainer.ask("lobby_refuse", waiting=lobby["waiting"][1]["id"])
        self.assertEqual(max_.wait_for("goodbye")["code"], "not_now")
        self.assertEqual(max_.socket.close_code(), 4005)

    def test_who_is_kicked_comes_back_through_the_lobby_and_who_is_banned_does_not(self):
        zoe, max_ = self.page(token=self.link, name="Zoé"), self.page(token=self.link, name="Max")
        self.assertEqual(zoe.ask("kick", participant=max_.id)["code"], "not_allowed")
        self.trainer.ask("kick", participant=zoe.id)
        self.assertEqual(zoe.wait_for("goodbye")["code"], "removed")
        self.assertEqual(zoe.socket.close_code(), 4004)
        self.assertEqual(self.page(resume=zoe.resume).first["code"], "invalid_token")
        again = self.page(token=self.link, name="Zoé")
        self.assertEqual(again.first["type"], "waiting")
        self.trainer.ask("lobby_admit", waiting=again.first["id"])
        again.wait_for("welcome")
        self.trainer.ask("ban", participant=max_.id, reason="Insultes")
        self.assertEqual(max_.wait_for("goodbye")["reason"], "Insultes")
        self.assertEqual(max_.socket.close_code(), 4006)
        self.assertEqual(self.page(token=self.link, name="Max").first["code"], "banned")

    def test_a_locked_class_lets_in_who_resumes_only(self):
        karim = self.open("learner", "Karim")
        self.trainer.ask("lock", on=True)
        karim.wait_for("class", lambda m: m["class"]["locked"])
        self.assertEqual(self.open("learner", "Léa").first["code"], "class_locked")
        karim.close()
        self.assertEqual(self.page(resume=karim.resume).first["participant"]["id"], karim.id)

    def test_an_inspector_is_on_record(self):
        inspector = self.open("inspector", "Mme Contrôle")
        self.assertEqual(inspector.ask("mic", on=True)["code"], "not_allowed")
        inspector.ask("leave")
        self.assertRegex(self.server.log(), f"inspector_joined.*participant={inspector.id}")
        self.assertRegex(self.server.log(), f"inspector_left.*participant={inspector.id}")

    def test_the_newest_page_of_a_personal_link_takes_over(self):
        link = self.invite("learner", "Aïcha", personal=True)
        first = self.page(token=link)
        first.ask("hand", raised=True)
        second = self.page(token=link)
        self.assertEqual((second.id, second.first["resumed"], second.first["media"]), (first.id, False, "none"))
        self.assertEqual(second.first["state"]["queue"]["position"], 1)
        self.assertEqual(first.wait_for("goodbye")["code"], "taken_over")
        self.assertEqual(first.socket.close_code(), 4001)

    def test_everything_outlives_a_kill(self):
        people = [self.page(token=self.link, name=name) for name in ("A", "B", "C")]
        self.trainer.ask("mode_set", mode="discussion")
        self.trainer.ask("mute", participant=people[0].id)
        people[2].ask("hand", raised=True)
        people[1].ask("hand", raised=True)
        self.trainer.ask("kick", participant=people[0].id)
        self.trainer.ask("lobby_set", on=True)
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        self.server.start()
        trainer = self.page(resume=self.trainer.resume)
        state = trainer.first["state"]
        self.assertEqual([w["id"] for w in state["queue"]["queue"]], [people[2].id, people[1].id])
        self.assertEqual((state["class"]["mode"], state["class"]["lobby"], state["class"]["lead"]), ("discussion", True, trainer.id))
        self.assertEqual(self.page(token=self.link, name="A").first["type"], "waiting")
        back = self.page(resume=people[1].resume)
        self.assertEqual((back.first["state"]["queue"]["position"], back.first["state"]["rights"]["send"]), (2, ["mic"]))
        trainer.ask("lobby_set", on=False)
        self.page(resume=people[2].resume)
        self.assertEqual(trainer.ask("floor_next")["participant"], people[2].id)


class Modes(unittest.TestCase):
    def setUp(self):
        self.stack = Stack(BUILD, shards=1)
        self.folder = tempfile.TemporaryDirectory(prefix="amphi-classroom-")
        self.wav = os.path.join(self.folder.name, "tone.wav")
        with wave.open(self.wav, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16000)
            file.writeframes(b"".join(struct.pack("<h", int(12000 * math.sin(2 * math.pi * 440 * i / 16000))) for i in range(32000)))

    def tearDown(self):
        self.assertEqual(self.stack.stop(), [0, 0])
        self.folder.cleanup()

    def client(self, url, seconds, *more):
        out = os.path.join(self.folder.name, f"{len(os.listdir(self.folder.name))}.json")
        process = subprocess.Popen([os.path.join(BUILD, "bin", "amphi-client"), "--url", url, "--seconds", str(seconds), "--out", out,
                                    *more], stderr=subprocess.PIPE, text=True)

        def finish():
            error = process.communicate(timeout=seconds + 60)[1]
            self.assertEqual(process.returncode, 0, error)
            with open(out, encoding="utf-8") as file:
                return json.load(file)
        return finish

    def closed_slot(self):
        return sum(value for name, value in self.stack.metrics().items() if "closed_slot" in name)

    def mode(self, class_id, mode):
        self.stack.api("PUT", f"/classes/{class_id}/mode", {"mode": mode})

    def test_in_a_break_the_relay_drops_the_trainers_voice_and_forwards_it_again_afterwards(self):
        class_id = self.stack.new_class("Pause")
        trainer = self.client(self.stack.invite(class_id, "trainer", "T")["url"], 16, "--wav", self.wav)
        time.sleep(2)
        listener = self.stack.invite(class_id, "learner", "L")["url"]
        heard = self.client(listener, 2)()["participants"][0]["voices"][0]
        self.assertGreater(heard["loud"], 50)
        self.mode(class_id, "break")
        time.sleep(2.5)
        before = self.closed_slot()
        silent = self.client(listener, 2)()["participants"][0]["voices"]
        time.sleep(2.5)
        self.assertGreater(self.closed_slot(), before, "the relay drops what a closed slot sends")
        self.assertEqual(sum(voice.get("loud", 0) for voice in silent), 0, silent)
        self.mode(class_id, "lecture")
        heard = self.client(listener, 2)()["participants"][0]["voices"][0]
        self.assertGreater(heard["loud"], 50)
        trainer()


if __name__ == "__main__":
    unittest.main(verbosity=1)

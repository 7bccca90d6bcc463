"""What clients send that no browser sends: every codec alone, no feedback at all, high numbers of header extensions, streams that wrap,
change their SSRC, stop and come back.

    python3 tests/interop/test_odd_peers.py --build build/release
"""

import asyncio
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
sys.path.insert(0, HERE)
from raw_peer import LEVEL, MID, TRANSPORT_CC, RawPeer, audio, bye, elements, empty_report, media, rtp, vp8  # noqa: E402
from support.stack import Stack, take_build_option  # noqa: E402

BUILD = take_build_option()
KEY_FRAME = {  # a key frame's packet; one of another picture
    "VP8": (bytes.fromhex("10" "9001009d012a40010001"), bytes.fromhex("10" "91010000")),
    "VP9": (bytes.fromhex("8c" "8000" "82494342"), bytes.fromhex("cc" "8001" "86000000")),
    "H264": (bytes.fromhex("78" "0008" "6742c01fda014016" "0004" "68ce3c80" "0005" "6588843a00"), bytes.fromhex("419a2430")),
}


def voice(number):
    """Opus of 20 ms as the relay sees it: a TOC byte and something that tells packets apart."""
    return b"\x78" + number.to_bytes(4, "big") + b"voice" * 8


class OddPeers(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(BUILD)

    @classmethod
    def tearDownClass(cls):
        codes = cls.stack.stop()
        assert codes == [0, 0], codes

    def setUp(self):
        self.peers = []
        self.class_id = self.stack.new_class(self._testMethodName)
        self.trainer = self.stack.invite(self.class_id, "trainer", "Formatrice")["token"]
        self.learner = self.stack.invite(self.class_id, "learner", "Apprenant")["token"]

    async def asyncTearDown(self):
        for peer in self.peers:
            await peer.leave()

    def peer(self, setup="actpass"):
        self.peers.append(RawPeer(setup))
        return self.peers[-1]

    async def join(self, door, token, sections, setup, **more):
        try:
            return await self.peer(setup).join(f"{self.stack.base_url}/{door}/{self.class_id}", token, sections, **more)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.stack.log('signaling')[-1500:]}\n{self.stack.log('relay')[-1500:]}") from error

    async def publisher(self, *sections, setup="actpass", **more):
        return await self.join("whip", self.trainer, sections, setup, **more)

    async def receiver(self, *sections, setup="actpass", **more):
        peer = await self.join("whep", self.learner, sections, setup, **more)
        await asyncio.sleep(0.2)
        return peer

    async def say(self, peer, count, first=1, seq=1000, timestamp=0, ssrc=0x1111, **more):
        for i in range(count):
            await peer.send(rtp(111, seq + i, timestamp + i * 960, ssrc, voice(first + i), **more))
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)

    def heard(self, peer):
        return [int.from_bytes(p["payload"][1:5], "big") for p in peer.packets if p["payload"][5:] == b"voice" * 8]

    def check_even(self, peer, missing=0):
        """One stream without a gap or a step back, whatever the publisher did."""
        seqs = [p["seq"] for p in peer.packets]
        self.assertEqual([(b - a) & 0xffff for a, b in zip(seqs, seqs[1:])], [1] * (len(seqs) - 1))
        times = [p["timestamp"] for p in peer.packets]
        self.assertTrue(all(0 < (b - a) & 0xffffffff < 48000 * 10 for a, b in zip(times, times[1:])), times)

    # --- SDP

    async def test_lines_may_come_in_any_order_with_any_payload_type_and_any_line_end(self):
        for newline in ("\r\n", "\n"):
            receiver = await self.receiver(vp8("v", "recvonly", payload_type=35), audio("a", "recvonly", payload_type=127), newline=newline)
            publisher = await self.publisher(vp8("7", "sendonly", payload_type=63), audio("zz", "sendonly", payload_type=34), newline=newline)
            for i in range(20):
                await publisher.send(rtp(34, i, i * 960, 0x1111, voice(i)))
                await publisher.send(rtp(63, i, i * 3000, 0x2222, KEY_FRAME["VP8"][i > 0], marker=True))
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            self.assertEqual({p["pt"] for p in receiver.packets}, {35, 127})
            self.assertGreaterEqual(len(self.heard(receiver)), 19)
            self.assertGreaterEqual(sum(p["pt"] == 35 for p in receiver.packets), 20)
            await publisher.leave()
            await receiver.leave()
            self.peers.clear()

    async def test_the_dtls_role_is_the_client_s_choice(self):
        for setup in ("active", "passive"):
            receiver = await self.receiver(audio("0", "recvonly"), setup=setup)
            publisher = await self.publisher(audio("0", "sendonly"), setup=setup)
            await self.say(publisher, 20)
            self.assertEqual(self.heard(receiver), list(range(1, 21)), setup)
            await publisher.leave()
            await receiver.leave()
            self.peers.clear()

    async def test_what_cannot_be_served_is_refused_in_words(self):
        for status, words, sections, more in (
                (400, "ICE-lite", [audio("0", "sendonly")], {"session": ["a=ice-lite"]}),
                (400, "BUNDLE", [audio("0", "sendonly"), vp8("1", "sendonly")], {"bundle": False}),
                (406, "no media format", [media("audio", "0", [0], "sendonly", "a=rtpmap:0 PCMU/8000")], {}),
                (413, "64 KiB", [audio("0", "sendonly", *[f"a=x-something:{'x' * 240}"] * 280)], {})):
            peer = self.peer()
            self.assertEqual(await peer.post(f"{self.stack.base_url}/whip/{self.class_id}", self.trainer, sections, **more), status, words)
            self.assertIn(words, peer.answer)

    async def test_a_large_offer_is_read_whole(self):
        extra = [f"a=x-something:{'x' * 240}"] * 100 + [f"a=rtpmap:{n} nothing/90000" for n in range(96, 128)]
        receiver = await self.receiver(audio("0", "recvonly"))
        publisher = await self.publisher(audio("0", "sendonly", *extra[:-17]), vp8("1", "sendonly", *extra[:100]))
        await self.say(publisher, 20)
        self.assertEqual(self.heard(receiver), list(range(1, 21)))

    async def test_candidates_may_come_late_or_never(self):
        receiver = await self.receiver(audio("0", "recvonly"), candidates=False)
        ufrag = receiver.gatherer.getLocalParameters().usernameFragment
        for body in (f"a=ice-ufrag:{ufrag}\r\na=ice-pwd:{receiver.gatherer.getLocalParameters().password}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
                     "a=mid:0\r\na=candidate:1 1 udp 2130706431 192.0.2.7 5000 typ host\r\na=end-of-candidates\r\n",
                     "a=end-of-candidates\n"):
            self.assertEqual(await receiver.patch(body), 204)
        publisher = await self.publisher(audio("0", "sendonly"), candidates=False)
        await self.say(publisher, 20)
        self.assertEqual(self.heard(receiver), list(range(1, 21)))

    # --- Codecs and feedback

    async def test_each_codec_alone_without_any_feedback_or_header_extension(self):
        for name, fmtp in (("VP8", ""), ("VP9", "profile-id=0"), ("H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"),
                           ("H264", "packetization-mode=1;profile-level-id=640c1f")):
            lines = [f"a=rtpmap:100 {name}/90000"] + ([f"a=fmtp:100 {fmtp}"] if fmtp else [])
            receiver = await self.receiver(media("video", "0", range(96, 101), "recvonly", "a=rtpmap:96 VP8/90000", "a=rtpmap:97 VP9/90000",
                                                 "a=rtpmap:98 H264/90000", "a=fmtp:98 packetization-mode=1;profile-level-id=42001f",
                                                 "a=rtpmap:99 H264/90000", "a=fmtp:99 packetization-mode=1;profile-level-id=64001f"))
            publisher = await self.publisher(media("video", "0", [100], "sendonly", *lines))
            for i in range(30):
                await publisher.send(rtp(100, i, i * 3000, 0x2222, KEY_FRAME[name][i > 0], marker=True))
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
            self.assertGreaterEqual(len(receiver.packets), 30, (name, fmtp))
            self.check_even(receiver)
            await publisher.leave()
            await receiver.leave()
            self.peers.clear()

    async def test_two_videos_of_one_payload_type_are_told_apart_by_declared_ssrcs_also_after_a_goodbye(self):
        receiver = await self.receiver(vp8("0", "recvonly"), vp8("1", "recvonly"), audio("2", "recvonly"))
        publisher = await self.publisher(vp8("0", "sendonly", "a=ssrc:8738 cname:x"), vp8("1", "sendonly", "a=ssrc:13107 cname:x"),
                                         audio("2", "sendonly", "a=ssrc:4369 cname:x"))
        for at in range(2):
            before = len(receiver.packets)
            for i in range(20):
                await publisher.send(rtp(96, at * 20 + i, i * 3000, 0x2222, KEY_FRAME["VP8"][i > 0] + b"screen", marker=True))
                await publisher.send(rtp(96, at * 20 + i, i * 3000, 0x3333, KEY_FRAME["VP8"][i > 0] + b"camera", marker=True))
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
            now = receiver.packets[before:]
            self.assertGreaterEqual(sum(p["payload"].endswith(b"screen") for p in now), 20, at)
            await publisher.send(empty_report(0x2222) + bye(0x2222, 0x3333))
            await asyncio.sleep(0.5)

    async def test_numbers_of_header_extensions_above_fourteen(self):
        ids = [f"a=extmap:{number} {uri}" for number, uri in ((15, MID), (16, MID), (200, LEVEL), (255, TRANSPORT_CC))]
        feedback = ["a=rtcp-fb:111 transport-cc", *ids[1:]]
        receiver = await self.receiver(audio("0", "recvonly", *feedback), session=["a=extmap-allow-mixed"])
        publisher = await self.publisher(audio("0", "sendonly", *feedback), session=["a=extmap-allow-mixed"])
        extension = elements([(16, b"0"), (200, b"\x90"), (255, b"\0\1"), (17, b"x" * 40)], two_byte=True)
        await self.say(publisher, 20, extension=extension)
        self.assertEqual(self.heard(receiver), list(range(1, 21)))

    async def test_contributing_sources_padding_and_foreign_extensions_are_no_part_of_what_is_heard(self):
        receiver = await self.receiver(audio("0", "recvonly"))
        publisher = await self.publisher(audio("0", "sendonly"))
        await self.say(publisher, 10, csrcs=(1, 2, 3), padding=200, extension=elements([(1, b"abc"), (14, b"z" * 16)]))
        await self.say(publisher, 10, first=11, seq=1010, timestamp=9600, csrcs=range(15), extension=b"\xab\xcd\0\2" + b"x" * 8)
        self.assertEqual(self.heard(receiver), list(range(1, 21)))
        self.check_even(receiver)

    async def test_opus_in_stereo_with_long_frames_and_pauses(self):
        receiver = await self.receiver(audio("0", "recvonly"))
        publisher = await self.publisher(audio("0", "sendonly", "a=fmtp:111 stereo=1;maxptime=60;usedtx=1"))
        for i in range(20):
            frame = b"\x1c" if i % 5 == 4 else voice(i)  # 60 ms, stereo, of which every fifth is one byte: nothing is said
            await publisher.send(rtp(111, i, i * 2880 + (i // 5) * 19200, 0x1111, frame, marker=i % 5 == 0))
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        self.assertEqual(len(receiver.packets), 20)
        self.check_even(receiver)

    # --- Streams

    async def test_a_stream_that_begins_at_the_wrap_is_heard_though_its_beginning_is_lost(self):
        for lost in (0, 3, 8):
            receiver = await self.receiver(audio("0", "recvonly"))
            publisher = await self.publisher(audio("0", "sendonly"))
            for i in range(lost):
                publisher.skip(rtp(111, 65530 + i, 0xffffff00 + i * 960, 0x1111, voice(i)))
            await self.say(publisher, 30, first=lost, seq=65530 + lost, timestamp=0xffffff00 + lost * 960)
            self.assertEqual(self.heard(receiver), list(range(lost, lost + 30)), f"{lost} lost")
            self.check_even(receiver)
            await publisher.leave()
            await receiver.leave()
            self.peers.clear()

    async def test_a_publisher_may_change_its_ssrc_as_often_as_it_likes(self):
        receiver = await self.receiver(audio("0", "recvonly"))
        publisher = await self.publisher(audio("0", "sendonly"))
        for turn in range(40):
            await self.say(publisher, 3, first=turn * 3, seq=turn * 997, timestamp=turn * 77777, ssrc=0x5000 + turn)
        self.assertEqual(self.heard(receiver), list(range(120)))
        self.check_even(receiver)

    async def test_a_voice_that_says_goodbye_and_returns_is_heard_again(self):
        receiver = await self.receiver(audio("0", "recvonly"))
        publisher = await self.publisher(audio("0", "sendonly"))
        await self.say(publisher, 10)
        await publisher.send(empty_report(0x1111) + bye(0x1111))
        await asyncio.sleep(1)
        await self.say(publisher, 10, first=11, seq=1010, timestamp=100000)
        self.assertEqual(self.heard(receiver), list(range(1, 21)))
        self.check_even(receiver)


if __name__ == "__main__":
    unittest.main()

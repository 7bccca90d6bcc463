"""An independent WebRTC peer (aiortc): publishes a tone and a moving picture by WHIP, or receives by
WHEP and says in JSON what it decoded.

    peer_aiortc.py publish|receive --url URL --token TOKEN --seconds N --profile gcm|cm
"""

import argparse
import asyncio
import fractions
import json
import sys
import time

import aiohttp
import numpy
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription, rtcdtlstransport
from av import AudioFrame, VideoFrame
from pylibsrtp import Policy

TONE_HZ = 440


def use_gcm():
    """aiortc 1.4 asks for AES-CM alone; with these replacements it negotiates AEAD_AES_128_GCM (RFC 7714)."""
    create = rtcdtlstransport.RTCCertificate._create_ssl_context

    def create_context(self):
        context = create(self)
        context.set_tlsext_use_srtp(b"SRTP_AEAD_AES_128_GCM")
        return context

    rtcdtlstransport.RTCCertificate._create_ssl_context = create_context
    rtcdtlstransport.SRTP_SALT_LEN = 12
    rtcdtlstransport.Policy = GcmPolicy


class GcmPolicy(Policy):
    def __init__(self, key, ssrc_type):
        super().__init__(key=key, ssrc_type=ssrc_type, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)


class Tone(MediaStreamTrack):
    kind = "audio"

    def __init__(self):
        super().__init__()
        self.at = 0
        self.started = None

    async def recv(self):
        self.started = self.started or time.monotonic()
        wait = self.started + self.at / 48000 - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        t = (numpy.arange(960) + self.at) / 48000
        wave = (numpy.sin(2 * numpy.pi * TONE_HZ * t) * 12000).astype(numpy.int16)
        frame = AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, self.at, fractions.Fraction(1, 48000)
        self.at += 960
        return frame


class Picture(MediaStreamTrack):
    """A bright square that moves along a dark field."""
    kind = "video"

    def __init__(self):
        super().__init__()
        self.count = 0
        self.started = None

    async def recv(self):
        self.started = self.started or time.monotonic()
        wait = self.started + self.count / 15 - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        image = numpy.full((240, 320, 3), 30, numpy.uint8)
        x = (self.count * 4) % 256
        image[80:144, x:x + 64] = 220
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = self.count * 6000, fractions.Fraction(1, 90000)
        self.count += 1
        return frame


async def exchange(http, pc, arguments):
    await pc.setLocalDescription(await pc.createOffer())
    headers = {"Authorization": f"Bearer {arguments.token}", "Content-Type": "application/sdp"}
    async with http.post(arguments.url, data=pc.localDescription.sdp, headers=headers) as answer:
        text = await answer.text()
        if answer.status != 201:
            sys.exit(f"POST {arguments.url}: {answer.status} {text}")
        location = answer.headers["Location"]
    await pc.setRemoteDescription(RTCSessionDescription(text, "answer"))
    return location if location.startswith("http") else "/".join(arguments.url.split("/")[:3]) + location


async def wait_connected(pc):
    for _ in range(200):
        if pc.connectionState == "connected":
            return
        await asyncio.sleep(0.05)
    sys.exit(f"not connected within 10 s: {pc.connectionState}")


async def read_audio(track, seen):
    while True:
        frame = await track.recv()
        samples = frame.to_ndarray().astype(float).reshape(-1)
        if frame.layout.name == "stereo":
            samples = samples[::2]
        seen["audio_frames"] += 1
        if numpy.sqrt((samples ** 2).mean()) > 1000:
            seen["loud_frames"] += 1
            crossings = int((numpy.diff(numpy.signbit(samples)) != 0).sum())
            seen["hz"].append(crossings * frame.sample_rate / 2 / len(samples))


async def read_video(track, seen):
    while True:
        frame = await track.recv()
        image = frame.to_ndarray(format="rgb24")[:, :, 1].astype(int)
        seen["video_frames"] += 1
        seen["size"] = [frame.width, frame.height]
        seen["picture_ok"] += int(image[80:144].max() > 180 and image[:60].mean() < 70)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["publish", "receive"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--profile", choices=["gcm", "cm"], default="cm")
    arguments = parser.parse_args()
    if arguments.profile == "gcm":
        use_gcm()
    async with aiohttp.ClientSession() as http:
        pc = RTCPeerConnection()
        if arguments.action == "publish":
            pc.addTransceiver(Tone(), direction="sendonly")
            pc.addTransceiver(Picture(), direction="sendonly")
            location = await exchange(http, pc, arguments)
            await wait_connected(pc)
            print(json.dumps({"connected": True}), flush=True)
            await asyncio.sleep(arguments.seconds)
            report = {"sent": True}
        else:
            seen = {"audio_frames": 0, "loud_frames": 0, "hz": [], "video_frames": 0, "picture_ok": 0, "size": None}
            tasks = []
            pc.addTransceiver("audio", direction="recvonly")
            pc.addTransceiver("video", direction="recvonly")
            pc.on("track", lambda track: tasks.append(asyncio.ensure_future(
                (read_audio if track.kind == "audio" else read_video)(track, seen))))
            location = await exchange(http, pc, arguments)
            await wait_connected(pc)
            print(json.dumps({"connected": True}), flush=True)
            await asyncio.sleep(arguments.seconds)
            for task in tasks:
                task.cancel()
            seen["hz"] = float(numpy.median(seen["hz"])) if seen["hz"] else 0
            report = seen
        async with http.delete(location, headers={"Authorization": f"Bearer {arguments.token}"}) as answer:
            report["delete_status"] = answer.status
        await pc.close()
    print(json.dumps(report), flush=True)


asyncio.run(main())

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  RECEIVE_LINES, SEND_LIMITS, SEND_LINES, chooseVideoCodecs, encodingChoices, encodingLimits, findCodec, judgeWeak, nextRecovery, offerRetryMs, offerVoiceRepair, repairRequests, screenFormat,
} from '../web/media_policy.js';

test('the lines of the offer stand in the protocol\'s order', () => {
  assert.deepEqual(SEND_LINES.map((l) => `${l.slot} ${l.kind}`), ['mic audio', 'screen video', 'screen_audio audio', 'camera video']);
  assert.deepEqual(RECEIVE_LINES.map((l) => `${l.slot} ${l.kind}`), [
    'voice_0 audio', 'voice_1 audio', 'voice_2 audio', 'screen_audio audio',
    'screen video', 'camera_0 video', 'camera_1 video', 'camera_2 video',
  ]);
});

test('a shared screen keeps its size and pays with its frame rate', () => {
  const { encodings: [encoding, low], degradation } = SEND_LIMITS.screen;
  assert.equal(degradation, 'maintain-resolution');
  assert.equal(encoding.maxFramerate, 15);
  assert.equal(encoding.maxBitrate, 2_500_000);
  assert.equal(encoding.scaleResolutionDownBy, undefined);
  assert.equal(low.scaleResolutionDownBy, 1);
  assert.ok(low.maxBitrate <= 200_000);
});

test('only the best encoding is sent until the server asks for another, and it is never switched off', () => {
  for (const { encodings } of Object.values(SEND_LIMITS)) encodings.forEach((e, i) => assert.equal(e.active ?? true, i === 0));
  assert.equal(encodingLimits('screen', 1, [true, false]).active, false);
  assert.equal(encodingLimits('screen', 1, [true, true]).active, true);
  assert.equal(encodingLimits('screen', 1, undefined).active, false);
  assert.equal(encodingLimits('screen', 0, undefined).active, true);
  assert.equal(encodingLimits('screen', 0, [false, false]).active, true);
  assert.equal(encodingLimits('mic', 0, undefined).maxBitrate, 40_000);
});

test('a browser that refuses the list of encodings is asked for less and less', () => {
  const choices = encodingChoices(SEND_LIMITS.screen.encodings);
  assert.deepEqual(choices.map((list) => list.map((e) => [e.rid, e.scalabilityMode])), [
    [['h', 'L1T3'], ['l', 'L1T1']], [['h', undefined], ['l', undefined]], [[undefined, 'L1T3']], [[undefined, undefined]],
  ]);
  // Chromium takes a sender's priority with its first encoding only.
  for (const { encodings } of Object.values(SEND_LIMITS)) assert.ok(encodings.slice(1).every((e) => !('priority' in e)));
});

test('the screen is sent in a format that this browser makes', () => {
  const negotiated = [{ mimeType: 'video/VP8' }, { mimeType: 'video/AV1' }];
  assert.equal(findCodec(negotiated, 'AV1'), negotiated[1]);
  assert.equal(findCodec(negotiated.slice(0, 1), 'AV1'), undefined);
  assert.equal(findCodec(negotiated, ''), undefined);
});

test('a weak computer sends VP8 where all could read AV1, and nothing else changes', () => {
  assert.equal(screenFormat('AV1', false), 'AV1');
  assert.equal(screenFormat('AV1', true), 'VP8');
  assert.equal(screenFormat('VP8', true), 'VP8');
  assert.equal(screenFormat('', true), '');
});

const formats = (...list) => list.map((text) => {
  const [name, sdpFmtpLine] = text.split(' ');
  return { mimeType: `video/${name}`, sdpFmtpLine };
});
const names = (list) => list.map((c) => [c.mimeType.slice(6), c.sdpFmtpLine].filter(Boolean).join(' '));

test('of a long list those formats are offered that others can read, best for text first, with retransmission', () => {
  const chromium = formats(
    'VP8', 'rtx', 'H264 packetization-mode=1;profile-level-id=42e01f', 'H264 packetization-mode=0;profile-level-id=42e01f',
    'H264 packetization-mode=1;profile-level-id=64001f', 'AV1 level-idx=5;profile=0', 'AV1 level-idx=5;profile=1', 'VP9 profile-id=0',
    'VP9 profile-id=1', 'VP9 profile-id=2', 'red', 'ulpfec', 'flexfec-03', 'H265 level-id=93',
  );
  assert.deepEqual(names(chooseVideoCodecs(chromium)), [
    'VP9 profile-id=0', 'VP8', 'H264 packetization-mode=1;profile-level-id=42e01f', 'H264 packetization-mode=1;profile-level-id=64001f',
    'AV1 level-idx=5;profile=0', 'rtx',
  ]);
});

test('a short list loses nothing and is put in order', () => {
  const firefox = formats('VP8', 'rtx', 'VP9', 'H264 packetization-mode=0', 'AV1', 'red', 'ulpfec');
  assert.deepEqual(names(chooseVideoCodecs(firefox)), ['VP9', 'VP8', 'H264 packetization-mode=0', 'AV1', 'rtx', 'red', 'ulpfec']);
});

test('a connection that is down is helped after 2 s, every 5 s, and made anew after 20 s', () => {
  const actions = [];
  let downMs = 0;
  let restarts = 0;
  while (actions[actions.length - 1]?.[1] !== 'rebuild' && actions.length < 20) {
    const step = nextRecovery({ downMs, restarts });
    if (step.action !== 'wait') actions.push([downMs, step.action]);
    if (step.action === 'restart') restarts += 1;
    downMs += step.againInMs;
  }
  assert.deepEqual(actions, [[2000, 'restart'], [7000, 'restart'], [12000, 'restart'], [17000, 'restart'], [20000, 'rebuild']]);
});

test('a tab that slept through the waits is helped at once', () => {
  assert.equal(nextRecovery({ downMs: 9000, restarts: 0 }).action, 'restart');
  assert.equal(nextRecovery({ downMs: 60000, restarts: 0 }).action, 'rebuild');
});

test('where the socket had died as well, nothing of the old network is helped: a new connection at once', () => {
  assert.equal(nextRecovery({ downMs: 0, restarts: 0, bothDied: true }).action, 'rebuild');
});

test('offers that are refused are repeated ever more slowly, and slowest when there were too many', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 9].map((n) => offerRetryMs(n, 'no_relay')), [500, 1000, 2000, 4000, 8000, 8000]);
  assert.equal(offerRetryMs(1, 'too_many'), 6000);
});

test('after a reconnection only what differs is told', () => {
  const local = { micOn: true, sharing: true, shareAudio: true };
  assert.deepEqual(repairRequests(local, { mic: true, sharing: 'screen' }), []);
  assert.deepEqual(repairRequests(local, undefined), [{ type: 'mic', on: true }, { type: 'share_start', audio: true }]);
  assert.deepEqual(repairRequests({ micOn: false, sharing: false, shareAudio: false }, { mic: true, sharing: 'screen' }),
    [{ type: 'mic', on: false }, { type: 'share_stop' }]);
});

/** What is said at each look, of `[lost here, lost on the speaker's way]`. */
function saidOf(looks) {
  let weakness = { whose: '', looks: 0, own: 0 };
  return looks.map(([lost, upstream]) => (weakness = judgeWeak(weakness, lost, upstream)).whose);
}

test('the word "weak" does not flicker around one threshold', () => {
  assert.deepEqual(saidOf([[5, 0], [9, 0], [9, 0], [5, 0], [9, 0], [2, 0], [5, 0], [9, 0]]), ['', '', 'own', 'own', 'own', '', '', '']);
});

test('what the speaker\'s line loses is not blamed on the listener\'s, and one that loses much more is told so', () => {
  assert.deepEqual(saidOf([[10, 0], [11, 10], [8, 13], [16, 7], [9, 4], [2, 4], [2, 0]]), ['', 'theirs', 'theirs', 'theirs', 'theirs', '', '']); // the server's word comes a look later
  assert.deepEqual(saidOf([[50, 0], [0, 45]]), ['', '']); // the speaker was away for a moment
  assert.deepEqual(saidOf([[30, 5], [30, 5], [30, 5], [4, 5]]), ['', 'own', 'own', 'theirs']);
  assert.deepEqual(saidOf([[12, 10], [30, 0], [30, 0]]), ['theirs', 'theirs', 'own']);
});

test('where both lines lose, the own one is told so, and the speaker\'s losses alone never look like it', () => {
  assert.deepEqual(saidOf(Array(6).fill([21, 10])), ['theirs', 'theirs', 'theirs', 'theirs', 'own', 'own']);
  assert.deepEqual(saidOf([...Array(6).fill([21, 10]), [11, 10], [11, 10]]).slice(-2), ['theirs', 'theirs']);
  // 100 packets a look; the server's look began half of one before, and it tells nothing below 3 %, and changes of 3 %.
  let seed = 7;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const said = (/** @type {number} */ theirs, /** @type {number} */ own) => {
    let told = 0;
    let half = 0;
    return saidOf(Array.from({ length: 2000 }, () => {
      const lostOf = () => Array.from({ length: 50 }, () => random() < theirs).filter(Boolean).length;
      const [first, second] = [lostOf(), lostOf()];
      const upstream = half + first < 3 ? 0 : half + first;
      if (Math.abs(upstream - told) >= 3) told = upstream;
      half = second;
      const came = 100 - first - second;
      return [100 - came + Array.from({ length: came }, () => random() < own).filter(Boolean).length, told];
    })).filter((whose) => whose === 'own').length;
  };
  assert.ok(said(0.1, 0) < 20, `${said(0.1, 0)} of 2000`);
  assert.ok(said(0.2, 0) < 40, `${said(0.2, 0)} of 2000`);
  assert.ok(said(0.1, 0.15) > 1600, `${said(0.1, 0.15)} of 2000`);
});

test('what is said here may be asked for again, of the lines that send voice alone', () => {
  const line = (kind, way, ...more) => [`m=${kind} 9 UDP/TLS/RTP/SAVPF 111 63`, 'a=mid:0', `a=${way}`, 'a=rtpmap:111 opus/48000/2', 'a=fmtp:111 useinbandfec=1', ...more, ''].join('\r\n');
  const head = 'v=0\r\ns=-\r\n';
  const sent = offerVoiceRepair(head + line('audio', 'sendonly') + line('audio', 'recvonly') + line('video', 'sendonly'));
  assert.equal(sent.match(/a=rtcp-fb:111 nack\r\n/g).length, 1);
  assert.ok(sent.startsWith(`${head}m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:0\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\na=fmtp:111`));
  assert.ok(sent.split('\r\n').every((text) => !text.includes('\n') && !text.includes('\r')));
  const already = head + line('audio', 'sendonly', 'a=rtcp-fb:111 nack');
  assert.equal(offerVoiceRepair(already), already);
  assert.equal(offerVoiceRepair(''), '');
  assert.equal(offerVoiceRepair(offerVoiceRepair(sent)), sent);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UplinkJudge, readUplink } from '../web/send_judges.js';

/** Looks every two seconds; each entry: voice packets sent, lost, packets of the screen, how long each of them waited (ms), what the line can send. */
function judge(...looks) {
  const judge = new UplinkJudge();
  const sums = { voiceSent: 0, voiceLost: 0, screenSent: 0, waitedMs: 0, canSendBps: 5e6 };
  judge.look({ ...sums });
  return looks.map(([sent, lost, screen = 0, wait = 0, canSendBps = 5e6]) => {
    sums.voiceSent += sent;
    sums.voiceLost += lost;
    sums.screenSent += screen;
    sums.waitedMs += screen * wait;
    return judge.look({ ...sums, canSendBps });
  });
}
const of = (/** @type {number} */ n, /** @type {number[]} */ look) => Array(n).fill(look);

test('a line that loses one word in ten is told of after eight seconds, and when it is well for sixteen no more', () => {
  assert.deepEqual(judge(...of(4, [100, 10])), ['', '', '', 'voice']);
  assert.deepEqual(judge(...of(4, [100, 10]), ...of(8, [100, 0])).slice(4), [...Array(7).fill('voice'), '']);
});

test('so is one that holds the shared screen back, as Chromium behind 300 kbit/s counts it', () => {
  // Four seconds each, measured: packets sent, and how long all of them waited for the pacer.
  const measured = [[42, 54.6], [36, 16.0], [42, 68.5], [40, 24.4], [33, 23.0], [66, 27.0]];
  const looks = measured.flatMap(([n, s]) => of(2, [100, 0, n / 2, (1000 * s) / n, 140_000]));
  assert.deepEqual(judge(...looks), [...Array(4).fill(''), ...Array(looks.length - 4).fill('screen')]);
  assert.deepEqual(judge(...looks, ...of(20, [100, 0, 20, 5, 3_000_000])).slice(-13), Array(13).fill(''), 'a line that has become wide');
});

test('between two slides a narrow line is not taken for a wide one', () => {
  const slide = [100, 0, 30, 900, 200_000];
  const quiet = [100, 0, 9, 20, 200_000]; // little changes
  const still = [100, 0, 1, 5, 200_000];
  for (const [between, why] of [[quiet, 'quiet'], [still, 'still']]) {
    const said = judge(...of(4, slide).flatMap((look) => [look, ...of(3, between)]));
    assert.deepEqual(said, [...Array(4).fill(''), ...Array(12).fill('screen')], why);
  }
  const pause = judge(...of(5, slide), ...of(30, still), slide).slice(4);
  assert.deepEqual(pause, Array(32).fill('screen'), 'a slide that stands for a minute');
});

test('nobody is told of what does no harm', () => {
  const quiet = (/** @type {number[]} */ look, /** @type {string} */ why) => assert.ok(judge(...of(20, look)).every((said) => said === ''), why);
  quiet([100, 2], 'what is asked for again is heard');
  quiet([100, 0, 50, 900, 2_000_000], 'two megabits are enough for a screen');
  quiet([100, 0, 50, 30, 600_000], 'nothing is held back');
  quiet([5, 4], 'hardly anything is said');
  assert.ok(judge([100, 0, 150, 400, 1_000_000], ...of(20, [100, 0, 20, 5, 1_000_000])).every((said) => said === ''), 'one slide');
  assert.ok(judge(...of(5, [100, 10]).flatMap((bad) => [bad, bad, bad, [100, 0]])).every((said) => said === ''), 'moments');
  assert.ok(judge([100, 0, 52, 148, 146_000], ...of(5, [100, 0, 46, 1, 2_900_000])).every((said) => said === ''), 'a moment of a busy computer, measured');
});

test('a new connection begins to count anew and keeps what was said', () => {
  const judge = new UplinkJudge();
  const sums = { screenSent: 0, waitedMs: 0, canSendBps: null };
  for (let i = 0; i < 6; i++) judge.look({ ...sums, voiceSent: 100 * i, voiceLost: 10 * i });
  assert.equal(judge.look({ ...sums, voiceSent: 3, voiceLost: 0 }), 'voice');
});

test('what a share was held back is not said of the next one', () => {
  const judge = new UplinkJudge();
  const sums = { voiceSent: 0, voiceLost: 0, screenSent: 0, waitedMs: 0, canSendBps: 200_000 };
  let said = '';
  for (let i = 1; i < 9; i++) said = judge.look({ ...sums, screenSent: 30 * i, waitedMs: 27_000 * i });
  assert.equal(said, 'screen');
  const then = { ...sums, screenSent: 240, waitedMs: 216_000 };
  assert.equal(judge.look(then, false), '');
  assert.equal(judge.look({ ...then, screenSent: 270, waitedMs: 216_100, canSendBps: 5e6 }), '');
});

test('the figures are those of the own voice and screen', () => {
  const reports = [
    { type: 'outbound-rtp', id: 'a', mid: '0', packetsSent: 500 }, { type: 'remote-inbound-rtp', localId: 'a', packetsLost: 7 },
    { type: 'outbound-rtp', id: 'v', mid: '1', packetsSent: 900, totalPacketSendDelay: 3 }, { type: 'outbound-rtp', id: 'w', mid: '1', packetsSent: 0, totalPacketSendDelay: 0 }, { type: 'remote-inbound-rtp', localId: 'v', packetsLost: 90 },
    { type: 'candidate-pair', nominated: true, availableOutgoingBitrate: 700_000 },
  ];
  assert.deepEqual(readUplink(reports, { mic: '0', screen: '1' }), { voiceSent: 500, voiceLost: 7, screenSent: 900, waitedMs: 3000, canSendBps: 700_000 });
  assert.deepEqual(readUplink([], { mic: null }), { voiceSent: 0, voiceLost: 0, screenSent: 0, waitedMs: 0, canSendBps: null });
});

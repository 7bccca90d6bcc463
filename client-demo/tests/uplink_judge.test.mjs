import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UplinkJudge, readUplink } from '../web/send_judges.js';

/** Looks every two seconds; each entry: voice packets sent, lost, ms that the line held the screen back, what it can send. */
function judge(...looks) {
  const judge = new UplinkJudge();
  const sums = { voiceSent: 0, voiceLost: 0, limitedMs: 0, canSendBps: 5e6 };
  let at = 1000;
  judge.look({ ...sums }, at);
  return looks.map(([sent, lost, limited = 0, canSendBps = 5e6]) => {
    at += 2000;
    sums.voiceSent += sent;
    sums.voiceLost += lost;
    sums.limitedMs += limited;
    return judge.look({ ...sums, canSendBps }, at);
  });
}
const of = (/** @type {number} */ n, /** @type {number[]} */ look) => Array(n).fill(look);

test('a line that loses one word in ten is told of after eight seconds, and when it is well for sixteen no more', () => {
  assert.deepEqual(judge(...of(4, [100, 10])), [false, false, false, true]);
  assert.deepEqual(judge(...of(4, [100, 10]), ...of(8, [100, 0])).slice(4), [...Array(7).fill(true), false]);
});

test('so is one that holds the shared screen back', () => {
  assert.equal(judge(...of(4, [100, 0, 2000, 600_000])).at(-1), true);
});

test('nobody is told of what does no harm', () => {
  assert.ok(!judge(...of(20, [100, 2])).includes(true), 'what is asked for again is heard');
  assert.ok(!judge(...of(20, [100, 0, 2000, 2_000_000])).includes(true), 'two megabits are enough for a screen');
  assert.ok(!judge(...of(20, [100, 0, 0, 600_000])).includes(true), 'nothing is held back');
  assert.ok(!judge(...of(20, [5, 4])).includes(true), 'hardly anything is said');
  assert.ok(!judge(...of(5, [100, 10]).flatMap((bad) => [bad, bad, bad, [100, 0]])).includes(true), 'moments');
});

test('a new connection begins to count anew and keeps what was said', () => {
  const judge = new UplinkJudge();
  for (let i = 0; i < 6; i++) judge.look({ voiceSent: 100 * i, voiceLost: 10 * i, limitedMs: 0, canSendBps: null }, 2000 * i);
  assert.equal(judge.look({ voiceSent: 3, voiceLost: 0, limitedMs: 0, canSendBps: null }, 12000), true);
});

test('the figures are those of the own voice and screen', () => {
  const reports = [
    { type: 'outbound-rtp', id: 'a', mid: '0', packetsSent: 500 }, { type: 'remote-inbound-rtp', localId: 'a', packetsLost: 7 },
    { type: 'outbound-rtp', id: 'v', mid: '1', packetsSent: 900, qualityLimitationDurations: { bandwidth: 3 } }, { type: 'remote-inbound-rtp', localId: 'v', packetsLost: 90 },
    { type: 'candidate-pair', nominated: true, availableOutgoingBitrate: 700_000 },
  ];
  assert.deepEqual(readUplink(reports, { mic: '0', screen: '1' }), { voiceSent: 500, voiceLost: 7, limitedMs: 3000, canSendBps: 700_000 });
  assert.deepEqual(readUplink([], { mic: null }), { voiceSent: 0, voiceLost: 0, limitedMs: 0, canSendBps: null });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOLD_MS, VoiceBuffer, VoiceJudge } from '../web/voice_buffer.js';

const looks = (judge, lost) => lost.map((n) => judge.look(n));
const none = (count) => Array(count).fill(0);

test('on a clean line voice comes at once, and a single lost packet now and then changes nothing', () => {
  assert.ok(looks(new VoiceJudge(), none(200)).every((hold) => hold === null));
  const seldom = [...Array(400).keys()].map((i) => (i % 11 === 0 ? 1 : 0)); // two in ten seconds
  assert.ok(looks(new VoiceJudge(), seldom).every((hold) => hold === null));
});

test('three packets lost within ten seconds, in a row or apart, hold voice for as long as redundancy reaches back', () => {
  assert.equal(new VoiceJudge().look(3), HOLD_MS);
  const apart = looks(new VoiceJudge(), [1, ...none(8), 1, ...none(8), 1]);
  assert.equal(apart.at(-1), HOLD_MS);
  assert.equal(apart.at(-2), null);
  assert.ok(HOLD_MS >= 8 * 20 + 20); // relay/core/redundancy.c: the eighth packet behind
});

test('after half a minute without losses voice comes at once again, and not before', () => {
  const judge = new VoiceJudge();
  judge.look(4);
  const after = looks(judge, none(100));
  const back = after.indexOf(null);
  assert.ok(back >= 60 && back <= 80, `${back}`);
  assert.ok(after.slice(back).every((hold) => hold === null));
});

test('losses that go on hold voice throughout: the delay does not come and go', () => {
  const judge = new VoiceJudge();
  const lossy = [...Array(400).keys()].map((i) => (i % 30 === 0 ? 5 : 0)); // a burst every 15 s
  assert.ok(looks(judge, lossy).every((hold) => hold === HOLD_MS));
});

/** A receiver whose statistics say so, and that can or cannot be told to wait. */
function receiver(totals, can) {
  const reports = () => new Map(totals.map(([id, packetsLost, type = 'inbound-rtp']) => [id, { id, type, packetsLost }]));
  return { ...(can ? { jitterBufferTarget: null } : {}), totals, getStats: async () => reports() };
}

/** One look of a buffer that does not wait for its clock. */
async function lookOnce(receivers, buffer = new VoiceBuffer(receivers)) {
  buffer.stop();
  await buffer.look();
  return buffer;
}

test('all voices of a line are held alike: whoever speaks next is heard whole from the first word', async () => {
  const voices = [receiver([['a', 5]], true), receiver([], true), receiver([['t', 9, 'transport']], true)];
  await lookOnce(voices);
  assert.deepEqual(voices.map((v) => v.jitterBufferTarget), [HOLD_MS, HOLD_MS, HOLD_MS]);
});

test('totals that were counted before, or fall back, are no new losses', async () => {
  const voice = receiver([['a', 2]], true);
  const buffer = await lookOnce([voice]);
  for (const total of [2, 1, 2]) {
    voice.totals[0][1] = total;
    await lookOnce([voice], buffer);
  }
  assert.equal(voice.jitterBufferTarget, null);
  voice.totals[0][1] = 3;
  await lookOnce([voice], buffer);
  assert.equal(voice.jitterBufferTarget, HOLD_MS);
});

/** A voice of so many looks: `step(look)` says what came and what was made up since the one before. */
async function holdAfter(looks, step) {
  const report = { id: 'a', type: 'inbound-rtp', packetsLost: 0, packetsReceived: 0, packetsDiscarded: 0, concealedSamples: 0, silentConcealedSamples: 0 };
  const voice = { jitterBufferTarget: null, getStats: async () => new Map([['a', { ...report }]]) };
  let buffer;
  for (let look = 0; look < looks; look++) {
    const { came = 25, made = 0, silent = 0 } = step(look);
    report.packetsReceived += came;
    report.packetsDiscarded += came; // each one's redundancy
    report.concealedSamples += made + silent;
    report.silentConcealedSamples += silent;
    buffer = await lookOnce([voice], buffer);
  }
  return voice.jitterBufferTarget;
}

test('words that are made up hold voice as lost ones do, though none is lost here', async () => {
  assert.equal(await holdAfter(40, (look) => ({ made: look > 20 && look % 4 === 0 ? 960 : 0 })), HOLD_MS);
});

test('a voice of which nothing is made up is not held, whatever the browser discards', async () => {
  assert.equal(await holdAfter(200, () => ({})), null);
});

test('silence that is made up, a sound that is only stretched, and now and then a word hold nothing', async () => {
  assert.equal(await holdAfter(100, () => ({ silent: 4800 })), null);
  assert.equal(await holdAfter(100, () => ({ made: 100 })), null);
  assert.equal(await holdAfter(200, (look) => ({ made: look % 10 === 9 ? 960 : 0 })), null);
});

test('what a player makes up while it finds its pace, and behind the end of a voice, is no trouble', async () => {
  assert.equal(await holdAfter(40, (look) => ({ made: look < 10 ? 2000 : 0 })), null);
  assert.equal(await holdAfter(200, (look) => (look % 4 < 3 ? { made: look % 4 === 2 ? 3000 : 0 } : { came: 0, made: 3000 })), null);
  assert.equal(await holdAfter(200, (look) => ({ came: look % 15 < 12 ? 25 : 0, made: look % 15 === 11 ? 3000 : 0 })), null);
});

test('a browser that cannot be told, or that refuses, is left as it is', async () => {
  const without = receiver([['a', 9]], false);
  const refuses = { getStats: async () => new Map(), get jitterBufferTarget() { return null; }, set jitterBufferTarget(_) { throw new RangeError(); } };
  const gone = { jitterBufferTarget: null, getStats: async () => { throw new Error('closed'); } };
  await lookOnce([without, refuses]);
  await lookOnce([gone]);
  await lookOnce([{ jitterBufferTarget: null }]); // no statistics at all
  assert.ok(!('jitterBufferTarget' in without));
  assert.equal(gone.jitterBufferTarget, null);
});

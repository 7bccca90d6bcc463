/** Whether what is played after a sleep is what is said now. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOOK_EVERY_MS, VoiceAge } from '../web/voice_age.js';

const SSRC = 7;
const START_RTP = 0xffff0000; // wraps within two seconds
const rtpOf = (ms) => (START_RTP + ms * 48) >>> 0;

/** Looks from `from` to `to` at a voice that at each moment plays what was said at `saidAt(now)`. Returns when it was called old. */
function looks(age, from, to, saidAt) {
  const old = [];
  for (let now = from; now < to; now += LOOK_EVERY_MS) {
    const said = saidAt(now);
    if (age.look(now, said === null ? [] : [[SSRC, rtpOf(said)]])) old.push(now);
  }
  return old;
}

const live = (now) => now - 100;

test('what was said before a sleep and is played behind it is old at the first look', () => {
  const age = new VoiceAge();
  assert.deepEqual(looks(age, 0, 5000, live), []);
  assert.deepEqual(looks(age, 15000, 15100, (now) => now - 9900), [15000]);
});

test('it is so too when the first look behind the sleep finds nothing played yet', () => {
  const age = new VoiceAge();
  looks(age, 0, 5000, live);
  assert.deepEqual(looks(age, 15000, 15400, (now) => (now < 15200 ? 4800 : now - 9900)), [15200]);
});

test('a voice that stays old begins anew twice, not for ever; the next sleep counts by itself', () => {
  const age = new VoiceAge();
  looks(age, 0, 5000, live);
  const old = (now) => now - 9900;
  assert.equal(looks(age, 15000, 25000, old).length, 2);
  assert.deepEqual(looks(age, 35000, 45000, old), []); // as it was before that sleep
  assert.equal(looks(age, 55000, 56000, (now) => now - 19900).length, 2);
});

test('a voice that is live behind a sleep is left alone, and so is one that comes a little later than before', () => {
  for (const lateMs of [100, 350]) {
    const age = new VoiceAge();
    looks(age, 0, 5000, live);
    assert.deepEqual(looks(age, 15000, 20000, (now) => now - lateMs), []);
  }
});

test('while the page runs nothing is old: a queue that grows, a pause, another speaker\'s times', () => {
  const age = new VoiceAge();
  looks(age, 0, 5000, live);
  assert.deepEqual(looks(age, 5000, 10000, (now) => now - 100 - (now - 5000) / 5), []);
  assert.deepEqual(looks(age, 10000, 15000, () => null), []);
  assert.deepEqual(looks(age, 15000, 20000, (now) => now - 8000), []);
});

test('a page that stood still while its voice went on leaves the voice alone', () => {
  const age = new VoiceAge();
  looks(age, 0, 5000, live);
  assert.deepEqual(looks(age, 9000, 12000, live), []);
});

test('clocks that run apart by 500 parts in a million for hours make no voice old', () => {
  const age = new VoiceAge();
  const slow = (now) => now * 0.9995;
  looks(age, 0, 3 * 3600_000, slow);
  assert.deepEqual(looks(age, 3 * 3600_000 + 60_000, 3 * 3600_000 + 65_000, slow), []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EncoderJudge, readEncoder } from '../web/send_judges.js';

/** Looks every two seconds; each entry: pictures, ms of work for each, ms that the processor limited. */
function judge(...looks) {
  const judge = new EncoderJudge();
  const sums = { pictures: 0, workMs: 0, limitedMs: 0 };
  let at = 1000;
  judge.look({ ...sums }, at);
  return looks.map(([pictures, workMs, limitedMs = 0]) => {
    at += 2000;
    sums.pictures += pictures;
    sums.workMs += pictures * workMs;
    sums.limitedMs += limitedMs;
    return judge.look({ ...sums }, at);
  });
}

test('a computer that takes long for each picture is given a lighter format after eight seconds', () => {
  assert.deepEqual(judge([16, 130], [16, 130], [16, 130], [16, 130]), [false, false, false, true]);
});

test('so is one whose browser says that the processor limits it', () => {
  assert.deepEqual(judge([10, 60, 2000], [10, 60, 2000], [2, 60, 2000], [10, 60, 1500]), [false, false, false, true]);
  assert.ok(!judge(...Array(10).fill([20, 60, 900])).includes(true));
});

test('a computer that keeps up is left alone, whatever a moment says', () => {
  assert.ok(!judge(...Array(20).fill([30, 60])).includes(true));
  assert.ok(!judge(...Array(10).fill([[16, 200], [16, 200], [16, 200], [16, 50]]).flat()).includes(true));
});

test('a still screen tells nothing, neither for nor against', () => {
  assert.ok(!judge(...Array(20).fill([3, 400])).includes(true));
  assert.deepEqual(judge([16, 130], [16, 130], [0, 0], [1, 10], [16, 130], [16, 130]).at(-1), true);
});

test('a new connection, and a new share, begin anew', () => {
  const judge = new EncoderJudge();
  const heavy = (n) => ({ pictures: 16 * n, workMs: 16 * 200 * n, limitedMs: 0 });
  for (let n = 0; n <= 3; n++) assert.equal(judge.look(heavy(n), n * 2000), false);
  assert.equal(judge.look(heavy(0), 8000), false); // counts from zero
  judge.look(null, 10000);
  for (let n = 0; n <= 3; n++) assert.equal(judge.look(heavy(n), 12000 + n * 2000), false);
  assert.equal(judge.look(heavy(4), 20000), true);
});

test('all encodings of the screen count, and nothing else', () => {
  const reports = [
    { type: 'outbound-rtp', mid: '1', framesEncoded: 10, totalEncodeTime: 0.5, qualityLimitationDurations: { cpu: 2, none: 1 } },
    { type: 'outbound-rtp', mid: '1', framesEncoded: 2, totalEncodeTime: 0.25 },
    { type: 'outbound-rtp', mid: '3', framesEncoded: 99, totalEncodeTime: 9 },
    { type: 'inbound-rtp', mid: '1', framesDecoded: 5 },
  ];
  assert.deepEqual(readEncoder(reports, '1'), { pictures: 12, workMs: 750, limitedMs: 2000 });
  assert.deepEqual(readEncoder(reports, null), { pictures: 0, workMs: 0, limitedMs: 0 });
});

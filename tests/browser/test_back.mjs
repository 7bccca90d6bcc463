// A learner who was away without knowing it: another tab in front, another page, a laptop that slept.
import { readFileSync, readdirSync } from 'node:fs';
import { Stack } from './support/stack.mjs';
import { test, main, check, sleep, until } from './support/tap.mjs';
import { enter, startShare, testid, untilHearsAndSees } from './support/people.mjs';

/** Tones of the trainer's voice: before, meanwhile, from a moment before the learner is back, and from when it is. */
const BEFORE_HZ = 440;
const MEANWHILE_HZ = 1000;
const NOW_HZ = 2000;
const LIVE_HZ = 3000;
const SLIDE_MS = 1500;
const SHARP_WITHIN_MS = 500;
const HEARD_WITHIN_MS = 500;
/** What a browser that slept plays of the time before the live voice: until it has seen that it is old. */
const OLD_SPEECH_MS = 250;
/** How old the voice is from then on; up to 100 ms of it are this test's ears (sources.mjs), which slept as well. */
const LIVE_MS = 400;
const LIVE_AFTER_MS = 500;
const sleeps = process.env.AMPHI_LONG ? [10, 45, 120] : [10];
let stack;
let classId;
let trainer;

/** Notes, each 10 ms, what has changed: the picture shown, the tone heard, the connection. Runs in the page. */
function keepLog() {
  const log = [];
  window.backLog = log;
  let last = {};
  const tone = (hz) => Object.entries(window.soundHeard?.frequencies ?? {}).reduce((sum, [f, n]) => (Math.abs(f - hz) <= 100 ? sum + n : sum), 0);
  setInterval(() => {
    const pc = window.amphi?.peer?.pc;
    window.pcNumbers ??= new WeakMap();
    if (pc && !window.pcNumbers.has(pc)) window.pcNumbers.set(pc, (window.pcCount = (window.pcCount ?? 0) + 1));
    const now = {
      shown: window.fakeScreen?.frame ?? window.pictureSeen?.last ?? -1, meanwhile: tone(1000), now: tone(2000), live: tone(3000),
      up: pc?.connectionState === 'connected' ? window.pcNumbers.get(pc) : 0, hidden: document.visibilityState === 'hidden',
      trouble: document.querySelector('[data-testid="trouble"]')?.textContent ?? '', how: document.querySelector('[data-testid="connection"]')?.dataset.state ?? '',
    };
    for (const [what, value] of Object.entries(now)) if (value !== last[what]) log.push([Date.now(), what, value]);
    last = now;
  }, 10);
}

const logOf = (page) => page.evaluate(() => window.backLog);
const toneIs = (hz) => trainer.evaluate((f) => { window.fakeMicrophone.hz = f; }, hz);
const keyFramesAsked = () => trainer.evaluate(async () => {
  let asked = 0;
  for (const r of (await window.amphi.peer.pc.getStats()).values()) if (r.type === 'outbound-rtp' && r.kind === 'video') asked += (r.pliCount ?? 0) + (r.firCount ?? 0);
  return asked;
});

/** What this learner's browser has asked for. */
const askedBy = (page) => page.evaluate(async () => {
  let asked = 0;
  for (const r of (await window.amphi.peer.pc.getStats()).values()) if (r.type === 'inbound-rtp' && r.kind === 'video') asked += (r.pliCount ?? 0) + (r.firCount ?? 0);
  return asked;
});

async function newLearner(name, options = {}) {
  const page = await enter((await stack.invite(classId, 'learner', name)).url, { toneHz: 300, ...options });
  await until(`${name} sees`, () => page.evaluate(() => window.pictureSeen.frames > 0 && window.soundHeard.loud > 5), 15000);
  await page.evaluate(keepLog);
  return page;
}

/** The picture on show at a time, and when it came there. */
const shownAt = (log, at) => log.filter(([t, what]) => what === 'shown' && t <= at).at(-1) ?? [0, 'shown', -1];

/** From when on, after `from`, the learner's picture is the trainer's: what is on show, or was a quarter of a second before. */
function currentFrom(trainerLog, learnerLog, from, to) {
  for (let at = from; at < to; at += 10) {
    const value = shownAt(learnerLog, at)[2];
    if (value === shownAt(trainerLog, at)[2] || value === shownAt(trainerLog, at - 250)[2]) return at - from;
  }
  return Infinity;
}

/** What a learner's log and the trainer's say of the time from `at` on. */
async function whatCameBack(page, at, forMs = 5000, liveAt = at) {
  await sleep(Math.max(0, at + forMs - Date.now()));
  const log = await logOf(page);
  const trainerLog = await logOf(trainer);
  const after = log.filter(([t]) => t >= at);
  const before = (what) => log.filter(([t, w]) => t < at && w === what).at(-1)?.[2] ?? 0;
  // A connection made anew is up later; the old one was never down.
  const up = after.find(([, what, value]) => what === 'up' && value > 0 && value !== before('up'));
  const upMs = up ? up[0] - at : 0;
  // A voice that comes only when the tone is the live one is heard, too.
  const first = after.find(([, what, value]) => ['now', 'live'].includes(what) && value > before(what));
  const live = after.find(([, what, value]) => what === 'live' && value > before('live'));
  const oldBlocks = (after.filter(([, what]) => what === 'meanwhile').at(-1)?.[2] ?? before('meanwhile')) - before('meanwhile');
  return {
    upMs, heardMs: first ? first[0] - at : Infinity, liveMs: live ? live[0] - liveAt : Infinity, oldSpeechMs: Math.round((oldBlocks * 1024) / 48),
    currentMs: currentFrom(trainerLog, log, at, at + forMs), said: [...new Set(after.filter(([, what, value]) => what === 'trouble' && value).map(([, , value]) => value))],
    how: after.filter(([, what]) => what === 'how' || what === 'up').map(([t, what, value]) => [t - at, what, value]),
  };
}

/** Every process below this one: those that a browser consists of. */
function descendants(root) {
  const parents = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      parents.set(Number(pid), Number(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const found = new Set([root]);
  for (let grown = true; grown;) {
    grown = false;
    for (const [pid, parent] of parents) if (found.has(parent) && !found.has(pid)) grown = Boolean(found.add(pid));
  }
  found.delete(root);
  return found;
}

async function visits(name) {
  return (await stack.participants(classId)).filter((p) => p.name === name).map((p) => p.id);
}

test('a trainer shows slides and speaks', async () => {
  stack = await Stack.start();
  classId = await stack.newClass('Retours');
  trainer = await enter((await stack.invite(classId, 'trainer', 'Mme Petit')).url, { toneHz: BEFORE_HZ, fps: 1000 / SLIDE_MS });
  await startShare(trainer);
  await trainer.evaluate(keepLog);
});

test('another tab in front: the voice goes on behind it, and the current slide is there within 500 ms of coming back, no key frame asked for', async () => {
  const page = await newLearner('Aïcha', { browser: 'tab' });
  await sleep(2000);
  const [id, asked] = [await visits('Aïcha'), await askedBy(page)];
  await page.front(false);
  await until('the page is hidden', () => page.evaluate(() => document.visibilityState === 'hidden'), 5000);
  await page.evaluate(() => window.soundReset());
  await sleep(7000);
  const { longestSilenceMs, loud } = await page.evaluate(() => window.soundHeard);
  await toneIs(NOW_HZ);
  const at = Date.now();
  await page.front(true);
  await until('the page is in front', () => page.evaluate(() => document.visibilityState === 'visible'), 5000, 10);
  const back = await whatCameBack(page, at, 3000);
  await toneIs(BEFORE_HZ);
  console.log(`# hidden: longest silence ${longestSilenceMs.toFixed(0)} ms; back: ${JSON.stringify(back)}`);
  check(loud > 250, `${loud} blocks of sound in 7 s`);
  check(longestSilenceMs < 150, `silence of ${longestSilenceMs} ms while hidden`);
  check(back.currentMs <= SHARP_WITHIN_MS, `the current slide after ${back.currentMs} ms`);
  check((await askedBy(page)) === asked, 'a key frame was asked for');
  check((await visits('Aïcha')).join() === id.join(), 'another visit');
  await page.close();
});

test('a page that went elsewhere and back is in class again by itself, as the same visit', async () => {
  const page = await newLearner('Karim', { newBrowser: true });
  const id = await visits('Karim');
  await page.goto('about:blank');
  await sleep(500);
  await page.goBack();
  await page.waitForSelector(testid('class'), { timeout: 10000 });
  check((await visits('Karim')).join() === id.join(), 'another visit');
  await page.context().browser().close();
});

for (const seconds of sleeps) {
  test(`a laptop that slept for ${seconds} s: the current slide and the live voice within 500 ms, hardly any old speech, the visits as they were`, async () => {
    const name = `Léa ${seconds}`;
    const others = descendants(process.pid);
    const page = await newLearner(name, { newBrowser: true });
    await untilHearsAndSees(page, name);
    const [id, asked] = [await visits(name), await keyFramesAsked()];
    const browser = [...descendants(process.pid)].filter((pid) => !others.has(pid));
    check(browser.length > 3, `a browser of ${browser.length} processes`);
    const signal = (which) => browser.forEach((pid) => { try { process.kill(pid, which); } catch { /* ended */ } });
    let at;
    try {
      signal('SIGSTOP');
      await toneIs(MEANWHILE_HZ);
      await sleep(seconds * 1000 - 1000);
      await toneIs(NOW_HZ);
      await sleep(1000);
    } finally {
      at = Date.now();
      signal('SIGCONT');
    }
    await sleep(LIVE_AFTER_MS);
    await toneIs(LIVE_HZ);
    const liveAt = Date.now();
    const back = await whatCameBack(page, at, 10000, liveAt);
    await toneIs(BEFORE_HZ);
    const people = (await stack.participants(classId)).filter((p) => p.name === name);
    const askedNow = (await keyFramesAsked()) - asked;
    console.log(`# back: ${JSON.stringify(back)}, key frames asked ${askedNow}, visits ${id} -> ${JSON.stringify(people.map((p) => [p.id, p.here]))}`);
    check(back.heardMs - back.upMs <= HEARD_WITHIN_MS, `the voice after ${back.heardMs} ms`);
    check(back.liveMs <= LIVE_MS, `the voice is ${back.liveMs} ms old`);
    check(back.currentMs - back.upMs <= SHARP_WITHIN_MS, `the current slide after ${back.currentMs} ms`);
    check(back.oldSpeechMs <= OLD_SPEECH_MS, `${back.oldSpeechMs} ms of old speech`);
    check(askedNow <= 1, `${askedNow} key frames asked of the trainer`);
    if (seconds < 60) check(people.map((p) => p.id).join() === id.join(), 'another visit');
    check(people.filter((p) => p.here).length === 1, 'not in class once');
    await page.context().browser().close();
  });
}

await main();

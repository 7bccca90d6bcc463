// A class in real browsers: what a learner decodes is what the trainer sent.
import { Stack } from './support/stack.mjs';
import { test, main, check, sleep, until } from './support/tap.mjs';
import { enter, heard, seen, pitch, startShare, testid, untilHearsAndSees } from './support/people.mjs';

const seconds = Number(process.env.AMPHI_CLASS_SECONDS ?? 60);
let stack;
let classId;
let trainer;
let learners;

test('a trainer enters, shares, and learners in Chromium and Firefox hear and see within 5 s', async () => {
  stack = await Stack.start();
  classId = await stack.newClass('Anglais logistique');
  trainer = await enter((await stack.invite(classId, 'trainer', 'Mme Petit')).url, { toneHz: 440 });
  await startShare(trainer);
  learners = {
    chromium: await enter((await stack.invite(classId, 'learner', 'Aïcha')).url, { toneHz: 880 }),
    firefox: await enter((await stack.invite(classId, 'learner', 'Karim')).url, { browser: 'firefox', toneHz: 660 }),
  };
  for (const [name, page] of Object.entries(learners)) await untilHearsAndSees(page, name, name === 'firefox' ? 10000 : 5000);
});

test(`for ${seconds} s what learners decode is the tone and the picture that were sent, without a gap or a freeze`, async () => {
  await sleep(2000); // jitter buffers settle after joining
  for (const page of Object.values(learners)) await page.evaluate(() => { window.soundReset(); window.pictureReset(); });
  await sleep(seconds * 1000);
  for (const [name, page] of Object.entries(learners)) {
    const sound = await heard(page);
    const { hz, purity } = pitch(sound);
    console.log(`# ${name}: ${sound.loud}/${sound.blocks} blocks with sound, ${hz} Hz (${(purity * 100).toFixed(1)} %), longest silence ${sound.longestSilenceMs.toFixed(0)} ms`);
    check(hz >= 400 && hz <= 450, `${name}: pitch ${hz} Hz`);
    check(purity > 0.97, `${name}: purity ${purity}`);
    check(sound.blocks > seconds * 40 && sound.loud / sound.blocks > 0.99, `${name}: ${sound.loud} of ${sound.blocks} blocks with sound`);
    check(sound.longestSilenceMs < 120, `${name}: silence of ${sound.longestSilenceMs} ms`);
    const picture = await seen(page);
    console.log(`# ${name}: ${picture.frames} pictures of ${picture.width}x${picture.height}, longest gap ${picture.longestGapMs.toFixed(0)} ms, unreadable ${picture.bad} of ${picture.reads}`);
    check(picture.width === 1280 && picture.height === 720, `${name}: size ${picture.width}x${picture.height}`);
    check(picture.frames > seconds * 8, `${name}: ${picture.frames} pictures`);
    check(picture.longestGapMs < 1000, `${name}: frozen for ${picture.longestGapMs} ms`);
    check(picture.bad / picture.reads < 0.02, `${name}: ${picture.bad} of ${picture.reads} unreadable`);
    check(picture.backwards === 0, `${name}: ${picture.backwards} pictures out of order`);
    const sent = await trainer.evaluate(() => window.fakeScreen.frame);
    check(((sent - picture.last) & 0xffff) < 60, `${name}: shows picture ${picture.last} while ${sent} is sent`);
  }
});

test('each packet of voice carries the one before it, for the browser that takes that', async () => {
  const got = await learners.chromium.evaluate(async () => {
    const all = [...(await window.amphi.peer.pc.getStats()).values()];
    return all.filter((r) => r.type === 'inbound-rtp' && r.kind === 'audio' && r.packetsReceived > 0)
      // What had come already is counted as discarded; only what was lost counts as repaired.
      .map((r) => ({ packets: r.packetsReceived, redundant: r.fecPacketsReceived + r.packetsDiscarded }));
  });
  console.log(`# ${JSON.stringify(got)}`);
  check(got.length === 1 && got[0].redundant > got[0].packets * 0.9, 'no redundancy');
});

test('a learner who reloads the page is the same participant', async () => {
  const before = (await stack.participants(classId)).length;
  await learners.chromium.evaluate(() => location.reload()).catch(() => {});
  await until('the page is back', () => learners.chromium.evaluate((s) => Boolean(document.querySelector(s.enter) || document.querySelector(s.back) || document.querySelector(s.class)), { enter: testid('enter'), back: testid('come-back'), class: testid('class') }), 10000, 100);
  await sleep(500);
  const people = await stack.participants(classId);
  check(people.length === before, `${people.length} participants instead of ${before}`);
});

test('the trainer ends the class and everyone is told', async () => {
  await trainer.click(testid('class-end'));
  await trainer.click(testid('confirm-yes'));
  for (const [name, page] of Object.entries({ firefox: learners.firefox, trainer })) {
    await page.waitForSelector(testid('stopped'), { timeout: 5000 });
    const text = await page.evaluate((s) => document.querySelector(s).textContent, testid('stopped'));
    check(text.length > 10, `${name} was told nothing`);
  }
});

await main();

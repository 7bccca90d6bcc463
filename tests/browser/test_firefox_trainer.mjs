// A trainer in Firefox: it makes VP8 or VP9 without temporal layers, and its own way with two encodings.
import { Stack } from './support/stack.mjs';
import { test, main, check, sleep } from './support/tap.mjs';
import { enter, heard, pitch, seen, startShare, testid, untilHearsAndSees } from './support/people.mjs';

const seconds = Number(process.env.AMPHI_CLASS_SECONDS ?? 15);
let stack;
let classId;
let trainer;
let learners;

const sent = (page) => page.evaluate(async () => {
  const all = [...(await window.amphi.peer.pc.getStats()).values()];
  return all.filter((r) => r.type === 'outbound-rtp' && r.kind === 'video').map(({ rid, frameWidth, frameHeight, framesEncoded, bytesSent }) => ({ rid, frameWidth, frameHeight, framesEncoded, bytesSent }));
});

const voice = (page) => page.evaluate(async () => {
  const { receive } = await window.amphi.stats();
  return ['voice_0', 'voice_1', 'voice_2'].map((slot) => receive[slot]).find((s) => s?.packets > 0) ?? { samples: 0, concealed: 0 };
});

test('a trainer in Firefox enters and shares, and learners in Chromium and Firefox hear and see', async () => {
  stack = await Stack.start();
  classId = await stack.newClass('Gestion de stock');
  trainer = await enter((await stack.invite(classId, 'trainer', 'M. Roux')).url, { browser: 'firefox', toneHz: 440 });
  await startShare(trainer);
  learners = {
    chromium: await enter((await stack.invite(classId, 'learner', 'Aïcha')).url, { toneHz: 880 }),
    firefox: await enter((await stack.invite(classId, 'learner', 'Karim')).url, { browser: 'firefox', toneHz: 660 }),
  };
  for (const [name, page] of Object.entries(learners)) await untilHearsAndSees(page, name, 10000);
});

test(`for ${seconds} s the tone and the whole picture arrive, without a gap or a freeze`, async () => {
  await sleep(2000);
  for (const page of Object.values(learners)) await page.evaluate(() => { window.soundReset(); window.pictureReset(); });
  const before = {};
  for (const [name, page] of Object.entries(learners)) before[name] = await voice(page);
  await sleep(seconds * 1000);
  // A busy machine makes gaps before anything is sent; what was lost behind that is told apart by the learner's own count.
  const concealed = {};
  for (const [name, page] of Object.entries(learners)) {
    const after = await voice(page);
    concealed[name] = (after.concealed - before[name].concealed) / Math.max(1, after.samples - before[name].samples);
  }
  console.log(`# made up: ${JSON.stringify(concealed)}, sent: ${JSON.stringify(await sent(trainer))}`);
  for (const [name, page] of Object.entries(learners)) {
    const sound = await heard(page);
    const { hz, purity } = pitch(sound);
    const picture = await seen(page);
    console.log(`# ${name}: ${sound.loud}/${sound.blocks} blocks with sound, ${hz} Hz, ${picture.frames} pictures of ${picture.width}x${picture.height}, longest gap ${picture.longestGapMs.toFixed(0)} ms, unreadable ${picture.bad} of ${picture.reads}`);
    check(hz >= 400 && hz <= 450 && purity > 0.97, `${name}: pitch ${hz} Hz, purity ${purity}`);
    check(sound.loud > sound.blocks / 2, `${name}: ${sound.loud} of ${sound.blocks} blocks with sound`);
    check(concealed[name] < 0.02, `${name}: ${(100 * concealed[name]).toFixed(1)} % of the sound was made up`);
    check(picture.width === 1280 && picture.height === 720, `${name}: size ${picture.width}x${picture.height}`);
    check(picture.frames > seconds * 3, `${name}: ${picture.frames} pictures`);
    check(picture.longestGapMs < 1500, `${name}: frozen for ${picture.longestGapMs} ms`);
    check(picture.bad / picture.reads < 0.02, `${name}: ${picture.bad} of ${picture.reads} unreadable`);
    check(picture.backwards === 0, `${name}: ${picture.backwards} pictures out of order`);
  }
});

test('nothing is sent of the encoding that nobody receives', async () => {
  const spare = (await sent(trainer)).filter((s) => s.rid === 'l');
  check(spare.every((s) => !s.framesEncoded), JSON.stringify(spare));
});

test('a share that ended and begins again is seen again', async () => {
  await trainer.click(testid('share-toggle'));
  await sleep(1000);
  await trainer.click(testid('share-toggle'));
  for (const page of Object.values(learners)) await page.evaluate(() => window.pictureReset());
  for (const [name, page] of Object.entries(learners)) await untilHearsAndSees(page, name, 10000);
});

await main();

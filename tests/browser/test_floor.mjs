// The floor, as ears notice it: not a packet without it, heard within 300 ms of the grant, silent at once when it is taken.
import { Stack } from './support/stack.mjs';
import { test, main, check, sleep, until } from './support/tap.mjs';
import { enter, heard, pitch, testid } from './support/people.mjs';

const ROUNDS = 5;
let stack;
let classId;
let trainer;
let learner;
let listener;

test('a trainer and two learners enter', async () => {
  stack = await Stack.start();
  classId = await stack.newClass('Essai');
  trainer = await enter((await stack.invite(classId, 'trainer', 'Mme Petit')).url);
  learner = await enter((await stack.invite(classId, 'learner', 'Aïcha')).url, { toneHz: 880 });
  listener = await enter((await stack.invite(classId, 'learner', 'Karim')).url);
  await until('everybody is connected', async () => (await stack.participants(classId)).every((p) => p.media === 'connected'));
  await trainer.evaluate(() => { window.fakeMicrophone.volume = 0; });
  await sleep(1500);
});

test('a learner without the floor is not heard, whatever its page does', async () => {
  await learner.click(testid('hand'));
  await trainer.waitForSelector(testid('floor-give'));
  for (const page of [trainer, listener]) await page.evaluate(() => window.soundReset());
  await learner.evaluate(() => {
    // A page that was tampered with: every sending line gets a loud tone.
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { frequency: 880 });
    const out = context.createMediaStreamDestination();
    tone.connect(out);
    tone.start();
    context.resume();
    const sender = window.amphi.peer.pc.getTransceivers().find((t) => t.direction === 'sendonly').sender;
    return sender.replaceTrack(out.stream.getAudioTracks()[0]);
  });
  await sleep(2000);
  for (const page of [trainer, listener]) check((await heard(page)).loud === 0, 'the learner is heard without the floor');
  const drops = await (await fetch(`${stack.info.base_url}/metrics`)).text();
  check(/reason="closed_slot"\} [1-9]/.test(drops), 'no packet was counted as dropped');
});

test('with the floor it is heard by everybody within 300 ms, and silent at once when it is taken', async () => {
  const delays = [];
  const ends = [];
  for (let round = 0; round < ROUNDS; round++) {
    await listener.evaluate(() => window.soundReset());
    const granted = await trainer.evaluate((s) => {
      window.soundReset();
      document.querySelector(s).click();
      return performance.now();
    }, testid('floor-give'));
    const sound = await until('the learner is heard', async () => { const h = await heard(trainer); return h.firstLoudAt && h; }, 5000, 20);
    delays.push(sound.firstLoudAt - granted);
    await sleep(1000);
    check((await heard(listener)).loudNow, 'the other learner does not hear it');
    const { hz } = pitch(await heard(listener));
    check(Math.abs(hz - 880) <= 50, `pitch ${hz} Hz`);
    const taken = await trainer.evaluate((s) => { document.querySelector(s).click(); return performance.now(); }, testid('floor-take'));
    await sleep(1000);
    const after = await heard(trainer);
    ends.push(after.lastLoudAt - taken);
    check(!after.loudNow && !(await heard(listener)).loudNow, 'still heard');
    await learner.click(testid('hand'));
    await trainer.waitForSelector(testid('floor-give'));
    await sleep(500);
  }
  console.log(`# grant to heard: ${delays.map((d) => d.toFixed(0)).join(', ')} ms; taken to silent: ${ends.map((d) => d.toFixed(0)).join(', ')} ms`);
  check(Math.max(...delays) < 300, `grant to heard took ${Math.max(...delays)} ms`);
  check(Math.max(...ends) < 300, `taken to silent took ${Math.max(...ends)} ms`);
});

await main();

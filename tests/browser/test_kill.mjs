// kill -9 of either service while a class runs: it comes back by itself.
import { Stack } from './support/stack.mjs';
import { test, main, check, sleep, until } from './support/tap.mjs';
import { enter, heard, seen, startShare, untilHearsAndSees } from './support/people.mjs';

const rounds = Number(process.env.AMPHI_KILL_ROUNDS ?? 3);
let stack;
let classId;
let trainer;
let learner;

const packetsLost = (page) => page.evaluate(async () => {
  let lost = 0;
  for (const report of (await window.amphi.peer.pc.getStats()).values()) if (report.type === 'inbound-rtp' && report.packetsReceived > 0) lost += report.packetsLost;
  return lost;
});

test('a class runs', async () => {
  stack = await Stack.start();
  classId = await stack.newClass('Essai');
  trainer = await enter((await stack.invite(classId, 'trainer', 'Mme Petit')).url);
  await startShare(trainer);
  learner = await enter((await stack.invite(classId, 'learner', 'Aïcha')).url, { toneHz: 880 });
  await untilHearsAndSees(learner, 'the learner');
  await sleep(2000);
});

for (let round = 1; round <= rounds; round++) {
  test(`kill -9 of signaling, ${round}: media does not stop for a packet, and the page is whole within 3 s`, async () => {
    await learner.evaluate(() => { window.soundReset(); window.pictureReset(); });
    const ids = (await stack.participants(classId)).map((p) => p.id).sort().join();
    const lost = await packetsLost(learner);
    const old = stack.info.signaling_pid;
    process.kill(old, 'SIGKILL');
    const killed = Date.now();
    await until('signaling is back', async () => stack.info.signaling_pid !== old && (await fetch(`${stack.info.base_url}/healthz`)).ok, 3000, 20);
    await until('both pages are connected again', async () => {
      const people = await stack.participants(classId);
      return people.length === 2 && people.every((p) => p.here);
    }, 3000, 50);
    console.log(`# whole again after ${Date.now() - killed} ms`);
    check(Date.now() - killed < 3000, 'it took more than 3 s');
    await sleep(1500);
    const sound = await heard(learner);
    const picture = await seen(learner);
    check(sound.longestSilenceMs < 120, `silence of ${sound.longestSilenceMs} ms`);
    check(picture.longestGapMs < 1000, `frozen for ${picture.longestGapMs} ms`);
    check((await packetsLost(learner)) === lost, 'packets were lost');
    check((await stack.participants(classId)).map((p) => p.id).sort().join() === ids, 'participants changed');
  });

  test(`kill -9 of the relay, ${round}: heard and seen again within 5 s, nobody touching anything`, async () => {
    const old = stack.info.relay_pid;
    process.kill(old, 'SIGKILL');
    const killed = Date.now();
    await until('the relay is back', () => stack.info.relay_pid !== old, 3000, 20);
    await sleep(300); // what was still in the players' buffers has been played
    await learner.evaluate(() => { window.soundReset(); window.pictureReset(); });
    await untilHearsAndSees(learner, 'the learner', 5000);
    console.log(`# heard and seen again after ${Date.now() - killed} ms`);
    check(Date.now() - killed < 5000, 'it took more than 5 s');
    check((await stack.participants(classId)).length === 2, 'participants changed');
    await sleep(1500);
  });
}

test('the pages had no errors of their own', async () => {
  const own = [...trainer.problems, ...learner.problems].filter((p) => !/WebSocket|ERR_CONNECTION|Failed to load resource/.test(p));
  check(own.length === 0, own.join('\n'));
});

await main();

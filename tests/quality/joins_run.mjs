// Learners who join one after the other behind a bad line; run by joins.py inside the relay's namespace.
//
//     node joins_run.mjs PLAN.json
//
// Standard output, a line of JSON each: {"ask": "bad" | "good"} wants the line changed and an answer; {"join": {...}} is one that was
// watched; {"result": {}} ends the run.
import { readFileSync } from 'node:fs';
import { enterClass, openBrowser, openLobby, shareScreen, watchScreen } from './class_pages.mjs';
import { readStatistics } from './slides.mjs';
import { Stack } from '../browser/support/stack.mjs';
import { createInterface } from 'node:readline';
import { sleep, runProgram, until } from '../browser/support/tap.mjs';

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const slides = { slideMs: plan.slideMs, fps: plan.fps };
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(what) {
  say({ ask: what });
  await answers.next();
}

const readFirst = () => ({ firstVoiceAt: window.slidesSeen.firstVoiceAt, firstPictureAt: window.slidesSeen.pictures[0]?.[0] ?? null, upAt: Math.max(0, ...window.connections.map((c) => c.upAt)) });

/** Times count from when the media's path was up, the voice's from the click as well. */
async function watchJoin(learner, trainer) {
  const before = await trainer.evaluate(readStatistics);
  const enteredAt = await enterClass(learner);
  await sleep(plan.watchMs);
  const hasBegun = async () => Object.values(await learner.evaluate(readFirst)).every(Boolean);
  await until('voice and picture', hasBegun, Math.max(0, enteredAt + plan.latestMs - Date.now()), 250).catch(() => {});
  const seen = await learner.evaluate(readFirst);
  const { pliSent } = await learner.evaluate(readStatistics);
  const after = await trainer.evaluate(readStatistics);
  return {
    upMs: seen.upAt - enteredAt, heardMs: seen.firstVoiceAt && Math.round(seen.firstVoiceAt - enteredAt), voiceMs: seen.firstVoiceAt ? seen.firstVoiceAt - seen.upAt : null, pictureMs: seen.firstPictureAt && Math.round(seen.firstPictureAt - seen.upAt),
    wishes: pliSent, keyRequests: after.pliReceived + after.firReceived - before.pliReceived - before.firReceived,
  };
}

async function run() {
  const stack = await Stack.start(['--bind', plan.address]);
  const classId = await stack.newClass('Mesure');
  const trainer = await openLobby(await openBrowser(), (await stack.invite(classId, 'trainer', 'Mme Petit')).url, slides);
  const browser = await openBrowser(plan.farNamespace);
  await enterClass(trainer);
  await shareScreen(trainer);
  for (let i = 0; i < plan.joins; i++) {
    const learner = await openLobby(browser, (await stack.invite(classId, 'learner', `Aïcha ${i}`)).url, slides);
    await watchScreen(learner);
    await ask('bad');
    say({ join: await watchJoin(learner, trainer) });
    // A line is not shared with what goes out to the one before: it says goodbye, and is heard.
    await ask('good');
    await learner.goto('about:blank');
    await sleep(500);
    await learner.context().close();
  }
  say({ result: {} });
}

await runProgram(run);

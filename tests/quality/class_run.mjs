// One class in two browsers on this machine, watched; run by quality.py inside the relay's namespace.
//
//     node class_run.mjs SCENARIO.json OUT_FOLDER
//
// Standard output, a line of JSON each: {"link": TEXT} asks for a change of the emulated line;
// {"sample": {...}} is said each second;
// {"result": {...}} ends the run. The learner's kept pictures go to OUT_FOLDER as PGM files.
import { readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { enterClass, openBrowser, openLobby, shareScreen, testid, watchScreen, words } from './class_pages.mjs';
import { layout, readStatistics } from './slides.mjs';
import { Stack, root } from '../browser/support/stack.mjs';
import { atEnd, sleep, runProgram } from '../browser/support/tap.mjs';

const scenario = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const outFolder = process.argv[3];
const slides = { slideMs: scenario.slideMs, fps: scenario.fps };
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** Counters at the end less those at the start; what is not a counter stays. */
function difference(end, start) {
  const kept = new Set(['rttMs', 'jitterBufferMs', 'availableOutgoing']);
  return Object.fromEntries(Object.entries(end).map(([k, v]) => [k, typeof v === 'number' && !kept.has(k) ? v - start[k] : v]));
}

function startBackgroundLearners(stack, url, count) {
  if (!count) return;
  const report = join(outFolder, 'others.json');
  const client = spawn(join(root, 'build', 'release', 'bin', 'amphi-client'),
    ['--url', url, '--learners', String(count), '--seconds', String(scenario.seconds + 20), '--out', report, '--ca', join(stack.data, 'certs', 'ca.pem')], { stdio: ['ignore', 'ignore', 'inherit'] });
  atEnd(() => client.kill());
}

async function savePictures(page) {
  const count = await page.evaluate(() => window.slidesSeen.kept.length);
  const pictures = [];
  for (let i = 0; i < count; i++) {
    const { at, value, grey } = await page.evaluate((n) => {
      const kept = window.slidesSeen.kept[n];
      let binary = '';
      for (let from = 0; from < kept.grey.length; from += 8192) binary += String.fromCharCode(...kept.grey.subarray(from, from + 8192));
      return { at: kept.at, value: kept.value, grey: btoa(binary) };
    }, i);
    const file = join(outFolder, `${String(i).padStart(4, '0')}.pgm`);
    writeFileSync(file, Buffer.concat([Buffer.from(`P5 ${layout.words.width} ${layout.words.height} 255\n`), Buffer.from(grey, 'base64')]));
    pictures.push({ at, value, file });
  }
  return pictures;
}

async function run() {
  const stack = await Stack.start(['--bind', scenario.address]);
  const classId = await stack.newClass('Mesure');
  const trainerBrowser = await openBrowser(scenario.behind === 'trainer' ? scenario.farNamespace : null);
  const learnerBrowser = await openBrowser(scenario.behind === 'learner' ? scenario.farNamespace : null);
  const trainer = await openLobby(trainerBrowser, (await stack.invite(classId, 'trainer', 'Mme Petit')).url, slides);
  await enterClass(trainer);
  await shareScreen(trainer);
  startBackgroundLearners(stack, (await stack.invite(classId, 'learner', 'Autres', { participants: 50 })).url, scenario.others);
  const learner = await openLobby(learnerBrowser, (await stack.invite(classId, 'learner', 'Aïcha')).url, slides);
  await sleep(scenario.waitBeforeJoinMs);
  await watchScreen(learner);
  const trainerBeforeJoin = await trainer.evaluate(readStatistics);
  for (const text of scenario.line) say({ link: text });
  if (scenario.line.length) await sleep(200);
  const enteredAt = await enterClass(learner);
  if (scenario.settleMs) await sleep(scenario.settleMs);
  const trainerAfterJoin = await trainer.evaluate(readStatistics);
  for (const text of scenario.script) say({ link: text });
  const start = { at: Date.now(), learner: await learner.evaluate(readStatistics), trainer: await trainer.evaluate(readStatistics) };
  while (Date.now() < start.at + scenario.seconds * 1000) {
    await sleep(1000);
    if (!scenario.sample) continue;
    say({ sample: { at: Date.now() - start.at, learner: await learner.evaluate(readStatistics), trainer: await trainer.evaluate(readStatistics) } });
  }
  const end = { at: Date.now(), learner: await learner.evaluate(readStatistics), trainer: await trainer.evaluate(readStatistics) };
  const connection = await (scenario.behind === 'trainer' ? trainer : learner).evaluate((s) => document.querySelector(s)?.dataset.state ?? '', testid('connection'));
  const timeline = await learner.evaluate(() => window.timeline);
  const connectedAt = await learner.evaluate(() => Math.max(0, ...window.connections.map((c) => c.upAt)));
  const { pictures, firstVoiceAt, width, height } = await learner.evaluate(() => ({ ...window.slidesSeen, kept: [], audio: [] }));
  const shown = await trainer.evaluate(() => window.slidesShown);
  if (scenario.screenshot) await learner.screenshot({ path: scenario.screenshot });
  say({ result: { startAt: start.at, endAt: end.at, enteredAt, connectedAt, firstVoiceAt, width, height, connection, pictures, shown,
    kept: await savePictures(learner), learner: difference(end.learner, start.learner), trainer: difference(end.trainer, start.trainer),
    trainerJoin: difference(trainerAfterJoin, trainerBeforeJoin), timeline, words } });
}

await runProgram(run);

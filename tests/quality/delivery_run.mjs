// A trainer's page beside the relay and a learner's behind a line that fails; run by test_delivery.py in the
// learner's namespace. Times are from the change of the line, or the press, to what the trainer's one line says.
//
//     node delivery_run.mjs PLAN.json
//
// Standard output as of path_run.mjs.
import { readFileSync, mkdtempSync, writeFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { enter, startShare, testid, untilHearsAndSees } from '../browser/support/people.mjs';
import { Stack } from '../browser/support/stack.mjs';
import { atEnd, runProgram, sleep, until } from '../browser/support/tap.mjs';

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const ask = async (name) => {
  say({ ask: name });
  await answers.next();
};

/** Chromium as it runs beside the relay. */
function besideTheRelay() {
  const folder = mkdtempSync(join(tmpdir(), 'amphi-chromium-'));
  const file = join(folder, 'chromium');
  writeFileSync(file, `#!/bin/sh\nexec ip netns exec ${plan.relayNamespace} /usr/bin/chromium "$@"\n`, { mode: 0o755 });
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return file;
}

/** What the trainer's line says: its figures, and about whom. */
const line = (page) => page.evaluate((s) => {
  const element = document.querySelector(s);
  return element && {
    ok: Number(element.dataset.ok), total: Number(element.dataset.total), text: element.innerText.replace(/\s+/g, ' '),
    about: [...element.querySelectorAll('[data-about]')].map((e) => e.dataset.about),
  };
}, testid('cockpit-line'));

/** How long until the line says one of `about`, or, with none, that all is well. */
async function told(trainer, about, withinMs) {
  const from = Date.now();
  let last = null;
  const seen = []; // [ms, about whom the line speaks]
  const done = async () => {
    last = await line(trainer);
    const now = last?.about.join() ?? '';
    if (seen.at(-1)?.[1] !== now) seen.push([Date.now() - from, now]);
    return about ? last?.about.some((a) => about.includes(a)) : last && last.ok === last.total && last.about.length === 0;
  };
  const inTime = await until('the trainer is told', done, withinMs, 30).then(() => true, () => false);
  return { ms: inTime ? Date.now() - from : null, text: last?.text ?? null, seen };
}

const setVolume = (page, volume) => page.evaluate(({ s, volume: v }) => {
  const slider = document.querySelector(s);
  slider.value = v;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
}, { s: testid('volume'), volume });

async function run() {
  const stack = await Stack.start(plan.options, plan.relayNamespace);
  const classId = await stack.newClass('Anglais logistique');
  const trainer = await enter((await stack.invite(classId, 'trainer', 'Mme Petit')).url, { newBrowser: true, executable: besideTheRelay(), ignoreHTTPSErrors: true });
  const learner = await enter((await stack.invite(classId, 'learner', 'Karim')).url, { newBrowser: true, ignoreHTTPSErrors: true });
  await startShare(trainer);
  await untilHearsAndSees(learner, 'the learner', 20000);
  await told(trainer, null, 10000);
  const result = [];
  for (const { name, change, volume, about, heal, settleMs } of plan.steps) {
    await sleep(settleMs ?? 5000 + Math.random() * 1500);
    if (volume === undefined) await ask(change);
    else await setVolume(learner, volume);
    const bad = await told(trainer, about, 6000);
    await sleep(3000);
    if (volume === undefined) await ask(heal);
    else await setVolume(learner, 1);
    result.push({ name, bad, well: await told(trainer, null, 20000) });
  }
  say({ result });
}

await runProgram(run);

// Every page in its main states: nothing for axe-core, nothing wider than the window, screenshots to look at
// (build/screenshots), both languages, and the way in by keyboard alone.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Stack, root } from './support/stack.mjs';
import { chromiumPage } from './support/browsers.mjs';
import { test, main, check, sleep, until } from './support/tap.mjs';
import { enter, startShare, testid } from './support/people.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const out = join(root, 'build', 'screenshots');
let stack;
let classId;
const pages = {};

async function inspect(page, name) {
  mkdirSync(out, { recursive: true });
  for (const width of [390, 1280, 1920]) {
    await page.setViewportSize({ width, height: width === 390 ? 844 : width === 1280 ? 800 : 1080 });
    await sleep(300);
    await page.screenshot({ path: join(out, `${name}-${width}.png`) });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    check(overflow <= 0, `${name} at ${width}: ${overflow} px wider than the window`);
    await page.evaluate(`if (!window.axe) { ${axe} }`);
    const violations = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ['violations'] })).violations
      .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`));
    check(violations.length === 0, `${name} at ${width}: ${violations.join('; ')}`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

test('the lobby, for each role', async () => {
  stack = await Stack.start();
  classId = await stack.newClass('Anglais logistique');
  for (const role of ['trainer', 'learner']) {
    const page = await chromiumPage();
    await page.goto((await stack.invite(classId, role, role === 'trainer' ? 'Mme Petit' : '')).url);
    await page.waitForSelector(testid('enter'));
    await inspect(page, `lobby-${role}`);
    await page.context().close();
  }
});

test('in class: trainer with a share and a raised hand, learner, operator', async () => {
  pages.trainer = await enter((await stack.invite(classId, 'trainer', 'Mme Petit')).url);
  await startShare(pages.trainer);
  pages.learner = await enter((await stack.invite(classId, 'learner', 'Aïcha')).url, { toneHz: 880 });
  await until('the picture is there', () => pages.learner.evaluate(() => window.pictureSeen.frames > 3), 10000);
  await pages.learner.click(testid('hand'));
  await pages.trainer.waitForSelector(testid('floor-give'));
  pages.operator = await chromiumPage();
  await pages.operator.goto((await stack.invite(classId, 'operator', 'Exploitation')).url);
  await pages.operator.waitForSelector(testid('enter')).then(() => pages.operator.click(testid('enter'))).catch(() => {});
  await pages.operator.waitForSelector(testid('class-card'), { timeout: 10000 });
  await sleep(2500);
  for (const [name, page] of Object.entries(pages)) await inspect(page, `class-${name}`);
});

test('the operator reads a code back, and ends a class after a question', async () => {
  const { operator } = pages;
  await operator.fill(testid('line-code-read'), '123456');
  await sleep(200);
  await inspect(operator, 'operator-code');
  const other = await stack.newClass('Gestion de stock');
  const card = `${testid('class-card')}[data-id="${other}"]`;
  await operator.waitForSelector(card, { timeout: 6000 });
  await operator.click(`${card} ${testid('operator-end')}`);
  await operator.waitForSelector(testid('confirm'));
  await inspect(operator, 'operator-confirm');
  await operator.click(testid('confirm-yes'));
  await until('the class is over', async () => (await stack.api('GET', `/classes/${other}`)).state === 'ended');
  await until('its card has gone', async () => !(await operator.$(card)), 6000);
});

test('the operator sees who is in class, the streams, each shard and what is left', async () => {
  const text = await pages.operator.evaluate(() => document.body.innerText);
  for (const word of ['Mme Petit', 'Aïcha', 'Anglais logistique']) check(text.includes(word), `${word} is missing`);
  check((await pages.operator.$$(testid('shard'))).length >= 1, 'no shard');
});

test('English by the switch', async () => {
  const page = await chromiumPage();
  await page.goto((await stack.invite(classId, 'learner', '')).url);
  await page.click(testid('lang-en'));
  await until('the page is in English', () => page.evaluate(() => document.documentElement.lang === 'en'));
  await inspect(page, 'lobby-learner-en');
  await page.context().close();
});

test('in by keyboard alone', async () => {
  const page = await chromiumPage();
  await page.goto((await stack.invite(classId, 'learner', '')).url);
  await page.waitForSelector(testid('enter'));
  const focused = () => page.evaluate(() => document.activeElement?.dataset?.testid ?? '');
  for (let i = 0; i < 30 && (await focused()) !== 'name'; i++) await page.keyboard.press('Tab');
  check((await focused()) === 'name', 'the name cannot be reached');
  await page.keyboard.type('Karim');
  for (let i = 0; i < 30 && (await focused()) !== 'enter'; i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector(testid('class'), { timeout: 10000 });
  for (let i = 0; i < 40 && (await focused()) !== 'hand'; i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await until('the hand is up', async () => (await stack.participants(classId)).some((p) => p.name === 'Karim' && p.hand));
  await page.context().close();
});

test('what is wrong with a link is said in a sentence', async () => {
  const gone = await stack.invite(classId, 'learner', 'X', { expires_in_s: 1 });
  await sleep(1500);
  for (const [name, url] of [['expired', gone.url], ['forged', `${gone.url.split('#')[0]}#eyJhbGciOiJub25lIn0.e30.`]]) {
    const page = await chromiumPage();
    await page.goto(url);
    const button = await page.waitForSelector(`${testid('enter')}, ${testid('stopped')}`);
    if (await page.$(testid('enter'))) {
      await page.fill(testid('name'), 'X').catch(() => {});
      await button.click();
    }
    await page.waitForSelector(testid('stopped'), { timeout: 10000 });
    await inspect(page, `stopped-${name}`);
    await page.context().close();
  }
});

await main();

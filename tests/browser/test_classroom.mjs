// The classroom as its people use it, in real browsers against the real server: each mode, the queue, muting, the door,
// a second window, a cut; each of them checked in what the others hear and see.
import { Stack } from './support/stack.mjs';
import { check, main, sleep, test, until } from './support/tap.mjs';
import { chromiumPage, firefoxPage } from './support/browsers.mjs';
import { installSources } from './support/sources.mjs';
import { enter, heard, pitch, testid } from './support/people.mjs';

/** Of the 46 that a second has: an ear that stands still hears nothing, and proves nothing. */
const LISTENED_BLOCKS = 30;
let stack;
let classId;
let trainer;
let aicha;
let karim;

const voice = (page) => page.evaluate((s) => document.querySelector(s)?.dataset.voice ?? '', testid('mic-state'));
const hears = (page) => heard(page).then((h) => h.loudNow);
const mode = async (name) => {
  await trainer.click(testid(`mode-${name}`));
  await until(`the mode is ${name}`, () => trainer.evaluate((s) => document.querySelector(s).getAttribute('aria-pressed') === 'true', testid(`mode-${name}`)));
};
const seen = (page, selector, timeout = 5000) => page.waitForSelector(selector, { timeout });
const gone = (page, selector) => until(`${selector} has gone`, async () => !(await page.evaluate((s) => Boolean(document.querySelector(s)), selector)), 5000);
const text = (page, name) => page.evaluate((s) => document.querySelector(s)?.textContent ?? '', testid(name));
const menu = async (name, what) => {
  await trainer.click(`[data-testid="person"][data-name="${name}"] ${testid('person-more')}`);
  await trainer.click(testid(`do-${what}`));
};

/** To the door, and no further. */
async function knock(url, name, browser = 'chromium') {
  const sources = { install: installSources, options: { toneHz: 700, fps: 5 } };
  const page = await (browser === 'firefox' ? firefoxPage : chromiumPage)({ sources });
  await page.goto(url);
  await page.waitForSelector(testid('enter'));
  if (name) await page.fill(testid('name'), name);
  await page.click(testid('enter'));
  return page;
}

test('a trainer and two learners, one of them in Firefox', async () => {
  stack = await Stack.start();
  classId = await stack.newClass('Anglais logistique');
  trainer = await enter((await stack.invite(classId, 'trainer', 'Mme Petit')).url, { toneHz: 440 });
  aicha = await enter((await stack.invite(classId, 'learner', 'Aïcha')).url, { toneHz: 880 });
  karim = await enter((await stack.invite(classId, 'learner', 'Karim')).url, { toneHz: 660, browser: 'firefox' });
  await until('everybody is connected', async () => (await stack.participants(classId)).every((p) => p.media === 'connected'));
  await until('the trainer is heard', async () => (await voice(trainer)) === 'heard');
  await trainer.evaluate(() => { window.fakeMicrophone.volume = 0; });
  check((await voice(aicha)) === 'closed', `a learner's sign says ${await voice(aicha)}`);
});

test('lecture: two hands keep their order, each learner knows its place, "next" gives the floor to the first', async () => {
  await aicha.click(testid('hand'));
  await until('the first hand is up', () => trainer.evaluate((s) => document.querySelectorAll(s).length === 1, testid('hand-row')));
  await karim.click(testid('hand'));
  await until('Karim is second', () => karim.evaluate((s) => document.querySelector(s)?.dataset.position === '2', testid('hand-state')));
  check((await aicha.evaluate((s) => document.querySelector(s).dataset.position, testid('hand-state'))) === '1', 'Aïcha is not first');
  await trainer.evaluate(() => window.soundReset());
  await trainer.click(testid('floor-next'));
  await until('Aïcha is heard, and told so', async () => (await hears(trainer)) && (await voice(aicha)) === 'heard');
  // A pitch is read off a moment's sound; the first moment may hold the player's own onset.
  await until('it is her voice: 880 Hz', async () => Math.abs(pitch(await heard(trainer)).hz - 880) <= 50, 2000);
  await until('Karim is next', () => karim.evaluate((s) => document.querySelector(s)?.dataset.position === '1', testid('hand-state')));
  await trainer.click(testid('floor-take'));
  await until('Aïcha is silent, and told so', async () => !(await hears(trainer)) && (await voice(aicha)) === 'closed');
  await trainer.click(testid('hand-lower'));
  await until('Karim\'s hand is down', () => karim.evaluate((s) => document.querySelector(s).getAttribute('aria-pressed') === 'false', testid('hand')));
});

test('discussion: nobody\'s microphone goes on by itself; who turns it on is heard; muted by name is silent until it is lifted', async () => {
  await mode('discussion');
  await until('both may speak', async () => (await voice(aicha)) === 'off' && (await voice(karim)) === 'off');
  await sleep(500);
  check(!(await hears(trainer)), 'somebody is heard without having turned the microphone on');
  await karim.click(testid('mic-toggle'));
  await until('Karim is heard, from Firefox', async () => (await hears(trainer)) && (await voice(karim)) === 'heard');
  await menu('Karim', 'mute');
  await until('Karim is muted, and told so', async () => !(await hears(trainer)) && (await voice(karim)) === 'muted');
  await menu('Karim', 'unmute');
  await until('Karim may speak again', async () => (await voice(karim)) === 'off');
  await sleep(300);
  check(!(await hears(trainer)), 'a microphone went on by itself when the mute was lifted');
  await aicha.click(testid('mic-toggle'));
  await karim.click(testid('mic-toggle'));
  await until('both are heard', async () => (await voice(aicha)) === 'heard' && (await voice(karim)) === 'heard');
  await menu('Aïcha', 'mute_others');
  await until('all but Aïcha are muted', async () => (await voice(aicha)) === 'heard' && (await voice(karim)) === 'muted');
  await menu('Aïcha', 'mute_ask');
  await until('Aïcha is asked politely', async () => (await text(aicha, 'toasts')).length > 10);
  check((await voice(aicha)) === 'heard', 'a polite question muted her');
});

test('break: nobody is heard, the trainer neither, a countdown runs, and after it the trainer is heard again', async () => {
  await trainer.evaluate(() => { window.fakeMicrophone.volume = 0.5; });
  await until('the trainer is heard', () => hears(aicha));
  await mode('break');
  await seen(aicha, testid('break-left'));
  await until('it is silent', async () => !(await hears(aicha)) && (await voice(trainer)) === 'break');
  const before = await text(aicha, 'break-left');
  await sleep(1500);
  check((await text(aicha, 'break-left')) !== before, 'the countdown stands still');
  await trainer.click(testid('break-5'));
  await until('the break is shorter', async () => /^[45]:/.test(await text(karim, 'break-left')));
  await trainer.click(testid('break-end'));
  await until('the trainer is heard again by itself', async () => (await hears(aicha)) && (await voice(trainer)) === 'heard');
  await trainer.evaluate(() => { window.fakeMicrophone.volume = 0; });
  check((await voice(aicha)) === 'closed', 'a learner may speak after the break');
});

test('quiz: as a lecture, and everybody is told the mode in words', async () => {
  await mode('quiz');
  await until('the learners are told', async () => (await aicha.evaluate((s) => document.querySelector(s).dataset.mode, testid('mode-now'))) === 'quiz');
  await mode('lecture');
});

test('practical: the trainer and one learner hear each other in private, and the class hears neither; then it hears the trainer again', async () => {
  await mode('practical');
  await aicha.click(testid('bell'));
  await trainer.click(testid('aside-start'));
  await until('both pages say so', async () => (await voice(trainer)) === 'private' && (await text(aicha, 'aside')).includes('Mme Petit'));
  check((await text(trainer, 'mic-state')).includes('La classe ne vous entend pas'), `the trainer's sign says ${await text(trainer, 'mic-state')}`);
  await sleep(700);
  for (const page of [trainer, aicha, karim]) await page.evaluate(() => window.soundReset());
  await trainer.evaluate(() => { window.fakeMicrophone.volume = 0.5; });
  await until('Aïcha hears the trainer', () => hears(aicha));
  check((await voice(aicha)) === 'off', `her microphone went on by itself: ${await voice(aicha)}`);
  await aicha.click(testid('aside-mic'));
  await until('the trainer hears Aïcha', async () => (await hears(trainer)) && (await voice(aicha)) === 'private');
  await until('it is her voice: 880 Hz', async () => Math.abs(pitch(await heard(trainer)).hz - 880) <= 50, 2000);
  await sleep(1000);
  const others = await heard(karim);
  check(others.blocks >= LISTENED_BLOCKS, `another learner listened for ${others.blocks} blocks only: that says nothing`);
  check(others.loud === 0, 'another learner hears what is said in private');
  check((await text(karim, 'aside')) === '' && !(await text(karim, 'speaking')).includes('Aïcha'), 'another learner is told who speaks in private');
  await trainer.click(testid('aside-stop'));
  await until('the class hears the trainer again', async () => (await hears(karim)) && (await hears(aicha)) && (await voice(trainer)) === 'heard');
  await until('Aïcha is heard by nobody', async () => (await voice(aicha)) === 'closed' && !(await hears(trainer)));
  await gone(trainer, testid('bell-row'));
});

test('a private talk that the learner ends turns the trainer\'s microphone off first: the class hears no sentence that was meant for one', async () => {
  await menu('Aïcha', 'aside');
  await until('it has begun', async () => (await voice(trainer)) === 'private');
  await sleep(700);
  await karim.evaluate(() => window.soundReset());
  await aicha.click(testid('aside-stop'));
  await until('the trainer is told', async () => (await voice(trainer)) === 'off' && (await text(trainer, 'toasts')).includes('coupé'));
  await sleep(1000);
  const { loud, blocks } = await heard(karim);
  check(blocks >= LISTENED_BLOCKS, `the class listened for ${blocks} blocks only: that says nothing`);
  check(loud === 0, `the class heard ${loud} blocks of what was meant for one`);
  await trainer.evaluate(() => { window.fakeMicrophone.volume = 0; });
  await trainer.click(testid('mic-toggle'));
  await until('the trainer is on again', async () => (await voice(trainer)) === 'heard');
});

test('the door: a stranger waits and sees so, is let in; another is sent away for now', async () => {
  await trainer.click(testid('door-toggle'));
  await until('the lobby is on', () => trainer.evaluate((s) => document.querySelector(s).getAttribute('aria-checked') === 'true', testid('door-toggle')));
  const open = (await stack.invite(classId, 'learner', '')).url;
  const bruno = await knock(open, 'Bruno');
  await seen(bruno, testid('waiting'));
  await seen(trainer, testid('door-row'));
  await trainer.click(testid('door-admit'));
  await seen(bruno, testid('class'));
  const samira = await knock(open, 'Samira');
  await seen(samira, testid('waiting'));
  await seen(trainer, testid('door-refuse'));
  await trainer.click(testid('door-refuse'));
  await seen(samira, `${testid('stopped')}[data-reason="not_now"]`);
  const known = await knock((await stack.invite(classId, 'learner', 'Léa')).url);
  await seen(known, testid('class'));
  await menu('Bruno', 'lobby');
  await seen(bruno, testid('waiting'));
  await trainer.click(testid('door-admit'));
  await seen(bruno, testid('class'));
  await menu('Bruno', 'kick');
  await seen(bruno, `${testid('stopped')}[data-reason="removed"]`);
  await bruno.click(testid('come-back'));
  await bruno.waitForSelector(testid('enter'));
  await bruno.fill(testid('name'), 'Bruno');
  await bruno.click(testid('enter'));
  await seen(bruno, testid('waiting'));
  await trainer.click(testid('door-admit'));
  await seen(bruno, testid('class'));
  await menu('Bruno', 'ban');
  await trainer.fill(testid('ban-reason'), 'Insultes <b>répétées</b>');
  await trainer.click(testid('ban-confirm'));
  await seen(bruno, `${testid('stopped')}[data-reason="banned"]`);
  check((await text(bruno, 'because')).includes('Insultes <b>répétées</b>'), 'the reason is not said as it was written');
  for (const page of [bruno, samira, known]) await page.context().close();
});

test('a locked class lets nobody in and says what to do; the trainer opens it again', async () => {
  await trainer.click(testid('lock-toggle'));
  await until('it is locked', () => trainer.evaluate((s) => document.querySelector(s).getAttribute('aria-checked') === 'true', testid('lock-toggle')));
  const late = await knock((await stack.invite(classId, 'learner', 'Tom')).url);
  await seen(late, `${testid('stopped')}[data-reason="class_locked"]`);
  await trainer.click(testid('lock-toggle'));
  await until('it is open', () => trainer.evaluate((s) => document.querySelector(s).getAttribute('aria-checked') === 'false', testid('lock-toggle')));
  await late.click(testid('come-back'));
  await late.waitForSelector(testid('enter'));
  await late.click(testid('enter'));
  await seen(late, testid('class'));
  await late.context().close();
});

test('a personal link opened in a second window takes over; the first says so and stays away', async () => {
  const personal = (await stack.invite(classId, 'learner', 'Nina', { personal: true })).url;
  const first = await knock(personal);
  await seen(first, testid('class'));
  const second = await knock(personal);
  await seen(second, testid('class'));
  await seen(first, `${testid('stopped')}[data-reason="taken_over"]`);
  await sleep(1500);
  check(Boolean(await first.$(testid('stopped'))), 'the first window came back by itself');
  check((await stack.participants(classId)).filter((p) => p.name.startsWith('Nina')).length === 1, 'Nina is there twice');
  for (const page of [first, second]) await page.context().close();
});

test('the lead is handed to a co-trainer, who may then lock and end; an inspector is seen by all and can do nothing', async () => {
  const co = await enter((await stack.invite(classId, 'co_trainer', 'M. Roux')).url);
  check(!(await co.$(testid('lock-toggle'))) && !(await co.$(testid('class-end'))), 'a co-trainer without the lead may lock or end');
  await menu('M. Roux', 'lead');
  await seen(co, testid('class-end'));
  await seen(co, testid('lock-toggle'));
  const inspector = await enter((await stack.invite(classId, 'inspector', 'M. Contrôle')).url);
  await until('everybody sees the inspector', async () => (await text(aicha, 'inspected')).includes('Contrôle') && (await text(karim, 'inspected')).includes('Contrôle'));
  for (const name of ['mic-toggle', 'hand', 'modes', 'share-toggle', 'share-start', 'floor-give', 'person-more']) check(!(await inspector.$(testid(name))), `an inspector has ${name}`);
  for (const page of [co, inspector]) await page.context().close();
  await gone(aicha, testid('inspected'));
});

test('after kill -9 of signaling the page is the same: mode, place in the queue, mute', async () => {
  await mode('practical');
  await aicha.click(testid('hand'));
  await until('the hand is up', () => aicha.evaluate((s) => document.querySelector(s)?.dataset.position === '1', testid('hand-state')));
  const old = stack.info.signaling_pid;
  process.kill(old, 'SIGKILL');
  await until('signaling is back', async () => stack.info.signaling_pid !== old && (await fetch(`${stack.info.base_url}/healthz`)).ok, 5000, 50);
  const state = (page) => page.evaluate((s) => document.querySelector(s)?.dataset.state, testid('connection'));
  await until('the pages notice', async () => (await state(aicha)) === 'good' && (await state(trainer)) === 'good' && (await stack.participants(classId)).filter((p) => p.here).length === 3, 8000);
  check((await aicha.evaluate((s) => document.querySelector(s).dataset.mode, testid('mode-now'))) === 'practical', 'the mode is lost');
  check((await aicha.evaluate((s) => document.querySelector(s).dataset.position, testid('hand-state'))) === '1', 'the place is lost');
  await until('the trainer has the hand', async () => (await trainer.$$(testid('hand-row'))).length === 1);
  await aicha.click(testid('hand'));
  await mode('lecture');
});

test('the pages had no errors of their own', async () => {
  const own = [...trainer.problems, ...aicha.problems].filter((p) => !/WebSocket|ERR_CONNECTION|Failed to load resource/.test(p));
  check(own.length === 0, own.join('\n'));
});

await main();

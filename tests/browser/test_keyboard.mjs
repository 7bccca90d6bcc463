// A whole class with the keyboard alone, as a trainer and as a learner: every step is reached by Tab and arrows and done by
// Enter or Space; the place where one is can always be seen.
import { Stack } from './support/stack.mjs';
import { check, main, sleep, test, until } from './support/tap.mjs';
import { chromiumPage } from './support/browsers.mjs';
import { installSources } from './support/sources.mjs';
import { testid } from './support/people.mjs';

const STEPS_MAX = 120;
let stack;
let classId;
let trainer;
let learner;

async function open(url) {
  const page = await chromiumPage({ sources: { install: installSources, options: { toneHz: 440, fps: 5 } } });
  await page.goto(url);
  await page.waitForSelector(testid('enter'));
  // A mouse that is used all the same is a fault of the test.
  page.click = () => { throw new Error('no mouse here'); };
  return page;
}

const focused = (page) => page.evaluate(() => document.activeElement?.dataset?.testid ?? '');

/** Goes on by Tab until the control has the focus, and sees that one can see it there. */
async function reach(page, name, key = 'Tab') {
  await page.waitForSelector(testid(name));
  for (let i = 0; i < STEPS_MAX && (await focused(page)) !== name; i++) await page.keyboard.press(key);
  check((await focused(page)) === name, `${name} cannot be reached; the focus is on "${await focused(page)}"`);
  const outline = await page.evaluate(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return { width: parseFloat(style.outlineWidth), style: style.outlineStyle, covered: Boolean(top) && !element.contains(top) && !top.contains(element) && !top.closest('label')?.contains(element) };
  });
  check(outline.style !== 'none' && outline.width >= 2, `${name}: the focus cannot be seen`);
  check(!outline.covered, `${name}: something covers it`);
}

async function press(page, name, key = 'Enter') {
  await reach(page, name);
  await page.keyboard.press(key);
}

const value = (page, name) => page.evaluate((s) => document.querySelector(s).value, testid(name));
const attribute = (page, name, key) => page.evaluate(([s, k]) => document.querySelector(s)?.getAttribute(k), [testid(name), key]);

test('both enter, the learner after typing a name', async () => {
  stack = await Stack.start();
  classId = await stack.newClass('Anglais logistique');
  trainer = await open((await stack.invite(classId, 'trainer', 'Mme Petit')).url);
  await press(trainer, 'enter');
  await trainer.waitForSelector(testid('class'), { timeout: 15000 });
  learner = await open((await stack.invite(classId, 'learner', '')).url);
  await press(learner, 'sound-test');
  await reach(learner, 'name', 'Shift+Tab');
  await learner.keyboard.type('Karim');
  await learner.keyboard.press('Enter');
  await learner.waitForSelector(testid('class'), { timeout: 15000 });
});

test('the trainer shares a screen, changes the mode, and the learner raises a hand, speaks and stops', async () => {
  await press(trainer, 'share-start');
  await trainer.waitForSelector(testid('own-share'));
  await press(learner, 'hand', 'Space');
  await trainer.waitForSelector(testid('hand-row'));
  await press(trainer, 'floor-next');
  await until('the learner is heard', async () => (await attribute(learner, 'mic-state', 'data-voice')) === 'heard');
  await press(learner, 'mic-toggle');
  await until('the learner is off', async () => (await attribute(learner, 'mic-state', 'data-voice')) === 'off');
  await press(trainer, 'floor-take');
  await press(trainer, 'mode-break');
  await learner.waitForSelector(testid('break'));
  await press(trainer, 'break-end');
  await press(learner, 'zoom');
  await press(learner, 'connection');
  await learner.waitForSelector(testid('line-panel'));
  await learner.keyboard.press('Escape');
  await until('the panel has gone', async () => !(await learner.$(testid('line-panel'))));
  check((await focused(learner)) === 'connection', 'after a dialog the focus is lost');
});

test('one person: the menu, its ways, and back', async () => {
  await press(trainer, 'person-more');
  await trainer.waitForSelector(testid('person-menu'));
  await reach(trainer, 'do-mute_ask');
  await trainer.keyboard.press('Enter');
  await until('the learner is asked', () => learner.evaluate((s) => document.querySelector(s).textContent.includes('demande de couper votre micro'), testid('toasts')));
});

test('the door: the trainer lets strangers wait, one comes in and one is sent away, and the class is locked and opened', async () => {
  await press(trainer, 'door-toggle', 'Space');
  await until('strangers wait', async () => (await attribute(trainer, 'door-toggle', 'aria-checked')) === 'true');
  const url = (await stack.invite(classId, 'learner', '')).url;
  const knock = async (name) => {
    const page = await open(url);
    await reach(page, 'name');
    await page.keyboard.type(name);
    await press(page, 'enter');
    await page.waitForSelector(testid('waiting'), { timeout: 15000 });
    return page;
  };
  const first = await knock('Bruno');
  await press(trainer, 'door-admit');
  await first.waitForSelector(testid('class'), { timeout: 15000 });
  const second = await knock('Samira');
  await press(trainer, 'door-refuse');
  await second.waitForSelector(`${testid('stopped')}[data-reason="not_now"]`);
  await press(second, 'come-back');
  await second.waitForSelector(testid('enter'));
  await press(first, 'leave');
  await press(first, 'confirm-yes');
  await press(trainer, 'door-toggle', 'Space');
  await press(trainer, 'lock-toggle', 'Space');
  await until('the class is locked', async () => (await attribute(trainer, 'lock-toggle', 'aria-checked')) === 'true');
  await press(trainer, 'lock-toggle', 'Space');
  await until('the class is open again', async () => (await attribute(trainer, 'lock-toggle', 'aria-checked')) === 'false');
  for (const page of [first, second]) await page.context().close();
});

test('each mode, by the trainer; in a discussion the learner speaks', async () => {
  for (const name of ['discussion', 'quiz', 'lecture', 'practical']) {
    await press(trainer, `mode-${name}`);
    await until(`the learner is told: ${name}`, async () => (await attribute(learner, 'mode-now', 'data-mode')) === name);
    if (name !== 'discussion') continue;
    await press(learner, 'mic-toggle');
    await until('the learner is heard', async () => (await attribute(learner, 'mic-state', 'data-voice')) === 'heard');
  }
});

test('help: the learner rings, the trainer comes, they speak in private, and it is done', async () => {
  await press(learner, 'bell');
  await press(trainer, 'bell-answer');
  await learner.waitForSelector(testid('bell-state'));
  await press(trainer, 'aside-start');
  await press(learner, 'aside-mic');
  await until('the learner is heard by one', async () => (await attribute(learner, 'mic-state', 'data-voice')) === 'private');
  await press(trainer, 'aside-stop');
  await until('it is over', async () => (await attribute(learner, 'mic-state', 'data-voice')) === 'closed');
  await press(learner, 'bell');
  await press(trainer, 'bell-answer');
  await press(trainer, 'bell-done');
  await until('the bell is silent', async () => (await attribute(learner, 'bell', 'aria-pressed')) === 'false');
  await press(trainer, 'mode-lecture');
});

test('the pace: the learner says that it is too fast, and takes it back', async () => {
  await press(learner, 'pace');
  await press(learner, 'pace-fast');
  await press(learner, 'pace');
  await until('it is said', async () => (await attribute(learner, 'pace-fast', 'aria-pressed')) === 'true');
  await press(learner, 'pace-fast');
  await press(learner, 'pace');
  await until('it is taken back', async () => (await attribute(learner, 'pace-fast', 'aria-pressed')) === 'false');
  await press(learner, 'pace'); // closed again
});

test('messages and questions', async () => {
  await press(learner, 'open-chat');
  await reach(learner, 'chat-text');
  await learner.keyboard.type('Que veut dire forklift ?');
  await press(learner, 'chat-question', 'Space');
  await press(learner, 'chat-send');
  await reach(trainer, 'tab-class');
  await trainer.keyboard.press('ArrowRight');
  await trainer.waitForSelector(testid('chat-message'));
  await press(trainer, 'chat-answered');
  await reach(trainer, 'chat-text');
  await trainer.keyboard.type('Un chariot.');
  await trainer.keyboard.press('Enter');
  await until('the learner has the answer', () => learner.evaluate((s) => document.querySelector(s).textContent.includes('Un chariot.'), testid('chat-list')));
  await reach(learner, 'chat-to');
  for (let i = 0; i < 5 && (await value(learner, 'chat-to')) !== 'staff'; i++) await learner.keyboard.press('ArrowDown');
  check((await value(learner, 'chat-to')) === 'staff', 'a message to the trainer alone cannot be chosen');
  await reach(learner, 'chat-text');
  await learner.keyboard.type('Je suis perdu.');
  await press(learner, 'chat-send');
  await until('the trainer reads it', () => trainer.evaluate((s) => document.querySelector(s).textContent.includes('Je suis perdu.'), testid('chat-list')));
  await press(trainer, 'chat-delete');
  await press(trainer, 'chat-switch', 'Space');
  await press(trainer, 'chat-switch', 'Space');
  await press(learner, 'side-close');
});

test('a message to one: from the person\'s menu', async () => {
  await reach(trainer, 'tab-chat');
  await trainer.keyboard.press('ArrowLeft');
  await press(trainer, 'person-more');
  await press(trainer, 'do-message');
  await reach(trainer, 'chat-text');
  await trainer.keyboard.type('Pour vous seul.');
  await trainer.keyboard.press('Enter');
  await press(learner, 'open-chat');
  await until('the learner reads it', () => learner.evaluate((s) => document.querySelector(s).textContent.includes('Pour vous seul.'), testid('chat-list')));
  await press(learner, 'side-close');
});

test('a question is asked, answered and shown', async () => {
  await reach(trainer, await trainer.evaluate(() => [...document.querySelectorAll('[role=tab]')].find((t) => t.tabIndex === 0).dataset.testid));
  await trainer.keyboard.press((await focused(trainer)) === 'tab-chat' ? 'ArrowRight' : 'ArrowLeft');
  await reach(trainer, 'poll-question');
  await trainer.keyboard.type('Où ?');
  for (const option of ['Ici', 'Là']) {
    await trainer.keyboard.press('Tab');
    await reach(trainer, 'poll-option-text');
    await trainer.keyboard.type(option);
  }
  await press(trainer, 'poll-start');
  await learner.waitForSelector(testid('poll-option'));
  for (let i = 0; i < STEPS_MAX && !(await learner.evaluate(() => document.activeElement?.type === 'radio')); i++) await learner.keyboard.press('Tab');
  await learner.keyboard.press('Space');
  await press(learner, 'poll-send');
  await until('the answer is counted', () => trainer.evaluate((s) => document.querySelector(s)?.textContent.includes('1'), testid('poll-bar')));
  await press(trainer, 'poll-close');
  await press(trainer, 'poll-show');
  await learner.waitForSelector(testid('poll-bar'));
});

test('the learner leaves, the trainer ends the class', async () => {
  await press(learner, 'leave');
  await press(learner, 'confirm-yes');
  await learner.waitForSelector(testid('stopped'));
  await press(trainer, 'class-end');
  await press(trainer, 'confirm-yes');
  await trainer.waitForSelector(`${testid('stopped')}[data-reason="class_ended"]`);
  await sleep(100);
});

await main();

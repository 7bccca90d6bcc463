// Messages, polls, pace and the bell in real browsers against the real server, with and without media.
import { Stack } from './support/stack.mjs';
import { check, main, sleep, test, until } from './support/tap.mjs';
import { chromiumPage } from './support/browsers.mjs';
import { enter, testid } from './support/people.mjs';
import { installSources } from './support/sources.mjs';

let stack;
let classId;
let trainer;
let aicha;
let karim;
const text = (page, name) => page.evaluate((s) => document.querySelector(s)?.textContent ?? '', testid(name));
const count = (page, name) => page.evaluate((s) => document.querySelectorAll(s).length, testid(name));

async function write(page, said, { to, question } = {}) {
  if (to) await page.selectOption(testid('chat-to'), to);
  await page.fill(testid('chat-text'), said);
  if (question) await page.check(testid('chat-question'));
  await page.click(testid('chat-send'));
  await until('it is sent', () => page.evaluate((s) => document.querySelector(s).value === '', testid('chat-text')));
}

test('a trainer and two learners', async () => {
  stack = await Stack.start();
  classId = await stack.newClass('Anglais logistique');
  trainer = await enter((await stack.invite(classId, 'trainer', 'Mme Petit')).url);
  aicha = await enter((await stack.invite(classId, 'learner', 'Aïcha')).url);
  karim = await enter((await stack.invite(classId, 'learner', 'Karim')).url);
});

test('a message reaches all, one to the trainer only the trainer; a late one has what was said; nothing becomes markup', async () => {
  await aicha.click(testid('open-chat'));
  await write(aicha, 'Bonjour <img src=x onerror="window.hacked=1"> https://example.org/x');
  await trainer.click(testid('tab-chat'));
  await until('the trainer reads it', async () => (await text(trainer, 'chat-list')).includes('Bonjour <img'));
  await until('Karim is told that there is something', async () => (await text(karim, 'open-chat')).includes('1'));
  await karim.click(testid('open-chat'));
  await until('Karim reads it', async () => (await text(karim, 'chat-list')).includes('Bonjour <img'));
  check(!(await trainer.evaluate(() => window.hacked)), 'markup ran');
  await write(karim, 'Je suis perdu', { to: 'staff' });
  await until('the trainer reads it', async () => (await text(trainer, 'chat-list')).includes('Je suis perdu'));
  check(!(await text(aicha, 'chat-list')).includes('Je suis perdu'), 'a private message is read by all');
  const late = await enter((await stack.invite(classId, 'learner', 'Léa')).url);
  await late.click(testid('open-chat'));
  await until('Léa has the past', async () => (await text(late, 'chat-list')).includes('Bonjour <img'));
  check(!(await text(late, 'chat-list')).includes('Je suis perdu'), 'a private message is in the past of all');
  await late.context().close();
});

test('a question is marked, answered and counted; a message is deleted for all; the chat can be closed', async () => {
  await write(aicha, 'Que veut dire forklift ?', { question: true });
  await trainer.waitForSelector(testid('chat-answered'));
  check((await text(trainer, 'chat-questions')).startsWith('1'), 'the question is not counted');
  await trainer.click(testid('chat-answered'));
  await until('it is answered for all', async () => (await count(trainer, 'chat-answered')) === 0 && /réponse donnée/.test(await text(aicha, 'chat-list')));
  await trainer.click(testid('chat-delete'));
  await until('the first message has gone', async () => !(await text(karim, 'chat-list')).includes('Bonjour <img'));
  await trainer.click(testid('chat-switch'));
  await until('learners are told', () => aicha.evaluate((s) => document.querySelector(s).disabled, testid('chat-send')));
  await aicha.selectOption(testid('chat-to'), 'staff');
  await write(aicha, 'Puis-je demander ?');
  await until('the trainer still reads it', async () => (await text(trainer, 'chat-list')).includes('Puis-je demander'));
  await trainer.click(testid('chat-switch'));
});

test('a poll: the question opens on the learners\' pages, answers are counted live, the score is private, results are shown to all', async () => {
  await trainer.click(testid('tab-poll'));
  await trainer.fill(testid('poll-question'), 'Où est le chariot ?');
  const fields = await trainer.$$(testid('poll-option-text'));
  await fields[0].fill('À gauche');
  await fields[1].fill('À droite');
  await trainer.check(testid('poll-correct'));
  await trainer.click(testid('poll-start'));
  for (const [page, i] of [[aicha, 0], [karim, 1]]) {
    await page.waitForSelector(testid('poll-option'));
    await (await page.$$(testid('poll-option')))[i].click();
    await page.click(testid('poll-send'));
    await until('the page says that it has arrived', async () => (await text(page, 'poll-sent')).length > 5);
  }
  await until('two answers are counted', async () => (await text(trainer, 'poll-run')).includes('2 réponses'));
  check((await count(aicha, 'poll-bar')) === 0, 'results are shown before the trainer shows them');
  await trainer.click(testid('poll-close'));
  await until('Aïcha was right, Karim was not', async () => /Juste/.test(await text(aicha, 'poll-score')) && /Pas cette fois/.test(await text(karim, 'poll-score')));
  await trainer.click(testid('poll-show'));
  await until('all see the results', async () => (await count(aicha, 'poll-bar')) === 2 && (await count(karim, 'poll-bar')) === 2);
});

test('GIFT: what can be read stands ready, what cannot is said by line', async () => {
  await trainer.click('.import summary');
  await trainer.fill(testid('poll-gift'), '// essai\nCapitale de la France ? {=Paris ~Lyon}\n\nRelier {=a -> b =c -> d}\n');
  await trainer.click(testid('poll-import'));
  await trainer.waitForSelector(testid('poll-draft'));
  check((await count(trainer, 'poll-draft')) === 1, 'not one question');
  check(/4/.test(await text(trainer, 'poll-import-errors')), `errors: ${await text(trainer, 'poll-import-errors')}`);
  await trainer.click(testid('poll-draft-start'));
  await until('it is asked', async () => (await text(aicha, 'poll')).includes('Capitale'));
  await aicha.evaluate(() => location.reload());
  await aicha.waitForSelector(testid('class'), { timeout: 10000 });
  await until('after a reload the question is there', async () => (await text(aicha, 'poll')).includes('Capitale'));
  await trainer.click(testid('poll-close'));
});

/** A line on which no media passes, whatever is tried: the answer's candidates are lost. */
function cutMedia() {
  const real = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    return real.call(this, { type: description.type, sdp: description.sdp.replace(/a=candidate:.*\r\n/g, '') });
  };
}

test('without any media: the page says so, and messages, questions and the bell go on', async () => {
  const page = await chromiumPage({ sources: { install: cutMedia, options: {} } });
  await page.goto((await stack.invite(classId, 'learner', 'Sofia')).url);
  await page.click(testid('enter'));
  await page.waitForSelector(testid('class'), { timeout: 15000 });
  await page.waitForSelector(testid('trouble-chat'), { timeout: 30000 });
  await page.click(testid('trouble-chat'));
  await write(page, 'Je n’ai pas de son.', { to: 'staff' });
  await trainer.click(testid('tab-chat'));
  await until('the trainer reads it', async () => (await text(trainer, 'chat-list')).includes('Je n’ai pas de son.'));
  await trainer.click(testid('tab-poll'));
  await trainer.fill(testid('poll-question'), 'Et ici ?');
  const fields = await trainer.$$(testid('poll-option-text'));
  await fields[0].fill('Oui');
  await fields[1].fill('Non');
  await trainer.click(testid('poll-start'));
  await page.waitForSelector(testid('poll-option'));
  await (await page.$$(testid('poll-option')))[0].click();
  await page.click(testid('poll-send'));
  await until('the answer is counted', async () => (await text(trainer, 'poll-run')).includes('1 réponse'));
  await trainer.click(testid('poll-close'));
  await page.context().close();
});

test('practical: the bell rings at the trainer\'s, and the learner is told who comes; the pace counts without names', async () => {
  await trainer.click(testid('tab-class'));
  await trainer.click(testid('mode-practical'));
  await karim.click(testid('bell'));
  await trainer.waitForSelector(testid('bell-row'));
  await trainer.click(testid('bell-answer'));
  await until('Karim is told who comes', async () => (await text(karim, 'bell-state')).includes('Mme Petit'));
  check((await text(aicha, 'people')) === '' && !(await aicha.evaluate(() => Object.values(window.amphi.state.people).some((p) => p.help || p.helper))), 'another learner knows who rang');
  await trainer.click(testid('bell-done'));
  await until('the bell is silent', async () => (await karim.evaluate((s) => document.querySelector(s).getAttribute('aria-pressed'), testid('bell'))) === 'false');
  const lea = await enter((await stack.invite(classId, 'learner', 'Léa')).url);
  for (const [page, value] of [[aicha, 'pace-fast'], [karim, 'pace-lost'], [lea, 'pace-fine']]) {
    await page.click(testid('pace'));
    await page.click(testid(value));
  }
  await trainer.waitForSelector(testid('pace-meter'));
  await lea.context().close();
});

test('a page whose sound is turned off is in the trainer\'s line by name within 3 s, and no longer when it is turned on', async () => {
  await karim.evaluate((s) => { const f = document.querySelector(s); f.value = '0'; f.dispatchEvent(new Event('input', { bubbles: true })); }, testid('volume'));
  const at = Date.now();
  await until('the line names Karim', async () => (await text(trainer, 'cockpit-line')).includes('Karim'), 6000);
  console.log(`# after ${Date.now() - at} ms`);
  check(Date.now() - at < 3500, `after ${Date.now() - at} ms`);
  await trainer.click(testid('cockpit-line'));
  await trainer.waitForSelector(testid('cockpit-row'));
  check((await text(trainer, 'cockpit-list')).includes('Karim'), 'the list does not name Karim');
  await trainer.click(testid('cockpit-list-close'));
  await karim.evaluate((s) => { const f = document.querySelector(s); f.value = '1'; f.dispatchEvent(new Event('input', { bubbles: true })); }, testid('volume'));
  await until('the line is good again', async () => !(await text(trainer, 'cockpit-line')).includes('Karim'), 6000);
});

/** What a page answers, without the gesture that every other question of a test counts as. */
async function look(page, expression) {
  page.looking ??= await page.context().newCDPSession(page);
  return (await page.looking.send('Runtime.evaluate', { expression, returnByValue: true })).result.value;
}

test('where the browser blocks the sound the learner has one button, and the trainer\'s line names it until it is pressed', async () => {
  const sources = { install: installSources, options: { toneHz: 660, fps: 5 } };
  const page = await chromiumPage({ sources });
  // In without a gesture, as a page that the browser has opened again by itself.
  await page.addInitScript(() => {
    const entering = setInterval(() => {
      const button = document.querySelector('[data-testid="enter"]');
      if (!button) return;
      clearInterval(entering);
      button.click();
    }, 50);
  });
  await page.goto((await stack.invite(classId, 'learner', 'Inès')).url);
  const plays = "[...document.querySelectorAll('audio')].some((a) => a.srcObject && !a.paused)";
  const about = () => trainer.evaluate((s) => document.querySelector(s)?.textContent ?? '', `${testid('cockpit-line')} [data-about="blocked"]`);
  await until('the line names Inès', async () => (await about()).includes('Inès'), 15000);
  const said = await look(page, `({ plays: ${plays}, texts: [...document.querySelectorAll('[data-testid="sound-blocked"]')].map((e) => e.textContent),
    buttons: [...document.querySelectorAll('[data-testid="sound-unblock"]')].filter((b) => b.getBoundingClientRect().height >= 24).length, others: document.querySelectorAll('[data-testid="sound-blocked"] button').length })`);
  check(!said.plays, 'the browser plays: nothing was tested');
  check(said.buttons === 1 && said.others === 1 && said.texts.length === 1 && said.texts[0].includes('bloque le son'), JSON.stringify(said));
  await sleep(3000);
  check((await about()).includes('Inès'), 'the line is good again, and nobody has pressed');
  await page.click(testid('sound-unblock'));
  const at = Date.now();
  await until('every voice plays', () => look(page, "[...document.querySelectorAll('audio')].filter((a) => a.srcObject).every((a) => !a.paused)"), 3000);
  await until('the button has gone', async () => !(await look(page, "Boolean(document.querySelector('[data-testid=\"sound-blocked\"]'))")), 3000);
  await until('the line no longer names Inès', async () => !(await text(trainer, 'cockpit-line')).includes('Inès'), 6000);
  console.log(`# ${Date.now() - at} ms after the press`);
  check(Date.now() - at < 3500, `${Date.now() - at} ms after the press`);
  const own = page.problems.filter((p) => !/WebSocket|ERR_CONNECTION|Failed to load resource/.test(p));
  check(own.length === 0, own.join('\n'));
  await page.context().close();
});

test('the pages had no errors of their own', async () => {
  await sleep(100);
  const own = [...trainer.problems, ...aicha.problems, ...karim.problems].filter((p) => !/WebSocket|ERR_CONNECTION|Failed to load resource/.test(p));
  check(own.length === 0, own.join('\n'));
});

await main();

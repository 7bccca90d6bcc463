// Every state of every page, at the width of a telephone, a laptop and a projector: axe-core finds nothing, nothing is
// wider than the window, nothing that is pressed is smaller than a finger needs; pictures in build/screenshots.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { mockPage, person, servePage, welcomeFor } from './support/mock.mjs';
import { root } from './support/stack.mjs';
import { check, main, sleep, test } from './support/tap.mjs';
import { testid } from './support/people.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const out = join(root, 'build', 'screenshots');
const SIZES = [[390, 844], [1280, 800], [1920, 1080]];
const NAMES = ['Aïcha Benali', 'Karim Haddad', 'Léa Fontaine', 'Moussa Traoré', 'Inès Garcia', 'Paul Nguyen', 'Fatou Diallo', 'Sofia Rossi', 'Adama Keita', 'Chloé Martin', 'Youssef Amrani', 'Nina Kowalska', 'Tom Leroy', 'Amina Cherif'];
mkdirSync(out, { recursive: true });
let served;

const now = Date.now();
const trainer = person('3', 'Mme Petit', { role: 'trainer', floor: true, mic: true, sharing: 'screen' });
const learners = NAMES.map((name, i) => person(String(20 + i), name));
const aicha = learners[0];

async function inspect(page, name) {
  for (const [width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    await sleep(250);
    await page.screenshot({ path: join(out, `${name}-${width}.png`) });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    const widest = overflow <= 0 ? '' : await page.evaluate(() => [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > window.innerWidth + 1).map((e) => e.dataset.testid ?? e.className).slice(0, 8).join(', '));
    check(overflow <= 0, `${name} at ${width}: ${overflow} px wider than the window: ${widest}`);
    const small = await page.evaluate(() => [...document.querySelectorAll('button, select, input:not([type=checkbox]):not([type=radio])')].filter((b) => {
      const box = b.getBoundingClientRect();
      return box.width > 0 && (box.width < 24 || box.height < 24);
    }).map((b) => b.dataset.testid ?? b.outerHTML.slice(0, 80)));
    check(small.length === 0, `${name} at ${width}: too small to press: ${small.join(', ')}`);
    await page.evaluate(`if (!window.axe) { ${axe} }`);
    const violations = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ['violations'] })).violations
      .map((v) => `${v.id} (${v.impact}): ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(', ')}`));
    check(violations.length === 0, `${name} at ${width}: ${violations.join('; ')}`);
  }
  // Machines without a sound card stop some of the many contexts that this test opens.
  const problems = page.problems.filter((p) => !p.includes('AudioContext encountered'));
  check(problems.length === 0, `${name}: ${problems.join('\n')}`);
}

/** In class, the way everybody comes in. */
async function inClass(claims, own, people, { state = {}, emit = [], slide, media, answers = {}, lang } = {}) {
  const page = await mockPage(served.url, claims, { hello: welcomeFor(own, people, state), ...(slide === null ? { slide } : {}), ...(media ? { media } : {}), ...(lang ? { lang } : {}) });
  await page.waitForSelector(testid('enter'));
  await page.evaluate((a) => Object.assign(window.mock.answers, a), answers);
  await page.click(testid('enter'));
  await page.waitForSelector(testid('class'));
  await page.tell(...emit);
  await sleep(500);
  return page;
}

const asTrainer = (options = {}) => inClass({ role: 'trainer', name: 'Mme Petit' }, { ...trainer, sharing: null }, learners, options);
const asLearner = (options = {}) => inClass({ role: 'learner', name: 'Aïcha Benali' }, aicha, [trainer], {
  ...options, state: { slots: { voice_0: '3', screen: '3' }, count: { trainer: 1, learner: 28, operator: 0 }, ...options.state } });

test('the page is usable before the class', async () => {
  served = await servePage();
  const page = await mockPage(served.url, { role: 'learner', name: '' });
  await page.waitForSelector(testid('enter'));
  await inspect(page, 'entry-learner');
  await page.context().close();
});

test('entering as a trainer, and the three tests with their answers', async () => {
  const page = await mockPage(served.url, { role: 'trainer', name: 'Mme Petit' });
  await page.click(testid('line-test'));
  await page.click(testid('mic-test'));
  await page.click(testid('sound-test'));
  await page.waitForSelector(testid('sound-yes'));
  await page.click(testid('sound-yes'));
  await page.waitForSelector(testid('line-code'), { timeout: 15000 });
  await inspect(page, 'entry-trainer-tested');
  await page.context().close();
});

test('waiting before the door', async () => {
  const page = await mockPage(served.url, { role: 'learner', name: '' }, { hello: { type: 'waiting', id: '9', name: 'Karim', class: { id: 'c', title: 'Anglais logistique' }, since_ms: now - 130000 } });
  await page.fill(testid('name'), 'Karim');
  await page.click(testid('enter'));
  await page.waitForSelector(testid('waiting'));
  await inspect(page, 'waiting');
  await page.context().close();
});

test('a trainer before anybody came, and with a full class', async () => {
  const empty = await inClass({ role: 'trainer', name: 'Mme Petit' }, { ...trainer, sharing: null }, []);
  await inspect(empty, 'trainer-empty');
  await empty.context().close();
  const queue = [1, 4, 6].map((i, n) => ({ id: learners[i].id, since_ms: now - (200 - n * 70) * 1000 }));
  const people = learners.map((l, i) => ({ id: l.id, name: l.name, media: i === 1 ? 'quiet' : 'connected', deaf: i === 1, blind: i === 1 || i === 3, claimed: i === 3, sound: 'ok', picture: i === 3 ? 'frozen' : 'ok',
    screen: i === 5 ? 'reduced' : 'full', silent: i > 3, hears: i === 1 ? 'no' : i === 4 ? 'poorly' : i === 8 ? 'unknown' : 'yes', reached: i !== 8, narrow: i === 7, behind_s: i === 2 ? 9 : 0,
    loss: i, voice_loss: i === 4 ? 18.5 : i / 10, voice_delay_ms: 30 + i, rtt_ms: 30 + i, bps: 400000, estimate_bps: i === 5 ? 240000 : null, path: ['udp', 'tcp', 'tls'][i % 3] }));
  const page = await asTrainer({ answers: { delivery_list: { type: 'delivery_list', people } }, emit: [
    { type: 'queue', queue, length: 3, position: null, since_ms: null },
    ...queue.map((q) => ({ type: 'person', person: { ...learners.find((l) => l.id === q.id), hand: q.since_ms } })),
    { type: 'person', person: { ...learners[2], floor: true, mic: true } },
    { type: 'lobby', waiting: [{ id: 'w1', name: 'Bruno', since_ms: now - 40000 }, { id: 'w2', name: 'Samira', since_ms: now - 15000 }], count: 2 },
    { type: 'speaking', ids: ['22'] },
    { type: 'pace', fast: 4, fine: 9, lost: 2 },
    { type: 'delivery', total: 14, ok: 10, deaf: ['21', '26'], blind: ['21'], claimed: ['26'], sounds: { 26: 'muted' }, poor: ['24'], late: [{ id: '22', behind_s: 9 }], reduced: ['25'], narrow: ['27'], unknown: ['28'] },
    { type: 'chat', message: { id: '1', from: '21', name: 'Karim Haddad', role: 'learner', to: 'all', text: 'Bonjour', at_ms: now - 60000, question: false, answered_ms: null } },
  ] });
  await page.click(testid('share-start'));
  await page.tell({ type: 'slots', slots: { voice_0: '3', screen: '3' }, names: { 3: 'Mme Petit' } });
  await sleep(400);
  await inspect(page, 'trainer-lecture');
  await page.click(testid('cockpit-line'));
  await inspect(page, 'trainer-cockpit');
  await page.click(testid('cockpit-list-close'));
  await page.click(`${testid('people')} [data-id="24"] ${testid('person-more')}`);
  await inspect(page, 'trainer-person');
  await page.click(testid('do-ban'));
  await page.click(testid('ban-confirm'));
  await inspect(page, 'trainer-ban');
  await page.context().close();
});

test('practical work: who rang, who comes, and a word in private', async () => {
  const rang = (i, more) => ({ type: 'person', person: { ...learners[i], help: now - (300 - i * 40) * 1000, ...more } });
  const page = await asTrainer({
    state: { mode: { mode: 'practical', since_ms: now, until_ms: null } },
    emit: [{ type: 'person', person: person('5', 'Fatou Roux', { role: 'assistant' }) }, rang(1), rang(2, { helper: '5' }), rang(3, { helper: '5', aside: '5' }), rang(4)],
  });
  await inspect(page, 'trainer-practical');
  await page.click(`${testid('bells')} [data-id="21"] ${testid('aside-start')}`);
  await sleep(100);
  check((await page.asked('aside_start'))[0].participant === '21', 'nobody was asked for');
  await page.tell({ type: 'aside', with: { id: '21', name: 'Karim Haddad' }, by: '3' }, { type: 'rights', send: ['screen', 'screen_audio', 'camera'], muted: false },
    rang(1, { helper: '3', aside: '3' }), { type: 'slots', slots: { voice_0: null, screen: null }, names: {} }, { type: 'speaking', ids: [] });
  await sleep(300);
  const sign = await page.evaluate((s) => ({ voice: document.querySelector(s).dataset.voice, text: document.querySelector(s).textContent }), testid('mic-state'));
  check(sign.voice === 'private' && sign.text.includes('Karim Haddad vous entend') && sign.text.includes('La classe ne vous entend pas'), JSON.stringify(sign));
  check(!(await page.$(testid('aside-start'))), 'a second talk in private is offered');
  await inspect(page, 'trainer-aside');
  await page.setViewportSize({ width: 1280, height: 800 });
  await sleep(250);
  const [main, more] = await page.evaluate(() => ['.bar-main', '.bar-more'].map((s) => document.querySelector(s).getBoundingClientRect().toJSON()));
  check(more.top < main.bottom, 'at 1280 the bar has two rows');
  // It ends by somebody else's word: the next sentence may still be meant for one.
  await page.tell({ type: 'aside', with: null, by: '21' }, { type: 'rights', send: ['mic', 'screen', 'screen_audio', 'camera'], muted: false });
  await sleep(300);
  check((await page.evaluate((s) => document.querySelector(s).dataset.voice, testid('mic-state'))) === 'off', 'the class hears what was meant for one');
  await inspect(page, 'trainer-aside-over');
  await page.context().close();
});

test('messages and questions, for the trainer and for a learner', async () => {
  const message = (id, from, name, text, more = {}) => ({ id, from, name, role: 'learner', to: 'all', text, at_ms: now - (20 - Number(id)) * 30000, question: false, answered_ms: null, ...more });
  const messages = [
    message('1', '21', 'Karim Haddad', 'Bonjour à tous !'),
    message('2', '22', 'Léa Fontaine', 'Que veut dire « forklift » ?', { question: true, answered_ms: now }),
    message('3', '3', 'Mme Petit', 'Un chariot élévateur. Voir https://www.example.org/forklift (page 2).', { role: 'trainer' }),
    message('4', '23', 'Moussa Traoré', 'Faut-il dire « on the left » ou « in the left » ?', { question: true }),
    message('5', '24', 'Inès Garcia', 'Je n’entends pas bien.', { to: 'staff' }),
    message('6', '25', '<b>Paul</b>', '<img src=x onerror="window.hacked=1"> javascript:alert(1) https://good.example@evil.example/ fin', {}),
  ];
  const answers = { chat_history: { type: 'chat_history', messages, more: true } };
  const page = await asTrainer({ answers });
  await page.click(testid('tab-chat'));
  await sleep(200);
  await inspect(page, 'trainer-chat');
  const found = await page.evaluate((s) => ({
    hacked: window.hacked, links: [...document.querySelectorAll(`${s} a`)].map((a) => [a.href, a.rel]), images: document.querySelectorAll(`${s} img, ${s} b`).length,
  }), testid('chat-list'));
  check(!found.hacked && found.images === 0, 'markup of a message became markup of the page');
  check(found.links.length === 1 && found.links[0][0] === 'https://www.example.org/forklift' && found.links[0][1].includes('noopener'), JSON.stringify(found.links));
  await page.context().close();
  const learner = await asLearner({ answers });
  await learner.click(testid('open-chat'));
  await sleep(200);
  await inspect(learner, 'learner-chat');
  await learner.fill(testid('chat-text'), 'Merci <i>beaucoup</i>');
  await learner.check(testid('chat-question'));
  await learner.click(testid('chat-send'));
  await sleep(100);
  const [sent] = await learner.asked('chat_send');
  check(sent.text === 'Merci <i>beaucoup</i>' && sent.to === 'all' && sent.question === true, JSON.stringify(sent));
  await learner.tell({ type: 'class', class: { id: 'c', title: 'Anglais logistique', state: 'open', lead: '3', lobby: true, locked: false, chat: false, mode: 'lecture' } });
  await sleep(100);
  await inspect(learner, 'learner-chat-closed');
  // The line was away; meanwhile somebody wrote, and a message was deleted.
  const later = [...messages.filter((m) => m.id !== '5'), message('7', '26', 'Fatou Diallo', 'Écrit pendant la coupure')];
  await learner.evaluate((history) => Object.assign(window.mock.answers, { chat_history: history }), { ...answers.chat_history, messages: later });
  await learner.tell(welcomeFor(aicha, [trainer]));
  await sleep(200);
  const shown = await learner.textContent(testid('chat-list'));
  check(shown.includes('Écrit pendant la coupure') && !shown.includes('Je n’entends pas bien'), shown);
  await learner.context().close();
});

const poll = (more = {}) => ({ id: 'p1', kind: 'single', question: 'Où est le chariot élévateur ?', options: ['On the left', 'Next to the ramp', 'Behind the door'], open: true, shown: false, at_ms: now, ...more });

test('a poll: asked, answered, counted, shown, scored', async () => {
  const page = await asTrainer({ state: { mode: { mode: 'quiz', since_ms: now, until_ms: null } } });
  await page.click(testid('tab-poll'));
  await page.fill(testid('poll-question'), 'Où est le chariot élévateur ?');
  await inspect(page, 'trainer-poll-new');
  await page.click(testid('poll-start'));
  await sleep(100);
  check((await page.asked('poll_start')).length === 0, 'a question without answers was sent');
  await page.evaluate((s) => document.querySelectorAll(s).forEach((f, i) => { f.value = ['On the left', 'Next to the ramp', ''][i]; f.dispatchEvent(new Event('input')); }), testid('poll-option-text'));
  await page.click(testid('poll-correct'));
  await page.click(testid('poll-start'));
  await sleep(100);
  const [started] = await page.asked('poll_start');
  check(started.kind === 'single' && started.options.length === 2 && started.correct[0] === 0, JSON.stringify(started));
  await page.tell({ type: 'poll', poll: poll({ correct: [1] }) }, { type: 'poll_results', id: 'p1', answered: 11, counts: [3, 7, 1] });
  await sleep(200);
  await inspect(page, 'trainer-poll-live');
  await page.context().close();
  const learner = await asLearner({ state: { mode: { mode: 'quiz', since_ms: now, until_ms: null } }, emit: [{ type: 'poll', poll: poll() }] });
  await learner.waitForSelector(testid('poll-option'));
  await learner.click(testid('poll-option'));
  await inspect(learner, 'learner-poll');
  await learner.click(testid('poll-send'));
  await sleep(200);
  check((await learner.asked('poll_answer'))[0].choices[0] === 0, 'the answer was not sent');
  await inspect(learner, 'learner-poll-sent');
  await learner.tell({ type: 'poll', poll: poll({ open: false, shown: true, correct: [0] }) }, { type: 'poll_results', id: 'p1', answered: 12, counts: [8, 3, 1] }, { type: 'poll_score', id: 'p1', right: true, score: 4, streak: 3 });
  await sleep(200);
  await inspect(learner, 'learner-poll-score');
  await learner.tell({ type: 'poll', poll: poll({ id: 'p2', kind: 'scale', min: 1, max: 5, options: undefined, question: 'La leçon était facile ?' }) });
  await sleep(200);
  await inspect(learner, 'learner-poll-scale');
  await learner.context().close();
});

test('a GIFT text is imported, its errors are said by line, and the questions stand ready', async () => {
  const page = await asTrainer({ answers: { poll_import: { type: 'poll_import', questions: [{ kind: 'single', question: 'Two plus two?', options: ['4', '5'], correct: [0] }, { kind: 'text', question: 'Capital of France?', correct: ['Paris'] }], errors: [{ line: 7, code: 'matching', text: 'matching' }, { line: 12, code: 'unclosed_braces', text: 'x' }] } } });
  await page.click(testid('tab-poll'));
  await page.click('.import summary');
  await page.fill(testid('poll-gift'), 'Two plus two? {=4 ~5}');
  await page.click(testid('poll-import'));
  await page.waitForSelector(testid('poll-draft'));
  await inspect(page, 'trainer-gift');
  await page.click(testid('poll-draft-start'));
  await sleep(100);
  check((await page.asked('poll_start'))[0].question === 'Two plus two?', 'the first prepared question was not asked');
  await page.context().close();
});

test('a learner who listens, waits, has the floor, is muted, asks for help', async () => {
  const page = await asLearner();
  await inspect(page, 'learner-lecture');
  await page.click(testid('hand'));
  await page.tell({ type: 'person', person: { ...aicha, hand: now - 190000 } }, { type: 'queue', length: 3, position: 2, since_ms: now - 190000 });
  await sleep(200);
  await inspect(page, 'learner-hand');
  await page.tell({ type: 'rights', send: ['mic', 'screen', 'screen_audio'], muted: false }, { type: 'floor', granted: true, by: '3' }, { type: 'queue', length: 2, position: null, since_ms: null });
  await sleep(300);
  const voice = () => page.evaluate((s) => document.querySelector(s).dataset.voice, testid('mic-state'));
  check((await voice()) === 'heard', `voice is ${await voice()}`);
  await inspect(page, 'learner-heard');
  await page.tell({ type: 'rights', send: [], muted: false }, { type: 'floor', granted: false, by: '3' });
  await sleep(200);
  check((await voice()) === 'closed', `voice is ${await voice()}`);
  await page.tell({ type: 'mode', mode: 'discussion', since_ms: now, until_ms: null }, { type: 'rights', send: ['mic'], muted: false });
  await sleep(200);
  check((await voice()) === 'off', `a discussion opened a microphone by itself: ${await voice()}`);
  await inspect(page, 'learner-discussion');
  await page.tell({ type: 'rights', send: [], muted: true });
  await sleep(200);
  await inspect(page, 'learner-muted');
  await page.tell({ type: 'mode', mode: 'practical', since_ms: now, until_ms: null }, { type: 'rights', send: [], muted: false });
  await sleep(200);
  await page.click(testid('bell'));
  await sleep(100);
  await page.tell({ type: 'help_coming', by: '3' }, { type: 'person', person: { ...aicha, help: now, helper: '3' } });
  await sleep(200);
  check((await page.textContent(testid('bell-state'))).includes('Mme Petit'), 'nobody is said to come');
  await inspect(page, 'learner-practical');
  await page.tell({ type: 'aside', with: { id: '3', name: 'Mme Petit' }, by: '3' }, { type: 'speaking', ids: [] });
  await sleep(200);
  await inspect(page, 'learner-aside-asked');
  await page.click(testid('aside-mic'));
  await sleep(300);
  check((await voice()) === 'private', `voice is ${await voice()}`);
  await inspect(page, 'learner-aside');
  await page.tell({ type: 'aside', with: null, by: '3' });
  await sleep(200);
  check((await voice()) === 'closed', `voice is ${await voice()}`);
  await page.click(testid('pace'));
  await inspect(page, 'learner-pace');
  await page.context().close();
});

test('what could not be fetched says so and comes by itself: the form for a question; the other language comes as well', async () => {
  for (const [lang, words] of [['fr', 'Le formulaire n’est pas encore arrivé'], ['en', 'The form has not arrived yet']]) {
    const page = await asTrainer({ lang });
    await page.route('**/components/poll_form.js*', (route) => route.abort());
    await page.click(testid('tab-poll'));
    await page.waitForFunction(({ selector, text }) => document.querySelector(selector)?.textContent.includes(text), { selector: testid('poll-waits'), text: words }, { timeout: 5000 });
    page.removeAllListeners('console'); // each attempt is an error there
    page.problems.length = 0;
    await inspect(page, `trainer-poll-waits${lang === 'fr' ? '' : '-en'}`);
    await page.setViewportSize({ width: 390, height: 844 });
    await sleep(250);
    const covered = await page.evaluate((waits) => document.querySelector(waits).getBoundingClientRect().bottom - document.querySelector('.bar').getBoundingClientRect().top, testid('poll-waits'));
    check(covered <= 0, `the bar covers ${covered} px of the sentence on a telephone`);
    await page.unroute('**/components/poll_form.js*');
    await page.waitForSelector(testid('poll-question'), { timeout: 5000 });
    check(!(await page.$(testid('poll-waits'))), 'the sentence stays beside the form');
    await page.context().close();
  }
  const page = await mockPage(served.url, { role: 'learner', name: '' });
  await page.waitForSelector(testid('enter'));
  await page.route('**/strings/en.js*', (route) => route.abort());
  await page.click(testid('lang-en'));
  await sleep(500);
  await page.unroute('**/strings/en.js*');
  await page.waitForFunction(() => document.documentElement.lang === 'en', undefined, { timeout: 5000 });
  await page.context().close();
});

test('a break for both, with what is left of it', async () => {
  const mode = { mode: 'break', since_ms: now, until_ms: now + 9 * 60000 };
  for (const [name, open] of [['trainer', asTrainer], ['learner', asLearner]]) {
    const page = await open({ state: { mode, rights: { send: [], muted: false } }, emit: [{ type: 'delivery', total: 14, ok: 14 }] });
    await inspect(page, `${name}-break`);
    if (name === 'trainer') check((await page.textContent(testid('cockpit-line'))).includes('14 sur 14 sont prêts'), 'in a break the line says that somebody hears');
    await page.context().close();
  }
});

/** The words about a poor line stand whole in the window, and cover nothing of the screen. */
async function checkBesidePicture(page, name) {
  for (const [width, height] of [...SIZES, [844, 390]]) {
    await page.setViewportSize({ width, height });
    await sleep(250);
    const { words, picture, cut } = await page.evaluate(([chip, stage]) => {
      const p = document.querySelector(chip);
      return { words: p.getBoundingClientRect().toJSON(), picture: document.querySelector(`${stage} video`).getBoundingClientRect().toJSON(), cut: p.scrollHeight - p.clientHeight };
    }, [testid('line-level'), testid('stage')]);
    const apart = words.top >= picture.bottom || words.bottom <= picture.top || words.left >= picture.right || words.right <= picture.left;
    check(apart && picture.width > 0.7 * width && cut <= 0 && words.top >= 0 && words.bottom <= height, `${name} at ${width}: ${JSON.stringify({ words, picture, cut })}`);
  }
}

test('a poor line in words beside the screen: slower, a still picture, voice only, nothing but text', async () => {
  const page = await asLearner();
  for (const screen of ['reduced', 'still', 'lean', 'off']) {
    await page.tell({ type: 'quality', screen, path: 'tcp' });
    await sleep(200);
    await checkBesidePicture(page, screen);
    await inspect(page, `learner-${screen}`);
    check(await page.getAttribute(testid('connection'), 'data-state') === 'weak', `${screen}: the sign at the top says that the connection is good`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.click(testid('full-screen'));
  await checkBesidePicture(page, 'full screen');
  await page.click(testid('full-screen'));
  await page.click(testid('connection'));
  await inspect(page, 'learner-line');
  await page.context().close();
  // Whose line carries voice alone from the first moment on has no picture yet.
  const voice = await asLearner({ slide: null, emit: [{ type: 'quality', screen: 'off' }] });
  await inspect(voice, 'learner-coming-off');
  check((await voice.textContent(testid('screen-coming'))).includes('seulement le son'), 'what the line carries is not said');
  await voice.context().close();
  const text = await asLearner({ media: 'none' });
  await text.evaluate(() => { const pc = window.amphi.peer.pc; pc.iceConnectionState = 'failed'; pc.oniceconnectionstatechange(); });
  await sleep(200);
  await inspect(text, 'learner-text-only');
  await text.click(testid('trouble-chat'));
  await text.waitForSelector(testid('chat-text'));
  await text.context().close();
});

test('what the trainer\'s line loses is not said of the learner\'s: whose it is, by name, in both languages; and what this line loses is', async () => {
  for (const [lang, theirs, own] of [['fr', 'la connexion de Mme Petit est mauvaise', 'Votre connexion est faible'], ['en', 'the connection of Mme Petit is poor', 'Your connection is poor']]) {
    const page = await asLearner({ lang });
    await page.evaluate(() => {
      const { pc, receivers } = window.amphi.peer;
      const began = performance.now();
      pc.getStats = async () => {
        const sent = Math.round((performance.now() - began) / 20);
        return new Map([['voice', { type: 'inbound-rtp', id: 'voice', mid: receivers.get('voice_0').mid, packetsReceived: Math.round(sent * 0.86), packetsLost: Math.round(sent * 0.14) }]]);
      };
    });
    const reads = (text) => page.waitForFunction(({ selector, text: words }) => document.querySelector(selector)?.textContent.includes(words), { selector: testid('trouble'), text }, { timeout: 9000 });
    await page.tell({ type: 'slots', slots: { voice_0: '3', screen: '3' }, names: { 3: 'Mme Petit' }, loses: { 3: 13 } });
    await reads(theirs);
    await inspect(page, `learner-trainer-loses${lang === 'fr' ? '' : '-en'}`);
    check(await page.getAttribute(testid('connection'), 'data-state') === 'good', 'the sign at the top blames this line');
    await page.tell({ type: 'slots', slots: { voice_0: '3', screen: '3' }, names: { 3: 'Mme Petit' }, loses: {} });
    await reads(own);
    await page.context().close();
  }
});

test('a trainer whose own line sends badly reads what gives way and what to do, in both languages', async () => {
  for (const [lang, words] of [['fr', 'partagez une fenêtre, pas plusieurs écrans'], ['en', 'share one window, not several screens']]) {
    const page = await asTrainer({ lang, state: { rights: { send: ['mic', 'screen', 'screen_audio', 'camera'], muted: false } } });
    await page.click(testid('share-start'));
    await page.evaluate(() => {
      const { pc, senders } = window.amphi.peer;
      const began = performance.now();
      pc.getStats = async () => {
        const ms = performance.now() - began;
        return new Map([
          { type: 'outbound-rtp', id: 'mic', mid: senders.get('mic').mid, packetsSent: Math.round(ms / 20) },
          { type: 'outbound-rtp', id: 'screen', mid: senders.get('screen').mid, packetsSent: Math.round(ms / 100), totalPacketSendDelay: ms / 200 },
          { type: 'candidate-pair', id: 'pair', nominated: true, state: 'succeeded', availableOutgoingBitrate: 300000 },
        ].map((report) => [report.id, report]));
      };
    });
    await page.waitForFunction(({ selector, text }) => document.querySelector(selector)?.textContent.includes(text), { selector: testid('trouble'), text: words }, { timeout: 15000 });
    await page.waitForFunction(({ selector, text }) => document.querySelector(selector).textContent.includes(text), { selector: testid('announcer'), text: words }, { timeout: 4000 });
    await inspect(page, `trainer-sends-poorly${lang === 'fr' ? '' : '-en'}`);
    check(await page.getAttribute(testid('connection'), 'data-state') === 'weak', 'the sign at the top says that the connection is good');
    await page.context().close();
  }
});

test('other roles: co-trainer, assistant, inspector', async () => {
  for (const role of ['co_trainer', 'assistant', 'inspector']) {
    const own = person('5', 'M. Roux', { role, floor: role === 'co_trainer' });
    const page = await inClass({ role, name: 'M. Roux' }, own, [trainer, ...learners], { state: { slots: { voice_0: '3', screen: '3' } } });
    await inspect(page, `role-${role}`);
    check(Boolean(await page.$(testid('modes'))) === (role === 'co_trainer'), `${role}: modes`);
    check(!(await page.$(testid('class-end'))), `${role} may end the class`);
    await page.context().close();
  }
  const page = await asLearner({ emit: [{ type: 'person', person: person('6', 'M. Contrôle', { role: 'inspector' }) }] });
  check((await page.evaluate((s) => document.querySelector(s).textContent, testid('inspected'))).includes('M. Contrôle'), 'an inspector is not seen');
  await inspect(page, 'learner-inspected');
  await page.context().close();
});

test('a class that is over, and each other way out, says what to do', async () => {
  for (const code of ['class_ended', 'taken_over', 'revoked', 'removed', 'not_now', 'banned']) {
    const page = await asLearner();
    await page.tell({ type: 'goodbye', code, text: '', ...(code === 'banned' ? { reason: 'Insultes répétées <b>x</b>' } : {}) });
    await page.waitForSelector(`${testid('stopped')}[data-reason="${code}"]`);
    await inspect(page, `stopped-${code}`);
    await page.context().close();
  }
  for (const code of ['expired_token', 'class_locked', 'class_full']) {
    const page = await mockPage(served.url, { role: 'learner', name: 'X' }, { hello: { type: 'error', code, text: '' } });
    await page.click(testid('enter'));
    await page.waitForSelector(`${testid('stopped')}[data-reason="${code}"]`);
    await inspect(page, `stopped-${code}`);
    await page.context().close();
  }
});

test('an older server: no modes, no chat, no queue, and the page works', async () => {
  const welcome = welcomeFor({ ...trainer, sharing: null }, learners);
  for (const key of ['mode', 'rights', 'queue', 'poll', 'names', 'aside']) delete welcome.state[key];
  welcome.class = welcome.state.class = { id: 'c', title: 'Anglais', state: 'open' };
  const page = await mockPage(served.url, { role: 'trainer', name: 'Mme Petit' }, { hello: welcome });
  await page.click(testid('enter'));
  await page.waitForSelector(testid('class'));
  await page.tell({ type: 'person', person: { ...learners[3], hand: now - 5000 } });
  await sleep(300);
  for (const name of ['modes', 'door', 'tab-chat', 'person-more', 'floor-next']) check(!(await page.$(testid(name))), `${name} is shown`);
  await page.click(`${testid('hand-row')} ${testid('floor-give')}`);
  check((await page.asked('floor_give'))[0].participant === learners[3].id, 'the floor was not given');
  await inspect(page, 'trainer-older-server');
  await page.context().close();
});

test('in English, complete', async () => {
  const page = await asTrainer({ lang: 'en' });
  await inspect(page, 'trainer-en');
  check(await page.evaluate(() => document.documentElement.lang === 'en'), 'the document says another language');
  await page.context().close();
  const learner = await asLearner({ lang: 'en' });
  await inspect(learner, 'learner-en');
  await learner.context().close();
});

test('less motion for who asks for less', async () => {
  const page = await mockPage(served.url, { role: 'learner', name: '' });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const moving = await page.evaluate(() => [...document.querySelectorAll('*')].filter((e) => { const s = getComputedStyle(e); return s.transitionDuration.split(',').some((d) => parseFloat(d) > 0) && s.transitionProperty !== 'none' && s.transitionProperty !== 'all'; }).length);
  check(moving === 0, `${moving} elements still move`);
  await page.context().close();
});

await main();

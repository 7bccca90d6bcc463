/** What holds for the page as a whole: its texts, its links, its size. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pickLang, setStrings, t } from '../web/i18n.js';
import { cleanName, readInvite, tokenFromHash } from '../web/invite.js';
import { announcements, gather } from '../web/announce.js';
import { initialState } from '../web/classroom.js';
import { audioLoss } from '../web/stats.js';
import en from '../web/strings/en.js';
import fr from '../web/strings/fr.js';
import { files, imports, reachable, read, web } from './module_graph.mjs';

const code = files().filter((path) => !path.startsWith('strings'));

test('French and English have the same keys and the same places for names and numbers', () => {
  assert.deepEqual(Object.keys(fr).sort(), Object.keys(en).sort());
  const places = (text) => [...text.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort().join();
  for (const key of Object.keys(fr)) assert.equal(places(fr[key]), places(en[key]), key);
  for (const [key, text] of [...Object.entries(fr), ...Object.entries(en)]) assert.ok(text.trim(), `${key} is empty`);
});

test('every sentence that the code names exists', () => {
  for (const path of code) {
    for (const [, key] of read(path).matchAll(/\bt\('([^']+)'/g))
      assert.ok(key in fr || `${key}.other` in fr, `${path}: ${key}`);
  }
});

test('every sentence is used', () => {
  const all = code.map(read).join('\n');
  // Keys that are put together at run time, by what they start with.
  const built = [...all.matchAll(/`([\w.]+[._])\$\{/g)].map((m) => m[1]);
  for (const key of Object.keys(fr)) {
    const base = key.replace(/\.(one|other)$/, '');
    const used = all.includes(`'${key}'`) || all.includes(`'${base}'`) || built.some((start) => key.startsWith(start));
    assert.ok(used, `${key} is never said`);
  }
});

/** Every html`…` of a source, with a § in place of each ${…}; templates inside those are found as well. */
function templatesOf(source) {
  const found = [];
  const template = (from) => {
    let text = '';
    for (let i = from; i < source.length; i++) {
      if (source[i] === '\\') i += 1;
      else if (source[i] === '`') return { text, end: i };
      else if (source.startsWith('${', i)) {
        i = code(i + 2, true);
        text += '§';
      } else text += source[i];
    }
    return { text, end: source.length };
  };
  const code = (from, inside) => {
    let depth = 0;
    for (let i = from; i < source.length; i++) {
      const c = source[i];
      if (c === "'" || c === '"') {
        for (i += 1; i < source.length && source[i] !== c && source[i] !== '\n'; i++) if (source[i] === '\\') i += 1;
      } else if (source.startsWith('//', i)) i = source.indexOf('\n', i);
      else if (source.startsWith('/*', i)) i = source.indexOf('*/', i) + 1;
      else if (c === '`') {
        const isHtml = /\bhtml$/.test(source.slice(0, i));
        const { text, end } = template(i + 1);
        if (isHtml) found.push(text);
        i = end;
      } else if (c === '{') depth += 1;
      else if (c === '}' && inside && depth-- === 0) return i;
    }
    return source.length;
  };
  code(0, false);
  return found;
}

test('no text for people stands in the code', () => {
  for (const path of code) {
    for (const template of templatesOf(read(path))) {
      for (const [, between] of template.matchAll(/(?:^|>)([^<>]*)(?=<|$)/g))
        assert.ok(!/\p{L}{2,}/u.test(between), `${path}: "${between.trim()}"`);
      for (const [, name, text] of template.matchAll(/\b(aria-label|title|placeholder|alt|label)="([^"]*\p{L}[^"]*)"/gu))
        assert.fail(`${path}: ${name}="${text}"`);
    }
  }
});

test('the search for text finds what it is for', () => {
  const planted = ['html`<p>Bonjour</p>`', 'html`<p>${x && html`<b title="${y}">Salut ${z}</b>`}</p>`', 'html`<i aria-label="Fermer"></i>`'];
  for (const source of planted) {
    const hits = templatesOf(source).some((text) => [...text.matchAll(/(?:^|>)([^<>]*)(?=<|$)/g)].some((m) => /\p{L}{2,}/u.test(m[1])) || /aria-label="[^"]*\p{L}/u.test(text));
    assert.ok(hits, source);
  }
  assert.deepEqual(templatesOf('html`<p class=${`a ${b ? "c" : "d"}`}>${t("e")}</p>`'), ['<p class=§>§</p>']);
});

test('nothing is loaded from elsewhere and no style or script stands inside the document', () => {
  for (const path of [...files(), 'index.html', 'style.css', 'class.css', 'operator.css']) {
    const foreign = [...read(path).matchAll(/(?:https?:)?\/\/[a-z0-9-]+\.[a-z]{2,}/gi)].map((m) => m[0]).filter((u) => !u.includes('www.w3.org'));
    assert.deepEqual(foreign, [], path);
    assert.ok(!/ style="| on[a-z]+="/.test(read(path)), `${path}: inline style or handler`);
  }
});

test('the import map points at files that npm has installed', () => {
  const [, map] = /<script type="importmap">([\s\S]*?)<\/script>/.exec(read('index.html'));
  const targets = [...Object.values(JSON.parse(map).imports), '/modules/uplot/dist/uPlot.iife.min.js', '/modules/uplot/dist/uPlot.min.css'];
  for (const target of targets) assert.ok(existsSync(join(web, '..', 'node_modules', target.replace('/modules/', ''))), target);
});

test('the document preloads exactly the modules that the page starts with, and names those of a class for later', () => {
  const listed = (rel) => [...read('index.html').matchAll(new RegExp(`rel="${rel}" href="/(?!modules/)([^"]+)"`, 'g'))].map((m) => m[1]).sort();
  const first = [...reachable('app.js'), 'strings/fr.js'].filter((path) => path !== 'app.js').sort();
  const later = [...reachable('components/class_view.js', reachable('session.js'))].filter((path) => !first.includes(path)).sort();
  assert.deepEqual(listed('modulepreload'), first);
  assert.deepEqual(listed('later').sort(), later);
});

test('what the first page starts with is less than 65 kB', () => {
  const modules = ['preact/dist/preact.module.js', 'preact/hooks/dist/hooks.module.js', 'htm/dist/htm.module.js'].map((m) => join(web, '..', 'node_modules', m));
  const own = [...reachable('app.js'), 'strings/fr.js', 'index.html', 'style.css'].map((path) => join(web, path));
  const packed = [...own, ...modules].reduce((sum, path) => sum + gzipSync(readFileSync(path)).length, 0);
  assert.ok(packed < 65_000, `${packed} bytes`);
});

test('what decides knows nothing of what draws or of the network', () => {
  const pure = ['classroom.js', 'media_policy.js', 'announce.js', 'signaling.js', ...files().filter((path) => path.startsWith('state/'))];
  for (const path of pure) for (const next of imports(path)) assert.ok(pure.includes(next), `${path} imports ${next}`);
  for (const path of code.filter((p) => !p.startsWith('components') && p !== 'app.js'))
    for (const next of imports(path)) assert.ok(!next.startsWith('components'), `${path} imports ${next}`);
});

test('a learner loads less than 150 kB, packed as a server packs text', () => {
  const modules = ['preact/dist/preact.module.js', 'preact/hooks/dist/hooks.module.js', 'htm/dist/htm.module.js'].map((m) => join(web, '..', 'node_modules', m));
  const own = [...reachable('components/class_view.js', reachable('session.js', reachable('app.js'))), 'strings/fr.js', 'index.html', 'style.css', 'class.css', 'favicon.svg'].map((path) => join(web, path));
  const packed = [...own, ...modules].reduce((sum, path) => sum + gzipSync(readFileSync(path)).length, 0);
  assert.ok(packed < 150_000, `${packed} bytes`);
});

test('the lock file names no registry', () => {
  assert.ok(!/https?:\/\/[^"]*\.tgz|"resolved"/.test(readFileSync(join(web, '..', 'package-lock.json'), 'utf8')));
});

test('the language is the first wanted one that the page has', () => {
  const table = [[['de', 'en-GB', 'fr'], 'en'], [['fr-CA'], 'fr'], [['ar', 'es'], 'fr'], [[], 'fr']];
  for (const [wanted, expected] of table) assert.equal(pickLang(wanted), expected);
});

test('numbers choose their form as each language does', () => {
  setStrings('fr', fr);
  assert.equal(t('here.learners', { n: 0 }), '0 apprenant est là.');
  assert.equal(t('here.learners', { n: 2 }), '2 apprenants sont là.');
  setStrings('en', en);
  assert.equal(t('here.learners', { n: 0 }), '0 learners are here.');
});

test('a name with signs of its own is shown as it is', () => {
  setStrings('fr', fr);
  assert.equal(t('to', { name: '{name} $& <b>' }), 'à {name} $& <b>');
});

test('an invite is read for display, and what is none is refused', () => {
  const payload = Buffer.from(JSON.stringify({ role: 'learner', name: 'Aïcha', aud: 'c' })).toString('base64url');
  const token = `eyJhbGciOiJIUzI1NiJ9.${payload}.c2ln`;
  assert.equal(tokenFromHash(`#${token}`), token);
  assert.deepEqual(readInvite(token), { role: 'learner', name: 'Aïcha', title: '' });
  for (const bad of ['', 'a.b', 'a.!!.c', `x.${Buffer.from('{"role":"king"}').toString('base64url')}.y`, 'x.bnVsbA.y']) assert.equal(readInvite(bad), null, bad);
  assert.equal(tokenFromHash('#<script>'), '');
});

test('a typed name loses what nobody sees and keeps what belongs to it', () => {
  const table = [
    ['  Aïcha   Benali ', 'Aïcha Benali'], ['Ai\u0308cha', 'Aïcha'], ['Zoé\u202e\u200b\u0007', 'Zoé'], ['محمد', 'محمد'],
    [' \u200b ', ''], ['é'.repeat(80), 'é'.repeat(64)],
  ];
  for (const [typed, expected] of table) assert.equal(cleanName(typed), expected);
});

test('a screen reader is told what matters, once', () => {
  const learner = { id: '17', name: 'Aïcha', role: 'learner', floor: false, hand: null };
  const before = { ...initialState(), phase: 'class', link: 'open', transport: 'connected', me: learner };
  const after = { ...before, me: { ...learner, floor: true }, mic: { ...before.mic, status: 'live' } };
  assert.deepEqual(announcements(before, after).map((a) => a.key), ['say.floor_given', 'say.heard']);
  assert.deepEqual(announcements(after, { ...after, speaking: ['3'] }), []);
  assert.deepEqual(announcements(after, { ...after, link: 'waiting' }).map((a) => a.key), ['connection.reconnecting']);
});

test('a screen reader is told what the line does, in words that are on the screen, and of one line the newest', () => {
  const before = { ...initialState(), phase: 'class', link: 'open', transport: 'connected', me: { id: '17', name: 'Aïcha', role: 'learner', floor: false, hand: null } };
  before.slots = { ...before.slots, screen: '3' };
  const at = (/** @type {any} */ level, more = {}) => ({ ...before, line: { ...before.line, level }, ...more });
  const keys = (/** @type {any} */ a, /** @type {any} */ b) => announcements(a, b).map((one) => one.key);
  assert.deepEqual(keys(at(null), at('full')), []);
  assert.deepEqual(keys(at('full'), at('still')), ['level.still']);
  assert.deepEqual(keys(at('still'), at('full')), ['level.full']);
  assert.deepEqual(keys(at('still'), at('still', { slots: { ...before.slots, screen: null } })), [], 'nothing comes in full of a share that has stopped');
  assert.deepEqual(keys(at('full'), at('full', { weak: 'own' })), ['trouble.weak']);
  assert.deepEqual(keys(at('full', { weak: 'own' }), at('full')), []);
  assert.deepEqual(keys(at('full'), at('still', { transport: 'failed' })), ['connection.media_lost']);
  assert.deepEqual(gather([{ key: 'level.still' }, { key: 'say.hand' }], [{ key: 'level.full' }]).map((a) => a.key), ['say.hand', 'level.full']);
  const shares = { ...before, me: { ...before.me, role: 'trainer' }, share: { ...before.share, status: 'live' } };
  assert.deepEqual(keys(shares, { ...shares, sendsPoorly: 'screen' }), ['trouble.sends_screen_poorly']);
});

test('lost sound is counted over the time between two readings, and silence is no loss', () => {
  const at = (packets, lost) => ({ voice_0: { packets, lost } });
  assert.equal(audioLoss(at(100, 0), at(190, 10)), 10);
  assert.equal(audioLoss(at(100, 0), at(100, 0)), null);
  assert.equal(audioLoss({}, at(100, 0)), null);
  assert.equal(audioLoss(at(500, 0), at(100, 0)), null, 'a new connection counts from zero');
});

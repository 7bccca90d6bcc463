/** Everything that the page says to the server, and hears from it, stands in the protocol's document: no page has a way of its own. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const web = join(root, 'client-demo', 'web');
const files = readdirSync(web, { recursive: true }).filter((f) => String(f).endsWith('.js')).map((f) => readFileSync(join(web, String(f)), 'utf8'));
const all = (text, pattern) => [...text.matchAll(pattern)].map((m) => m[1]);
const sorted = (list) => [...new Set(list)].sort();

const protocol = readFileSync(join(root, 'docs', 'client-protocol.md'), 'utf8').split('## 2. WHIP and WHEP')[0];
/** First cells of the tables whose head begins with `type` or `request`, and those of events. */
function documented(head) {
  const names = [];
  let inside = false;
  for (const line of protocol.split('\n')) {
    if (!line.startsWith('|')) inside = false;
    else if (/^\| (type|request|event) \|/.test(line)) inside = head.test(line);
    else if (inside) names.push(...all(line.split('|')[1], /`([a-z_]+)`/g));
  }
  return sorted(names);
}
const requests = documented(/^\| (type \| fields \| who|request) \|/);
const events = documented(/^\| (type \| fields \| sent to, when|event) \|/);
const known = sorted(all(readFileSync(join(root, 'signaling', 'core', 'client_message.h'), 'utf8'), /X\([A-Z_]+, "([a-z_]+)"\)/g));

test('every request that the server knows is documented, and no other', () => {
  assert.ok(requests.length > 30, `${requests}`);
  assert.deepEqual(sorted([...requests, 'hello']), known);
});

test('whatever the page asks for is documented', () => {
  const calls = files.flatMap((text) => all(text, /(?<!wakeLock\?\.)\b(?:request|requestAhead|ask|deed)\(\s*'([a-z_]+)'/g));
  const repairs = all(readFileSync(join(web, 'media_policy.js'), 'utf8').split('function repairRequests')[1], /type: '([a-z_]+)'/g);
  const said = sorted([...calls, ...repairs]);
  assert.ok(said.length > 30, `${said}`);
  for (const name of said) assert.ok(requests.includes(name), `${name} is in no table`);
});

test('whatever the page listens to is documented', () => {
  const reduce = readFileSync(join(web, 'classroom.js'), 'utf8');
  const inside = reduce.slice(reduce.indexOf('function reduceServer('), reduce.indexOf('function applySnapshot('));
  const session = readFileSync(join(web, 'session.js'), 'utf8');
  const handled = session.slice(session.indexOf('#handleMessage(message) {'), session.indexOf('#handleAside(message, wanted) {'));
  const heard = sorted([...all(inside, /case '([a-z_]+)'/g), ...all(handled, /case '([a-z_]+)'/g)]);
  for (const name of heard) assert.ok([...events, 'welcome', 'overview'].includes(name), `${name} is in no table`);
  // And the other way round: what the server tells is understood, here or where the socket is kept.
  const socket = readFileSync(join(web, 'signaling.js'), 'utf8');
  for (const name of events) assert.ok(heard.includes(name) || socket.includes(`'${name}'`) || name === 'media', `the page knows nothing of ${name}`);
});

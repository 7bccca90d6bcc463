import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Signaling, reconnectWaitMs } from '../web/signaling.js';

/** A clock that stands still until told. */
class FakeClock {
  time = 0;
  timers = new Map();
  next = 1;
  now = () => this.time;
  setTimeout = (f, ms) => {
    this.timers.set(this.next, { f, at: this.time + ms });
    return this.next++;
  };
  clearTimeout = (id) => this.timers.delete(id);
  async run(ms) {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const due = [...this.timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.time = due[1].at;
      due[1].f();
    }
    this.time = end;
    await settle();
  }
}
const settle = () => new Promise((done) => setImmediate(done));

class FakeSocket {
  sent = [];
  closed = false;
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.closed = true; }
  say(message) { this.onmessage({ data: JSON.stringify(message) }); }
  welcome(more = {}) {
    const hello = this.sent.find((m) => m.type === 'hello');
    this.say({ type: 'welcome', to: hello.id, participant: { id: '1' }, resume_token: 'R1', ...more });
  }
}

function setUp({ reachable = () => true, roundTripMs = 0 } = {}) {
  const clock = new FakeClock();
  const world = { clock, sockets: [], at: [], messages: [], links: [], ended: [] };
  world.signaling = new Signaling({
    open: () => {
      world.at.push(clock.time);
      if (!reachable()) throw new Error('unreachable');
      const socket = new FakeSocket();
      world.sockets.push(socket);
      return socket;
    },
    clock, random: () => 0, roundTripMs: () => roundTripMs,
    onMessage: (m) => world.messages.push(m),
    onLink: (l) => world.links.push(l),
    onEnd: (code) => world.ended.push(code),
  });
  world.signaling.start({ token: 'T', name: 'Aïcha', lang: 'fr', resume: null });
  world.last = () => world.sockets[world.sockets.length - 1];
  return world;
}

function setUpOpen() {
  const world = setUp();
  world.last().onopen();
  world.last().welcome();
  return world;
}

test('the waits double from 0.25 s to 4 s and are shortened by up to a half', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 60].map((n) => reconnectWaitMs(n, 0)), [0, 250, 500, 1000, 2000, 4000, 4000, 4000]);
  assert.equal(reconnectWaitMs(3, 1), 500);
  assert.equal(reconnectWaitMs(0, 1), 0);
});

test('behind a network that was gone a socket is asked for after 10 s and then every 4 s, for 48 s, and at most a dozen times', async () => {
  const world = setUpOpen();
  world.last().onclose();
  await world.clock.run(48000);
  const gaps = world.at.slice(2).map((at, i) => at - world.at[i + 1]);
  assert.ok(gaps.length > 8 && gaps.length <= 12, `${gaps}`);
  assert.ok(gaps[0] <= 10000 && gaps.slice(1).every((ms) => ms <= 4000), `${gaps}`);
  world.at.length = 0;
  await world.clock.run(48000);
  assert.ok(world.at.length > 4 && world.at.length <= 7, `${world.at}`);
});

test('who comes, or comes back, on a line on which a socket takes 7 s to open gets in with the first', async () => {
  for (const world of [setUp(), setUpOpen()]) {
    if (world.signaling.link === 'open') world.last().onclose();
    await world.clock.run(7000);
    const count = world.sockets.length;
    world.last().onopen();
    assert.equal(world.last().sent[0].type, 'hello');
    await world.clock.run(5900);
    assert.equal(world.sockets.length, count);
  }
});

test('on a line that is known to be quick a socket that does not open is given up sooner, each time after twice as long', async () => {
  for (const [roundTripMs, gaps] of [[20, [2500, 5000, 10000]], [300, [3600, 7200, 10000]], [900, [10000, 10000, 10000]]]) {
    const world = setUp({ roundTripMs });
    await world.clock.run(30000);
    assert.deepEqual(world.at.slice(1, 4).map((at, i) => at - world.at[i]), gaps);
  }
});

test('a socket that is open has its own time for the welcome', async () => {
  const world = setUp();
  await world.clock.run(3900);
  world.last().onopen();
  await world.clock.run(5900);
  world.sockets[0].welcome();
  assert.equal(world.signaling.link, 'open');
  assert.ok(world.sockets.slice(1).every((s) => s.closed), 'what was opened besides is closed');
});

test('a hello without an answer for 2 s is said again, as the same visit, on a socket that is open by then', async () => {
  const world = setUp();
  const [first] = world.sockets;
  first.onopen();
  await world.clock.run(1900);
  assert.equal(world.sockets.length, 1);
  await world.clock.run(200);
  assert.equal(world.sockets.length, 2);
  assert.ok(!first.closed);
  const second = world.last();
  second.readyState = 1;
  second.onopen();
  assert.ok(first.closed);
  assert.equal(second.sent[0].type, 'hello');
  assert.ok(second.sent[0].visit.length >= 16);
  assert.equal(second.sent[0].visit, first.sent[0].visit);
  await world.clock.run(3900); // a slow line is not asked ever more
  assert.equal(world.sockets.length, 2);
  second.welcome();
  assert.equal(world.signaling.link, 'open');
  world.signaling.stop();
  world.signaling.start({ token: 'T', name: 'Aïcha', lang: 'fr', resume: null });
  world.last().onopen();
  assert.notEqual(world.last().sent[0].visit, second.sent[0].visit);
});

test('a request without an answer for 2 s makes doubt: a silent socket is replaced, one that answers a ping is kept', async () => {
  for (const answers of [false, true]) {
    const world = setUpOpen();
    const [first] = world.sockets;
    let refused = '';
    world.signaling.request('offer', {}, 12000).catch((error) => (refused = error.code));
    await world.clock.run(2100);
    const ping = first.sent.find((m) => m.type === 'ping');
    assert.ok(ping);
    if (answers) first.say({ type: 'ok', to: ping.id });
    await world.clock.run(1000);
    assert.ok(!first.closed);
    if (!answers) world.last().onopen();
    assert.equal(first.closed, !answers);
    await settle();
    assert.equal(refused, answers ? '' : 'offline');
    if (answers) continue;
    world.last().readyState = 1;
    world.last().onopen();
    assert.equal(world.last().sent[0].resume, 'R1');
    world.last().welcome();
    world.signaling.request('offer', {}, 12000).catch(() => {});
    const pings = () => world.last().sent.filter((m) => m.type === 'ping').length;
    await world.clock.run(3900); // next time later: a slow line is not given up again and again
    assert.equal(pings(), 0);
    await world.clock.run(200);
    assert.equal(pings(), 1);
  }
});

test('a network that comes back does not wait for a socket that opens since before, and makes one anew once', async () => {
  const world = setUp();
  await world.clock.run(900);
  world.signaling.poke();
  assert.equal(world.sockets.length, 1);
  await world.clock.run(200);
  world.signaling.probe(); // silence is no return
  assert.equal(world.sockets.length, 1);
  world.signaling.poke();
  assert.equal(world.sockets.length, 2);
  assert.ok(world.sockets[0].closed);
  await world.clock.run(2000);
  world.signaling.poke();
  assert.equal(world.sockets.length, 2);
});

test('a socket opened ahead is used, and says hello at once when it is open', () => {
  const world = setUp();
  world.signaling.stop();
  world.signaling.warm();
  world.signaling.warm(); // one is enough
  assert.equal(world.sockets.length, 2);
  world.last().readyState = 1;
  world.signaling.start({ token: 'T', name: 'Aïcha', lang: 'fr', resume: null });
  assert.equal(world.sockets.length, 2);
  assert.equal(world.last().sent[0].type, 'hello');
  world.last().welcome();
  assert.equal(world.signaling.link, 'open');
});

test('a socket opened ahead that the server closed meanwhile is made anew', () => {
  const world = setUp();
  world.signaling.stop();
  world.signaling.warm();
  world.last().onclose();
  world.signaling.start({ token: 'T', name: 'Aïcha', lang: 'fr', resume: null });
  assert.equal(world.sockets.length, 3);
  world.last().onopen();
  assert.equal(world.last().sent[0].type, 'hello');
});

test('a socket opened ahead that falls asleep is replaced for a minute after the last sign of life, and not in a loop', async () => {
  const world = setUp();
  world.signaling.stop();
  world.signaling.warm();
  const fallAsleep = async () => {
    await world.clock.run(5000);
    world.last().onclose();
  };
  for (let i = 0; i < 11; i++) await fallAsleep();
  assert.equal(world.sockets.length, 1 + 12);
  await fallAsleep(); // the minute is over
  assert.equal(world.sockets.length, 1 + 12);
  world.signaling.warm();
  assert.equal(world.sockets.length, 1 + 13);
  await world.clock.run(100);
  world.last().onclose(); // refused
  assert.equal(world.sockets.length, 1 + 13);
});

test('a socket opened ahead is not replaced once the person has left', async () => {
  const world = setUp();
  world.signaling.stop();
  world.signaling.warm();
  const spare = world.last();
  await world.clock.run(5000);
  world.signaling.stop();
  spare.onclose();
  assert.equal(world.sockets.length, 2);
});

test('a request ahead goes out right behind hello, and its answer may come before or behind the welcome', async () => {
  const world = setUp();
  const answers = [];
  world.signaling.onHello = () => {
    for (const n of [1, 2]) world.signaling.requestAhead('offer', { sdp: `${n}` }, 12000).then((m) => answers.push(m.sdp), (e) => answers.push(e.code));
  };
  const socket = world.last();
  socket.onopen();
  assert.deepEqual(socket.sent.map((m) => m.type), ['hello', 'offer', 'offer']);
  socket.say({ type: 'error', to: socket.sent[1].id, code: 'not_authenticated' });
  socket.welcome();
  socket.say({ type: 'answer', to: socket.sent[2].id, sdp: 'a' });
  await settle();
  assert.deepEqual(answers, ['not_authenticated', 'a']);
});

test('nothing is asked ahead when a page comes back: what it had may still stand', async () => {
  const world = setUpOpen();
  let hellos = 0;
  world.signaling.onHello = () => { hellos += 1; };
  world.last().onclose();
  await world.clock.run(1);
  world.last().onopen();
  assert.equal(world.last().sent[0].resume, 'R1');
  assert.equal(hellos, 0);
});

test('a socket opened ahead and not used is closed', () => {
  const world = setUp();
  world.signaling.stop();
  world.signaling.warm();
  world.signaling.stop();
  assert.equal(world.last().closed, true);
});

test('the first message is hello with the token and the typed name', () => {
  const { signaling, sockets, links } = setUp();
  sockets[0].onopen();
  const { visit, ...rest } = sockets[0].sent[0];
  assert.ok(visit.length >= 16);
  assert.deepEqual([sockets[0].sent.length, rest], [1, { type: 'hello', id: 1, version: 1, lang: 'fr', token: 'T', name: 'Aïcha' }]);
  assert.equal(signaling.link, 'connecting');
  sockets[0].welcome();
  assert.deepEqual(links, ['connecting', 'open']);
});

test('on a line whose answers have come to take 3 s the socket stays, and is doubted less and less', async () => {
  const world = setUpOpen();
  const [first] = world.sockets;
  let answered = 0;
  let seen = first.sent.length;
  const answer = (message) => world.clock.setTimeout(() => !first.closed && first.say({ type: 'ok', to: message.id }), 3000);
  for (let i = 0; i < 12; i++) {
    world.signaling.request('hand', {}).then(() => (answered += 1), () => {});
    for (let at = 0; at < 8000; at += 100) {
      for (; seen < first.sent.length; seen++) answer(first.sent[seen]);
      await world.clock.run(100);
      const spare = world.sockets.slice(1).find((s) => !s.closed && !s.opens);
      if (!spare) continue;
      spare.opens = true;
      world.clock.setTimeout(() => spare.onopen?.(), 9000);
    }
  }
  assert.deepEqual([answered, first.closed], [12, false]);
  assert.ok(world.sockets.length <= 2, `${world.sockets.length} sockets`);
});

test('a server that cannot be reached is tried at once and then at 0.25, 0.75, 1.75, 3.75, 7.75 and 11.75 s', async () => {
  const { clock, at } = setUp({ reachable: () => false });
  await clock.run(12000);
  assert.deepEqual(at, [0, 0, 250, 750, 1750, 3750, 7750, 11750]);
});

test('a socket that closes without goodbye comes back at once with the resume token', async () => {
  const { clock, sockets, last, links } = setUpOpen();
  await clock.run(5000);
  sockets[0].onclose();
  await clock.run(0);
  assert.equal(sockets.length, 2);
  last().onopen();
  assert.equal(last().sent[0].resume, 'R1');
  assert.equal(last().sent[0].token, undefined);
  last().welcome({ resumed: true, resume_token: 'R2' });
  assert.deepEqual(links, ['connecting', 'open', 'waiting', 'connecting', 'open']);
});

test('a server that accepts and drops in a loop is asked ever more slowly', async () => {
  const { clock, sockets, last, at } = setUpOpen();
  for (let i = 0; i < 4; i++) {
    last().onclose();
    await clock.run(5000 * (i > 2 ? 1 : 0) + 1000);
    if (last().onopen && !last().sent.length) { last().onopen(); last().welcome(); }
  }
  assert.ok(sockets.length >= 4);
  assert.ok(at[3] - at[2] >= 250, `asked again after ${at[3] - at[2]} ms`);
});

test('a resume token that is no longer good falls back to the link', async () => {
  const { clock, sockets, last } = setUpOpen();
  sockets[0].onclose();
  await clock.run(0);
  last().onopen();
  last().say({ type: 'error', to: last().sent[0].id, code: 'invalid_token', text: '' });
  await clock.run(0);
  assert.equal(sockets.length, 3);
  last().onopen();
  assert.equal(last().sent[0].token, 'T');
});

test('a link that is refused ends it, without another try', async () => {
  for (const code of ['invalid_token', 'expired_token', 'class_ended', 'class_full', 'lobby_full', 'version', 'bad_message']) {
    const { clock, sockets, ended, signaling } = setUp();
    sockets[0].onopen();
    sockets[0].say({ type: 'error', to: 1, code, text: '' });
    await clock.run(60000);
    assert.deepEqual([sockets.length, ended, signaling.link], [1, [code], 'closed']);
  }
});

test('farewells: some are for good, the others mean come back', async () => {
  for (const [code, final] of [['class_ended', true], ['taken_over', true], ['revoked', true], ['shutting_down', false], ['slow_consumer', false]]) {
    const { clock, sockets, ended } = setUpOpen();
    sockets[0].say({ type: 'goodbye', code, text: '' });
    await clock.run(1000);
    assert.deepEqual(ended, final ? [code] : [], code);
    assert.equal(sockets.length, final ? 1 : 2, code);
  }
});

test('an answer goes to its request, a refusal rejects with the code', async () => {
  const { last, signaling } = setUpOpen();
  const asked = signaling.request('hand', { raised: true });
  const refused = signaling.request('share_start');
  const [, hand, share] = last().sent;
  last().say({ type: 'error', to: share.id, code: 'floor_required', text: 'Levez la main.' });
  last().say({ type: 'ok', to: hand.id });
  assert.equal((await asked).type, 'ok');
  await assert.rejects(refused, { code: 'floor_required', text: 'Levez la main.' });
});

test('requests in flight are given up when the socket is lost, and none is sent while it is', async () => {
  const { last, signaling } = setUpOpen();
  const asked = signaling.request('ping');
  last().onclose();
  await assert.rejects(asked, { code: 'offline' });
  await assert.rejects(signaling.request('ping'), { code: 'offline' });
});

test('a request without an answer times out', async () => {
  const { clock, signaling } = setUpOpen();
  const asked = assert.rejects(signaling.request('hand', {}, 3000), { code: 'timeout' });
  await clock.run(3000);
  await asked;
});

test('a socket that has fallen silent is given up', async () => {
  const { clock, sockets } = setUpOpen();
  await clock.run(21000);
  assert.ok(sockets.length > 1);
  assert.ok(sockets[0].closed);
});

test('a socket that does not answer while media is silent is replaced within a second, and one that does stays', async () => {
  const { clock, sockets, signaling } = setUpOpen();
  signaling.probe();
  signaling.probe();
  const pings = sockets[0].sent.filter((m) => m.type === 'ping');
  assert.equal(pings.length, 1);
  await clock.run(200);
  sockets[0].say({ type: 'pong', to: pings[0].id });
  await clock.run(1000);
  assert.equal(sockets.length, 1);
  signaling.probe();
  await clock.run(1000);
  assert.equal(sockets.length, 2);
  assert.ok(sockets[0].closed);
});

test('another socket is opened while the answer is awaited: one that is not needed is closed, one that is says hello at once', async () => {
  const { clock, sockets, signaling } = setUpOpen();
  signaling.probe();
  await clock.run(500);
  assert.equal(sockets.length, 2);
  assert.equal(sockets[1].sent.length, 0); // nothing is said on it yet
  sockets[0].say({ type: 'pong', to: sockets[0].sent.find((m) => m.type === 'ping').id });
  await clock.run(1000);
  assert.ok(sockets[1].closed && !sockets[0].closed);
  signaling.probe();
  await clock.run(500);
  sockets[2].readyState = 1; // it is open before the old one is given up
  await clock.run(250);
  assert.equal(sockets[2].sent[0].resume, 'R1');
  assert.equal(sockets.length, 3);
});

test('a server that never says welcome is given up after 6 s', async () => {
  const { clock, sockets } = setUp();
  sockets[0].onopen();
  await clock.run(6500);
  assert.ok(sockets.length > 1);
});

test('what a socket says after it was given up is not heard', async () => {
  const { clock, sockets, messages } = setUpOpen();
  sockets[0].onclose();
  await clock.run(0);
  const before = messages.length;
  sockets[0].say({ type: 'count', count: {} });
  assert.equal(messages.length, before);
});

test('text that is no JSON is not a reason to fall over', () => {
  const { sockets, signaling } = setUpOpen();
  sockets[0].onmessage({ data: '{' });
  assert.equal(signaling.link, 'open');
});

// One learner in a browser behind whatever network; run by test_paths.py in the learner's namespace.
//
//     node path_run.mjs PLAN.json
//
// Standard output, a line of JSON each: {"ask": NAME} asks for a change of the network and waits for a line on standard
// input; {"result": {...}} ends the run. Times are in milliseconds.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromiumPage, firefoxPage } from '../browser/support/browsers.mjs';
import { Stack, root } from '../browser/support/stack.mjs';
import { atEnd, runProgram, sleep, until } from '../browser/support/tap.mjs';

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const testid = (name) => `[data-testid="${name}"]`;
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
/** amphi-client beside the relay. */
function startClient(url, stack, report, ...more) {
  const client = spawn('ip', ['netns', 'exec', plan.relayNamespace, join(root, 'build', 'release', 'bin', 'amphi-client'), '--url', url, '--seconds', '150', '--ca', join(stack.data, 'certs', 'ca.pem'), '--out', join(stack.data, report), '--log-level', 'error', ...more], { stdio: ['ignore', 'ignore', 'inherit'] });
  atEnd(() => client.kill());
}

const ask = async (name) => {
  say({ ask: name });
  await answers.next();
};

/** Runs in the page: when voice packets came, what was played when and how long it had waited for that, and which way was chosen. */
function watchConnections() {
  const Real = window.RTCPeerConnection;
  const connections = [];
  window.arrivals = []; // [time, voice packets since the last look]
  window.played = []; // [time, connection and stream, RTP time]
  window.waited = []; // [time, ms], a mean of what was played since the last look
  window.way = null;
  window.log = [];
  window.RTCPeerConnection = class extends Real {
    constructor(...more) {
      super(...more);
      const entry = { pc: this, packets: 0, buffers: new Map() };
      connections.push(entry);
      window.log.push([Date.now(), 'connection made']);
      this.addEventListener('iceconnectionstatechange', () => window.log.push([Date.now(), `ice ${this.iceConnectionState}`]));
      this.addEventListener('signalingstatechange', () => window.log.push([Date.now(), `signaling ${this.signalingState}`]));
    }
  };
  const look = async () => {
    for (const entry of connections) {
      if (entry.pc.signalingState === 'closed') continue;
      for (const receiver of entry.pc.getReceivers().filter(({ track }) => track.kind === 'audio')) {
        const [newest] = receiver.getSynchronizationSources?.() ?? [];
        const stream = newest && `${connections.indexOf(entry)} ${newest.source}`;
        if (newest && window.played.findLast(([, which]) => which === stream)?.[2] !== newest.rtpTimestamp) window.played.push([Date.now(), stream, newest.rtpTimestamp]);
      }
      const reports = [...(await entry.pc.getStats()).values()];
      for (const { id, jitterBufferDelay: sum, jitterBufferEmittedCount: count } of reports.filter((r) => r.type === 'inbound-rtp' && r.kind === 'audio')) {
        const before = entry.buffers.get(id);
        if (before && count > before.count) window.waited.push([Date.now(), (1000 * (sum - before.sum)) / (count - before.count)]);
        entry.buffers.set(id, { sum, count });
      }
      const packets = reports.filter((r) => r.type === 'inbound-rtp' && r.kind === 'audio').reduce((sum, r) => sum + r.packetsReceived, 0);
      if (packets > entry.packets) window.arrivals.push([Date.now(), packets - entry.packets]);
      entry.packets = packets;
      const pair = reports.find((r) => r.type === 'candidate-pair' && r.nominated && r.state === 'succeeded' && r.selected !== false);
      const local = pair && reports.find((r) => r.id === pair.localCandidateId);
      if (local) window.way = { protocol: local.protocol, type: local.candidateType, relayProtocol: local.relayProtocol, address: local.address };
    }
    setTimeout(look, 50);
  };
  addEventListener('load', look);
}

async function openLearner(stack, url) {
  const make = plan.browser === 'firefox' ? firefoxPage : chromiumPage;
  const page = await make({
    sources: { install: watchConnections }, ignoreHTTPSErrors: !plan.trusted,
    authority: plan.trusted ? join(stack.data, 'certs', 'ca.pem') : undefined,
    flags: ['--disable-features=WebRtcHideLocalIpsWithMdns,Translate,OptimizationHints'],
  });
  await page.goto(plan.host ? url.replace(/\/\/[^/]+/, `//${plan.host}`) : url);
  await page.waitForSelector(testid('enter'), { timeout: 20000 });
  return page;
}

const lookAt = (page) => page.evaluate((s) => ({ arrivals: window.arrivals, played: window.played, waited: window.waited, way: window.way, log: window.log, path: document.querySelector(s)?.dataset.path ?? null }), testid('connection'));

/** The longest time without voice from `from` on, and when the last such time ended. */
function silence(arrivals, from) {
  const times = [from, ...arrivals.map(([at]) => at).filter((at) => at >= from)];
  let longest = 0;
  for (let i = 1; i < times.length; i++) longest = Math.max(longest, times[i] - times[i - 1]);
  return longest;
}

/**
 * By how much later than ever before `goneAt` something was played after `backAt`, of streams that were there before; null: none was.
 * Firefox names, once, a packet of before when the first new one comes, and does not play it (`waited` would show it): there two looks
 * in a row must say so.
 */
function lateness(played, goneAt, backAt) {
  let worst = -Infinity;
  for (const stream of new Set(played.map(([, which]) => which))) {
    let looks = played.filter(([, which]) => which === stream).map(([at, , rtp], i, all) => [at, at - all[0][0] - ((rtp - all[0][2]) | 0) / 48]);
    if (plan.browser === 'firefox') looks = looks.map(([at, late], i) => [at, Math.min(late, looks[i + 1]?.[1] ?? late)]);
    const usual = Math.max(...looks.filter(([at]) => at < goneAt).map(([, late]) => late));
    if (Number.isFinite(usual)) worst = Math.max(worst, ...looks.filter(([at]) => at > backAt).map(([, late]) => late - usual));
  }
  return Number.isFinite(worst) ? Math.max(0, Math.round(worst)) : null;
}

async function run() {
  const stack = await Stack.start(plan.options, plan.relayNamespace);
  const classId = await stack.newClass('Chemins');
  startClient((await stack.invite(classId, 'trainer', 'Mme Petit')).url, stack, 'trainer.json', '--tone');
  startClient((await stack.invite(classId, 'learner', 'Autre')).url, stack, 'other.json');
  const page = await openLearner(stack, (await stack.invite(classId, 'learner', 'Aïcha')).url);
  if (plan.before) await ask(plan.before);
  const enteredAt = Date.now();
  await page.click(testid('enter'));
  await page.waitForSelector(testid('class'), { timeout: 20000 });
  await until('voice is heard', async () => (await lookAt(page)).arrivals.length > 3, 30000, 100);
  const joined = await lookAt(page);
  const result = { firstVoiceMs: joined.arrivals[0][0] - enteredAt, way: joined.way, log: joined.log.map(([at, what]) => [at - enteredAt, what]) };
  if (plan.change) {
    await sleep(plan.settleMs ?? 5000);
    const before = await stack.participants(classId);
    const changedAt = Date.now();
    await ask(plan.change);
    let backAt = changedAt;
    if (plan.back) {
      await sleep(plan.goneMs);
      backAt = Date.now();
      await ask(plan.back);
    }
    await sleep(plan.watchMs ?? 12000);
    const after = await lookAt(page);
    result.gapMs = silence(after.arrivals, changedAt);
    result.heardMs = (after.arrivals.find(([at]) => at > backAt)?.[0] ?? Infinity) - backAt;
    result.lateMs = lateness(after.played, changedAt, backAt);
    result.waitedMs = Math.round(Math.max(...after.waited.filter(([at]) => at > backAt).map(([, ms]) => ms)));
    result.heardAtEnd = after.arrivals.some(([at]) => at > Date.now() - 2000);
    result.wayAfter = after.way;
    result.log = after.log.map(([at, what]) => [at - changedAt, what]);
    result.people = [before, await stack.participants(classId)].map((list) => list.map((p) => p.id).sort());
    result.here = (await stack.participants(classId)).filter((p) => p.name === 'Aïcha').map((p) => p.here);
    result.events = (await stack.api('GET', '/events?after=0').catch(() => ({ events: [] }))).events.map((e) => e.type);
  }
  result.path = (await lookAt(page)).path;
  say({ result });
}

await runProgram(run);

// Starts the real thing by ./run on free ports and in an empty data directory, and stops it.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atEnd, until, sleep } from './tap.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

const tcpPortIsFree = (port) =>
  new Promise((done) => {
    const server = createServer();
    server.on('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });

const udpPortIsFree = (port) =>
  new Promise((done) => {
    const socket = createSocket('udp4');
    socket.on('error', () => done(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => done(true)));
  });

/** The first of `count` ports in a row that are free in UDP and TCP. Below those that the kernel gives to connections, and
 * anywhere among them: tests beside this one look for theirs as well. */
async function freePorts(count) {
  for (;;) {
    const base = 10240 + Math.floor(Math.random() * (32000 - 10240 - count));
    const free = await Promise.all([...Array(count).keys()].flatMap((i) => [udpPortIsFree(base + i), tcpPortIsFree(base + i)]));
    if (free.every(Boolean)) return base;
  }
}

/** As `fetch`, which takes no certificate authority. */
const fetchTrusting = (ca, url, { method, headers, body }) =>
  new Promise((done, failed) => {
    const asked = request(url, { method, headers, ca }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece) => (text += piece));
      answer.on('end', () => done({ ok: answer.statusCode < 300, status: answer.statusCode, text: async () => text }));
    });
    asked.on('error', failed).end(body);
  });

export class Stack {
  /** A file, for `api`, where the server's certificate is not one that everybody trusts. */
  authority = null;

  /** `inNamespace`: where ./run runs, when this process is elsewhere. */
  static async start(options = [], inNamespace = null) {
    const stack = new Stack();
    stack.data = mkdtempSync(join(tmpdir(), 'amphi-test-'));
    stack.port = await freePorts(1);
    stack.mediaPort = await freePorts(4);
    stack.output = '';
    const command = [...(inNamespace ? ['ip', 'netns', 'exec', inNamespace] : []), join(root, 'run')];
    stack.process = spawn(command[0], [...command.slice(1), '--data', stack.data, '--port', String(stack.port), '--media-port', String(stack.mediaPort), ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [stack.process.stdout, stack.process.stderr]) stream.on('data', (d) => (stack.output += d));
    atEnd(() => stack.stop());
    await until('./run is ready', () => stack.process.exitCode !== null || existsSync(join(stack.data, 'run.json')), 300000, 100);
    if (stack.process.exitCode !== null) throw new Error(`./run ended: ${stack.output}`);
    return stack;
  }

  /** run.json as it stands now: process ids change when a service is restarted. */
  get info() {
    return JSON.parse(readFileSync(join(this.data, 'run.json'), 'utf8'));
  }

  async api(method, path, body) {
    const ask = this.authority ? (url, options) => fetchTrusting(readFileSync(this.authority), url, options) : fetch;
    const response = await ask(`${this.info.base_url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.info.api_key}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  async newClass(title = 'Essai') {
    return (await this.api('POST', '/classes', { title })).class_id;
  }

  async invite(classId, role, name, more = {}) {
    return this.api('POST', `/classes/${classId}/invites`, { role, name, expires_in_s: 3600, ...more });
  }

  async participants(classId) {
    return (await this.api('GET', `/classes/${classId}/participants`)).participants;
  }

  log(service) {
    return readFileSync(join(this.data, 'log', `${service}.log`), 'utf8');
  }

  async stop() {
    if (this.process.exitCode === null) {
      this.process.kill('SIGINT');
      for (let i = 0; i < 100 && this.process.exitCode === null; i++) await sleep(50);
      if (this.process.exitCode === null) this.process.kill('SIGKILL');
    }
    if (!process.env.AMPHI_KEEP_DATA) rmSync(this.data, { recursive: true, force: true });
  }
}

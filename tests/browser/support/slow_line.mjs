// A slow line before a TCP port of this machine, as a browser's connections meet it: each waits one round trip for its beginning, what
// comes down shares one rate, and begins with ten packets in flight, which grow as they are acknowledged (TCP's slow start).
import { connect, createServer } from 'node:net';

const PACKET_BYTES = 1460;
const FIRST_FLIGHT_BYTES = 10 * PACKET_BYTES;

/** Hands things on when their time has come, in their order. */
class Delay {
  constructor(deliver) {
    Object.assign(this, { deliver, waiting: [], timer: null });
  }

  push(item, at) {
    this.waiting.push({ item, at });
    if (this.timer === null) this.#look();
  }

  #look() {
    this.timer = null;
    while (this.waiting.length && this.waiting[0].at <= performance.now() + 0.5) this.deliver(this.waiting.shift().item);
    if (this.waiting.length) this.timer = setTimeout(() => this.#look(), this.waiting[0].at - performance.now());
  }
}

/** Listens on a free port of 127.0.0.1 and leads to `port`. Resolves with {port, close}. */
export function slowLine(port, { rttMs, downBps, upBps }) {
  const free = { down: 0, up: 0 }; // when each direction has sent what it was given
  const send = (direction, bps, bytes) => (free[direction] = Math.max(free[direction], performance.now()) + (bytes * 8000) / bps);
  const server = createServer((browser) => {
    const begun = performance.now() + rttMs; // of data: the handshake's round trip comes first
    const target = connect(port, '127.0.0.1');
    let flight = 0;
    let flightMax = FIRST_FLIGHT_BYTES;
    let queue = Buffer.alloc(0);
    const acknowledged = new Delay((bytes) => {
      flight -= bytes;
      flightMax += bytes;
      pump();
    });
    const down = new Delay((piece) => {
      browser.write(piece);
      acknowledged.push(piece.length, performance.now() + rttMs / 2);
    });
    const up = new Delay((piece) => target.write(piece));
    const pump = () => {
      while (queue.length && flight < flightMax) {
        const piece = queue.subarray(0, PACKET_BYTES);
        queue = queue.subarray(piece.length);
        flight += piece.length;
        down.push(piece, send('down', downBps, piece.length) + rttMs / 2);
      }
    };
    target.on('data', (data) => {
      queue = Buffer.concat([queue, data]);
      pump();
    });
    browser.on('data', (data) => up.push(data, Math.max(begun, send('up', upBps, data.length)) + rttMs / 2));
    for (const socket of [browser, target]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
    }
    browser.on('close', () => target.destroy());
    target.on('close', () => setTimeout(() => browser.destroy(), rttMs));
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done({ port: server.address().port, close: () => server.close() })));
}

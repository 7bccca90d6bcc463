/** Measures the line to the server with small requests and a download of a second or two. */

import { steadiness } from './state/line.js';

const SMALL = '/favicon.svg';
const LARGE = '/modules/uplot/dist/uPlot.iife.min.js';
const PROBES = 10;
const PROBE_WITHIN_MS = 3000;
const DOWNLOAD_MS = 2500;
const WORKERS = 3;

/** @returns {Promise<import('./state/line.js').Sample>} */
export async function probeLine() {
  const times = [];
  let failed = 0;
  await timedFetch(SMALL, PROBE_WITHIN_MS).catch(() => {}); // opens the connection
  for (let i = 0; i < PROBES; i++) {
    const started = performance.now();
    try {
      await timedFetch(SMALL, PROBE_WITHIN_MS);
      times.push(performance.now() - started);
    } catch {
      failed += 1;
    }
  }
  const { rttMs, jitterMs } = steadiness(times);
  return { rttMs, jitterMs, failed: (100 * failed) / PROBES, rateBps: failed === PROBES ? 0 : await downloadRate() };
}

/** Several at once: a single short download ends before a line has shown what it can. */
async function downloadRate() {
  const started = performance.now();
  let bytes = 0;
  let lastAt = started;
  await Promise.all(Array.from({ length: WORKERS }, async () => {
    while (performance.now() - started < DOWNLOAD_MS) {
      try {
        bytes += await timedFetch(LARGE, DOWNLOAD_MS * 3);
        lastAt = performance.now();
      } catch {
        return;
      }
    }
  }));
  return bytes ? (bytes * 8000) / (lastAt - started) : 0;
}

/** @param {string} url @param {number} withinMs @returns {Promise<number>} bytes that came over the line */
async function timedFetch(url, withinMs) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), withinMs);
  try {
    const response = await fetch(url, { cache: 'no-store', signal: stop.signal });
    const body = await response.arrayBuffer();
    return Number(response.headers.get('content-length')) || body.byteLength;
  } finally {
    clearTimeout(timer);
  }
}

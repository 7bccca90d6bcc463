// The pages of a class that is watched: Chromium in this namespace or behind the emulated line, slides instead of a real screen.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installSlides, keepConnections, layout, watchSlides, wordsOfSlide } from './slides.mjs';
import { atEnd } from '../browser/support/tap.mjs';

const fromBrowserTests = createRequire(join(fileURLToPath(new URL('.', import.meta.url)), '..', 'browser', 'package.json'));
const { chromium } = await import(pathToFileURL(fromBrowserTests.resolve('playwright-core')).href).then((m) => m.default ?? m);
export const testid = (name) => `[data-testid="${name}"]`;
export const words = [...Array(64).keys()].map(wordsOfSlide);
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows', '--disable-features=WebRtcHideLocalIpsWithMdns,Translate,OptimizationHints'];

/** Chromium in this namespace, or in `namespace`. */
export async function openBrowser(namespace = null) {
  let executablePath = '/usr/bin/chromium';
  if (namespace) {
    const folder = mkdtempSync(join(tmpdir(), 'amphi-lab-'));
    executablePath = join(folder, 'chromium');
    writeFileSync(executablePath, `#!/bin/sh\nexec ip netns exec ${namespace} /usr/bin/chromium "$@"\n`);
    chmodSync(executablePath, 0o755);
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
  }
  const browser = await chromium.launch({ executablePath, headless: true, args: flags });
  atEnd(() => browser.close());
  return browser;
}

/** `slides`: how long each stands, and pictures a second. */
export async function openLobby(browser, url, slides) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'fr-FR', ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.on('pageerror', (error) => process.stderr.write(`page: ${error}\n`));
  await page.addInitScript(keepConnections);
  await page.addInitScript(installSlides, { layout, ...slides, words });
  await page.goto(url);
  await page.waitForSelector(testid('enter'));
  return page;
}

/** When it was clicked. */
export async function enterClass(page) {
  const at = Date.now();
  await page.click(testid('enter'));
  await page.waitForSelector(testid('class'), { timeout: 30000 });
  return at;
}

/** What is shown on the learner's screen is kept from now on. */
export const watchScreen = (page) => page.evaluate(watchSlides, { selector: `${testid('stage')} video`, layout });

export async function shareScreen(page) {
  await page.click(testid('share-toggle')).catch(() => page.click(testid('share-start')));
}

// Debian's Chromium by Playwright and Firefox by Puppeteer (WebDriver BiDi), behind one small face.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium as playwrightChromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { atEnd, until } from './tap.mjs';

const chromiumFlags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--autoplay-policy=document-user-activation-required',
  '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows'];

let chromium;
let firefox;

/** Without any sound device Firefox starts no AudioContext: a null sink of our own. */
async function startSilentSoundServer() {
  const folder = mkdtempSync(join(tmpdir(), 'amphi-sound-'));
  const server = spawn('pulseaudio', ['-n', '--daemonize=no', '--exit-idle-time=-1', '-L', 'module-native-protocol-unix auth-anonymous=1', '-L', 'module-null-sink sink_name=null'],
    { env: { ...process.env, XDG_RUNTIME_DIR: folder, HOME: folder }, stdio: 'ignore' });
  atEnd(() => {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  const socket = join(folder, 'pulse', 'native');
  await until('the sound server is up', () => existsSync(socket), 5000);
  return `unix:${socket}`;
}

/** Makes a certificate authority known to what is started with this home, or profile, folder. */
function trust(database, authority) {
  mkdirSync(database, { recursive: true });
  execFileSync('certutil', ['-N', '-d', `sql:${database}`, '--empty-password']);
  execFileSync('certutil', ['-A', '-d', `sql:${database}`, '-n', 'Amphi development', '-t', 'C,,', '-i', authority]);
}

/** A page in Chromium; each call has storage of its own. */
export async function chromiumPage({ width = 1280, height = 800, locale = 'fr-FR', sources, ignoreHTTPSErrors = false, newBrowser = false, authority, flags = [], executable = '/usr/bin/chromium' } = {}) {
  let browser = newBrowser ? null : chromium;
  if (!browser) {
    const home = mkdtempSync(join(tmpdir(), 'amphi-home-'));
    atEnd(() => rmSync(home, { recursive: true, force: true }));
    if (authority) trust(join(home, '.pki', 'nssdb'), authority);
    browser = await playwrightChromium.launch({ executablePath: executable, headless: true, args: [...chromiumFlags, ...flags], ...(authority ? { env: { ...process.env, HOME: home } } : {}) });
    if (!newBrowser) chromium = browser;
    atEnd(() => browser.close());
  }
  const context = await browser.newContext({ viewport: { width, height }, locale, ignoreHTTPSErrors });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && page.problems.push(message.text()));
  if (sources) await page.addInitScript(sources.install, sources.options);
  return page;
}

/** A page in Firefox. */
export async function firefoxPage({ width = 1280, height = 800, sources, authority, ignoreHTTPSErrors = false } = {}) {
  if (!firefox) {
    const soundServer = await startSilentSoundServer();
    const profile = mkdtempSync(join(tmpdir(), 'amphi-firefox-'));
    if (authority) trust(profile, authority);
    firefox = await puppeteer.launch({
      browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true, userDataDir: profile, acceptInsecureCerts: ignoreHTTPSErrors,
      env: { ...process.env, PULSE_SERVER: soundServer },
      extraPrefsFirefox: {
        'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true, 'media.peerconnection.ice.loopback': true,
        'media.peerconnection.ice.obfuscate_host_addresses': false, 'media.autoplay.default': 0, 'media.autoplay.block-webaudio': false, 'media.autoplay.blocking_policy': 0, 'intl.accept_languages': 'fr', 'media.gmp-manager.updateEnabled': false,
        'network.captive-portal-service.enabled': false, 'network.connectivity-service.enabled': false, 'app.update.auto': false, 'browser.safebrowsing.malware.enabled': false,
      },
    });
    atEnd(async () => {
      await firefox.close();
      rmSync(profile, { recursive: true, force: true });
    });
  }
  const context = await firefox.createBrowserContext();
  // A window of its own: behind another's tab a page gets a frame a second, and each click waits for several.
  const page = await context.newPage({ type: 'window' });
  await page.setViewport({ width, height });
  if (sources) await page.evaluateOnNewDocument(sources.install, sources.options);
  return asPlaywright(page, context);
}

/** A page of Puppeteer's with the few methods of Playwright's that the tests use. */
function asPlaywright(page, context) {
  return {
    goto: (url) => page.goto(url),
    evaluate: (body, argument) => page.evaluate(body, argument),
    click: async (selector) => (await page.waitForSelector(selector, { visible: true, timeout: 10000 })).click(),
    fill: async (selector, text) => {
      await page.waitForSelector(selector);
      await page.click(selector, { clickCount: 3 });
      await page.type(selector, text);
    },
    waitForSelector: (selector, options = {}) => page.waitForSelector(selector, { visible: options.state !== 'attached', timeout: options.timeout ?? 10000 }),
    screenshot: (options) => page.screenshot(options),
    close: () => context.close(),
    problems: [],
  };
}

/** A page in a Chromium that tells it when another tab is in front of it (under Playwright each believes itself in front). `front(false)` opens such a tab. */
export async function tabPage({ width = 1280, height = 800, sources }) {
  const browser = await puppeteer.launch({ browser: 'chrome', executablePath: '/usr/bin/chromium', headless: true, args: ['--lang=fr-FR', ...chromiumFlags.filter((f) => !/backgrounding|throttling/.test(f))], ignoreDefaultArgs: ['--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows'] });
  atEnd(() => browser.close());
  const page = await browser.newPage();
  await page.setViewport({ width, height });
  if (sources) await page.evaluateOnNewDocument(sources.install, sources.options);
  let other = null;
  const front = async (isFront) => {
    other ??= await browser.newPage();
    await (isFront ? page : other).bringToFront();
  };
  return { ...asPlaywright(page, browser), front };
}

// People in a class, by the page's own controls (docs/page.md lists their data-testid).
import { installSources, watchPicture, listen } from './sources.mjs';
import { chromiumPage, firefoxPage, tabPage } from './browsers.mjs';
import { until } from './tap.mjs';

export const testid = (name) => `[data-testid="${name}"]`;

/** Opens a link, types a name where asked, and enters. The page gets known sources and ears. */
export async function enter(url, { browser = 'chromium', name = 'Camille', toneHz = 440, fps = 15, ...more } = {}) {
  const sources = { install: installSources, options: { toneHz, fps } };
  const page = await { chromium: chromiumPage, firefox: firefoxPage, tab: tabPage }[browser]({ sources, ...more });
  await page.goto(url);
  await page.waitForSelector(testid('enter'));
  const field = await page.evaluate((s) => { const f = document.querySelector(s); return { value: f.value, fixed: f.readOnly }; }, testid('name'));
  if (!field.fixed && !field.value) await page.fill(testid('name'), name);
  await page.click(testid('enter'));
  await page.waitForSelector(testid('class'), { timeout: 15000 });
  await page.evaluate(listen);
  await page.evaluate(watchPicture, `${testid('stage')} video`);
  return page;
}

export const heard = (page) => page.evaluate(() => ({ ...window.soundHeard, now: performance.now() }));
export const seen = (page) => page.evaluate(() => ({ ...window.pictureSeen, now: performance.now() }));

export const startShare = async (page) => {
  await page.click(testid('share-toggle')).catch(() => page.click(testid('share-start')));
};

/** Until a page hears the tone and sees the picture move. */
export async function untilHearsAndSees(page, who, timeoutMs = 15000) {
  const before = await page.evaluate(() => ({ loud: window.soundHeard.loud, frames: window.pictureSeen.frames }));
  await until(`${who} hears and sees`, () => page.evaluate((b) => window.soundHeard.loud > b.loud + 5 && window.pictureSeen.frames > b.frames + 2, before), timeoutMs, 50);
}

/** The commonest pitch of what was loud, in Hz, and the share of loud blocks within 50 Hz of it. */
export function pitch(sound) {
  const entries = Object.entries(sound.frequencies).map(([hz, n]) => [Number(hz), n]).sort((a, b) => b[1] - a[1]);
  if (!entries.length) return { hz: 0, purity: 0 };
  const hz = entries[0][0];
  const near = entries.filter(([h]) => Math.abs(h - hz) <= 50).reduce((sum, [, n]) => sum + n, 0);
  return { hz, purity: near / sound.loud };
}

/**
 * The sentences of the page, in the reader's language. Plain words: most readers are not at ease
 * with computers, many read French or English as a second language.
 */

/** @typedef {'fr'|'en'} Lang */

export const LANGS = /** @type {const} */ (['fr', 'en']);
const AGAIN_AFTER_MS = 2000;
const STORAGE_KEY = 'amphi.lang';

/** @type {Record<string, string>} */
let strings = {};
/** @type {Lang} */
let current = 'fr';
/** @type {Lang} */
let wanted;
let plural = new Intl.PluralRules('fr');

/** @param {readonly string[]} wanted languages by preference @returns {Lang} */
export function pickLang(wanted) {
  for (const tag of wanted) {
    const base = tag.toLowerCase().split('-')[0];
    if (base === 'fr' || base === 'en') return base;
  }
  return 'fr';
}

/** @returns {Lang} */
export function preferredLang() {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    if (stored === 'fr' || stored === 'en') return stored;
  } catch {
    // Storage may be forbidden; the browser's language then decides each time.
  }
  return pickLang(navigator.languages ?? [navigator.language]);
}

/**
 * What is fetched when it is needed: on a line that was cut, until it is there.
 * @template T
 * @param {(again: string) => Promise<T>} load `again` goes behind the name: some browsers remember that a module failed
 * @param {() => void} [onFailure]
 */
export async function untilLoaded(load, onFailure = () => {}) {
  for (let times = 0; ; times += 1) {
    try {
      return await load(times ? `?${times}` : '');
    } catch {
      onFailure();
      // A whole class asks: less and less often, and not all at once.
      await new Promise((done) => setTimeout(done, Math.min(AGAIN_AFTER_MS << times, 30000) * (0.5 + Math.random() / 2)));
    }
  }
}

/** @param {Lang} lang @param {boolean} [remember] */
export async function useLang(lang, remember = false) {
  wanted = lang;
  const { default: table } = await untilLoaded((again) => import(`./strings/${lang}.js${again}`));
  if (lang !== wanted) return; // another one was asked for meanwhile
  setStrings(lang, table);
  document.documentElement.lang = lang;
  if (!remember) return;
  try {
    localStorage.setItem(STORAGE_KEY, lang);
  } catch {
    // As above.
  }
}

/** @param {Lang} lang @param {Record<string, string>} table */
export function setStrings(lang, table) {
  strings = lang === 'fr' ? withFrenchSpaces(table) : table;
  current = lang;
  plural = new Intl.PluralRules(lang);
}

/**
 * A French "?" or ":" belongs to its word: the space before it does not break. Kept out of the strings
 * file, where nobody would see the difference.
 * @param {Record<string, string>} table
 */
function withFrenchSpaces(table) {
  const fix = (/** @type {string} */ text) => text.replace(/ (?=[?!:;»])/g, '\u00a0').replace(/« /g, '«\u00a0');
  return Object.fromEntries(Object.entries(table).map(([key, text]) => [key, fix(text)]));
}

export function lang() {
  return current;
}

/** @param {string} key */
export function has(key) {
  return key in strings;
}

/**
 * The sentence under `key`, with `{name}` replaced by `params.name`. With `params.n` the form for
 * that number is taken: `key.one` or `key.other`.
 * @param {string} key @param {Record<string, string|number>} [params]
 * @returns {string}
 */
export function t(key, params) {
  const form = params && 'n' in params ? `${key}.${plural.select(Number(params.n))}` : key;
  const text = strings[form] ?? strings[`${key}.other`] ?? strings[key] ?? key;
  return params ? text.replace(/\{(\w+)\}/g, (all, name) => show(params[name], all)) : text;
}

/** @param {string|number|undefined} value @param {string} all */
function show(value, all) {
  if (value === undefined) return all;
  return typeof value === 'number' ? value.toLocaleString(current) : value;
}

/** @param {number} value @param {Intl.NumberFormatOptions} [options] */
export function number(value, options) {
  return Number(value).toLocaleString(current, options);
}

/** @param {number} fraction 0 to 1 */
export function percent(fraction) {
  return number(fraction, { style: 'percent', maximumFractionDigits: 0 });
}

/** @param {number} bps */
export function bitRate(bps) {
  const mega = bps >= 999_500;
  const value = number(mega ? bps / 1e6 : bps / 1e3, { maximumFractionDigits: mega ? 1 : 0 });
  return t(mega ? 'unit.mbps' : 'unit.kbps', { value });
}

/** @param {number} bytes */
export function memory(bytes) {
  return t('unit.gib', { value: number(bytes / 2 ** 30, { maximumFractionDigits: 1 }) });
}

/** @param {number} ms since 1970 */
export function clockTime(ms) {
  return new Date(ms).toLocaleTimeString(current, { hour: '2-digit', minute: '2-digit' });
}

/** Time on the page: by the server's clock, and only as often as it is looked at. */

import { useEffect, useState } from 'preact/hooks';
import { classTimeMs, countdown, waited } from '../state/order.js';
import { html } from '../html.js';
import { t } from '../i18n.js';

/** @typedef {import('../classroom.js').State} State */

/** @param {State} state @param {number} everyMs @returns {number} the server's time, ms since 1970 */
export function useNow(state, everyMs) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now + state.clockOffsetMs;
}

/** How long somebody waits, in words. @param {{state: State, since: number}} props */
export function Waited({ state, since }) {
  const { unit, n } = waited(useNow(state, 5000) - since);
  return html`<time>${t(`waited.${unit}`, { n })}</time>`;
}

/** How long the class has been at work, without its breaks. @param {{state: State, realisedMs: number}} props */
export function ClassTime({ state, realisedMs }) {
  const minutes = Math.floor(classTimeMs(state.order.mode, realisedMs, useNow(state, 5000)) / 60000);
  return html`<span data-testid="class-time">${t('class.time', { h: Math.floor(minutes / 60), m: String(minutes % 60).padStart(2, '0') })}</span>`;
}

/** What is left until `until`; said to screen readers by the announcer, not each second. @param {{state: State, until: number}} props */
export function Countdown({ state, until }) {
  const left = until - useNow(state, 1000);
  return html`<p class=${`countdown ${left <= 0 ? 'is-over' : ''}`} role="timer" aria-live="off" data-testid="break-left">${countdown(left)}</p>`;
}

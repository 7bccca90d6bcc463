/** Time on the page: by the server's clock, and only as often as it is looked at. */

import { useEffect, useState } from 'preact/hooks';
import { countdown, waited } from '../state/order.js';
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

/** What is left until `until`; said to screen readers by the announcer, not each second. @param {{state: State, until: number}} props */
export function Countdown({ state, until }) {
  const left = until - useNow(state, 1000);
  return html`<p class=${`countdown ${left <= 0 ? 'is-over' : ''}`} role="timer" aria-live="off" data-testid="break-left">${countdown(left)}</p>`;
}

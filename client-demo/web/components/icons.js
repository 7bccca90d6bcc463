import { html } from '../html.js';

/** Drawn on a 24-unit grid, in strokes of the text's own colour. */
const PATHS = /** @type {const} */ ({
  mic: ['M12 3.5a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0v-5a3 3 0 0 0-3-3z', 'M5.5 11.5a6.5 6.5 0 0 0 13 0', 'M12 18v3'],
  'mic-off': ['M15 9.5v-3a3 3 0 0 0-5.8-1', 'M9 9v2.5a3 3 0 0 0 4.6 2.5', 'M5.5 11.5a6.5 6.5 0 0 0 10.4 5.2', 'M18.1 13.6c.3-.7.4-1.4.4-2.1', 'M12 18v3', 'M4 3.5l16 17'],
  hand: ['M8 12.5V6a1.5 1.5 0 0 1 3 0v5', 'M11 11V4.5a1.5 1.5 0 0 1 3 0V11', 'M14 11.5V6a1.5 1.5 0 0 1 3 0v8.5c0 4-2.5 6.5-6 6.5-2.6 0-4.2-1.2-5.4-3.4l-2-3.6a1.5 1.5 0 0 1 2.5-1.6L8 14.5'],
  screen: ['M3.5 5h17v11.5h-17z', 'M9 20.5h6', 'M12 16.5v4', 'M12 13V8', 'M9.8 10l2.2-2.2 2.2 2.2'],
  'screen-off': ['M3.5 5h17v11.5h-17z', 'M9 20.5h6', 'M12 16.5v4', 'M9.8 8.5l4.4 4.4', 'M14.2 8.5l-4.4 4.4'],
  expand: ['M4 9V4h5', 'M20 9V4h-5', 'M4 15v5h5', 'M20 15v5h-5'],
  shrink: ['M9 4v5H4', 'M15 4v5h5', 'M9 20v-5H4', 'M15 20v-5h5'],
  'zoom-in': ['M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z', 'M15.3 15.3L20.5 20.5', 'M10.5 7.8v5.4', 'M7.8 10.5h5.4'],
  'zoom-out': ['M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z', 'M15.3 15.3L20.5 20.5', 'M7.8 10.5h5.4'],
  volume: ['M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z', 'M15.5 9a4.2 4.2 0 0 1 0 6', 'M18 6.5a7.8 7.8 0 0 1 0 11'],
  leave: ['M13 4H5v16h8', 'M10 12h10', 'M16.5 8.5L20 12l-3.5 3.5'],
  people: ['M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z', 'M2.5 20c0-3.5 2.8-5.5 6.5-5.5s6.5 2 6.5 5.5', 'M16 5a3.3 3.3 0 0 1 0 6.3', 'M18 15c2.2.7 3.5 2.4 3.5 5'],
  help: ['M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z', 'M9.5 9.5a2.5 2.5 0 1 1 3.7 2.2c-.8.5-1.2 1-1.2 2', 'M12 16.8v.1'],
  check: ['M5 12.5l4.5 4.5L19 7.5'],
  warning: ['M12 4L2.8 19.5h18.4z', 'M12 10v4.5', 'M12 17v.1'],
  info: ['M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z', 'M12 11v5.5', 'M12 7.7v.1'],
  wave: ['M4 10v4', 'M8 7v10', 'M12 4v16', 'M16 8v8', 'M20 10.5v3'],
  close: ['M6 6l12 12', 'M18 6L6 18'],
  stop: ['M6 6h12v12H6z'],
  signal: ['M5 15v4', 'M10 12v7', 'M15 8.5v10.5', 'M20 5v14'],
  'signal-off': ['M5 15v4', 'M10 12v7', 'M16 7l5 5', 'M21 7l-5 5'],
  reload: ['M19.5 12a7.5 7.5 0 1 1-2.2-5.3', 'M19.5 3.5v4h-4'],
  enter: ['M11 4h8v16h-8', 'M4 12h10', 'M10.5 8.5L14 12l-3.5 3.5'],
  globe: ['M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z', 'M3.5 12h17', 'M12 3.5c2.3 2.3 3.5 5.2 3.5 8.5s-1.2 6.2-3.5 8.5c-2.3-2.3-3.5-5.2-3.5-8.5s1.2-6.2 3.5-8.5z'],
  link: ['M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1', 'M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1'],
});

/** @typedef {keyof typeof PATHS} IconName */

/** @param {{name: IconName}} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    ${PATHS[name].map((d) => html`<path d=${d} />`)}
  </svg>`;
}

/** Two rows of an amphitheatre and the desk in front of them. */
export function Logo() {
  return html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect class="logo-ground" width="32" height="32" rx="8" />
    <g class="logo-rows"><path d="M5.5 15a10.5 10.5 0 0 1 21 0" /><path d="M10 16.5a6 6 0 0 1 12 0" /></g>
    <path class="logo-desk" d="M10 22.5h12" />
  </svg>`;
}

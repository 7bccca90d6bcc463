/** The last hour as a plot, and the same in words and in a table. */

import { useEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { bitRate, clockTime, lang, number, percent, t, untilLoaded } from '../i18n.js';

/** @typedef {import('../classroom.js').State['history']} History */

const SCRIPT = '/modules/uplot/dist/uPlot.iife.min.js';
const STYLE = '/modules/uplot/dist/uPlot.min.css';
const HEIGHT = 260;
const TABLE_EVERY_MS = 300_000;
/** Less than that on the time axis would repeat minutes. */
const AXIS_LEAST_MS = 600_000;
const MINUTE_MS = 60_000;

/** @type {Promise<any>|null} */
let loading = null;

/** The library's module is three times as large as its script; only operators load it. */
function loadPlotter() {
  loading ??= untilLoaded(() => new Promise((resolve, reject) => {
    const style = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: STYLE });
    const script = Object.assign(document.createElement('script'), { src: SCRIPT });
    script.onload = () => resolve(/** @type {any} */ (window).uPlot);
    script.onerror = (error) => {
      style.remove();
      script.remove();
      reject(error);
    };
    document.head.append(style, script);
  }));
  return loading;
}

/** @param {{history: History}} props */
export function HourPlot({ history }) {
  const box = useRef(/** @type {HTMLDivElement|null} */ (null));
  const plot = useRef(/** @type {any} */ (null));
  const latest = useRef(history);
  latest.current = history;
  const drawn = lang();
  useEffect(() => {
    let gone = false;
    loadPlotter().then((uPlot) => {
      if (gone || !box.current) return;
      plot.current = new uPlot(options(box.current.clientWidth), columns(latest.current), box.current);
    }); // until then the table says the same
    const observer = new ResizeObserver(() => {
      if (box.current) plot.current?.setSize({ width: box.current.clientWidth, height: HEIGHT });
    });
    if (box.current) observer.observe(box.current);
    return () => {
      gone = true;
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [drawn]);
  useEffect(() => {
    plot.current?.setData(columns(history));
  }, [history]);
  return html`<figure class="plot" data-testid="history">
    <div class="plot-box" ref=${box} aria-hidden="true"></div>
    <figcaption data-testid="history-text">${summary(history)}</figcaption>
    <details class="plot-table">
      <summary>${t('plot.table')}</summary>
      <table>
        <thead><tr><th scope="col">${t('plot.time')}</th><th scope="col">${t('cpu')}</th><th scope="col">${t('people')}</th>
          <th scope="col">${t('rate.in')}</th><th scope="col">${t('rate.out')}</th></tr></thead>
        <tbody>${thin(history).map((p) => html`<tr><th scope="row">${clockTime(p.t)}</th><td>${percent(p.cpu)}</td>
          <td>${number(p.participants)}</td><td>${bitRate(p.bps_in)}</td><td>${bitRate(p.bps_out)}</td></tr>`)}</tbody>
      </table>
    </details>
  </figure>`;
}

/** @param {number} width */
function options(width) {
  const colour = (/** @type {string} */ name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = { stroke: colour('--ink-soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line') } };
  const font = '13px system-ui, sans-serif';
  return {
    width, height: HEIGHT, ms: 1,
    scales: {
      x: { time: true, range: (/** @type {any} */ _u, /** @type {number} */ min, /** @type {number} */ max) => [Math.min(min, max - AXIS_LEAST_MS), max] },
      percent: { range: (/** @type {any} */ _u, /** @type {number} */ _min, /** @type {number} */ max) => [0, Math.max(10, max * 1.15)] },
      count: { range: (/** @type {any} */ _u, /** @type {number} */ _min, /** @type {number} */ max) => [0, Math.max(5, max * 1.15)] },
    },
    axes: [
      { ...axis, font, incrs: [1, 2, 5, 10, 15, 20, 30].map((minutes) => minutes * MINUTE_MS), values: (/** @type {any} */ _u, /** @type {number[]} */ ticks) => ticks.map((tick) => clockTime(tick)) },
      { ...axis, font, stroke: colour('--primary'), scale: 'percent', size: 64, values: (/** @type {any} */ _u, /** @type {number[]} */ ticks) => ticks.map((v) => percent(v / 100)) },
      { ...axis, font, stroke: colour('--amber-deep'), scale: 'count', side: 1, size: 64, grid: { show: false }, values: (/** @type {any} */ _u, /** @type {number[]} */ ticks) => ticks.map((v) => number(v)) },
    ],
    series: [
      { label: t('plot.time'), value: (/** @type {any} */ _u, /** @type {number|null} */ v) => (v === null ? '' : clockTime(v)) },
      { label: t('cpu'), scale: 'percent', stroke: colour('--primary'), width: 2.5, value: (/** @type {any} */ _u, /** @type {number|null} */ v) => (v === null ? '' : percent(v / 100)) },
      { label: t('people'), scale: 'count', stroke: colour('--amber-deep'), width: 2.5, dash: [7, 4], value: (/** @type {any} */ _u, /** @type {number|null} */ v) => (v === null ? '' : number(v)) },
    ],
    legend: { live: false },
    cursor: { y: false, drag: { x: false, y: false } },
  };
}

/** @param {History} history */
function columns(history) {
  return [history.map((p) => p.t), history.map((p) => p.cpu * 100), history.map((p) => p.participants)];
}

/** @param {History} history */
function summary(history) {
  if (history.length === 0) return t('plot.nothing');
  const most = (/** @type {(p: History[0]) => number} */ f) => history.reduce((max, p) => Math.max(max, f(p)), 0);
  const mean = history.reduce((sum, p) => sum + p.cpu, 0) / history.length;
  return t('plot.summary', {
    mean: percent(mean), most: percent(most((p) => p.cpu)), people: number(most((p) => p.participants)), rate: bitRate(most((p) => p.bps_out)),
  });
}

/** One point each five minutes, the newest first. @param {History} history */
function thin(history) {
  /** @type {History} */
  const rows = [];
  for (const point of [...history].reverse())
    if (rows.length === 0 || rows[rows.length - 1].t - point.t >= TABLE_EVERY_MS) rows.push(point);
  return rows;
}

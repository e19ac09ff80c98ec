// Every object as a row: what was detected, predicted, occluded; keyframes as diamonds; events above.

import { DOUBT } from './palette.js';

const ROW = 12;
const EVENTS = 17;
/** Events at the same time lie below one another, in as many lanes at most. */
const LANES = 3;
/** @typedef {{id: number, class: number, start: number, stop: number, keyframes: number[], spans: number[][]}} Row */

/** Each event's lane: the first that is free when it begins; the last one when none is. @param {{start: number, stop: number}[]} events */
function lanesOf(events) {
  /** @type {number[]} */
  const ends = [];
  return events.map(({ start, stop }) => {
    const free = ends.findIndex((end) => end <= start);
    const lane = free >= 0 ? free : Math.min(ends.length, LANES - 1);
    ends[lane] = Math.max(ends[lane] ?? 0, stop);
    return lane;
  });
}

export class Timeline {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{seek: (frame: number) => void, select: (track: number) => void, colour: (row: Row) => string}} owner
   */
  constructor(canvas, owner) {
    this.canvas = canvas;
    this.owner = owner;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    /** @type {Row[]} */
    this.rows = [];
    /** @type {any[]} */
    this.events = [];
    /** The lane of every event. @type {number[]} */
    this.lanes = [];
    this.frames = 1;
    this.frame = 0;
    /** @type {number | null} */
    this.selected = null;
    this.top = 0;
    canvas.addEventListener('pointerdown', (event) => this.#point(event, true));
    canvas.addEventListener('pointermove', (event) => { if (event.buttons) this.#point(event, false); });
    canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      this.top = Math.min(Math.max(this.top + event.deltaY, 0), Math.max(this.rows.length * ROW - 100, 0));
      this.draw();
    }, { passive: false });
    new ResizeObserver(() => {
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(canvas.clientWidth * ratio);
      canvas.height = Math.round(canvas.clientHeight * ratio);
      this.draw();
    }).observe(canvas);
  }

  /** @param {{tracks: Row[], events: any[]}} facts @param {number} frames */
  show(facts, frames) {
    this.rows = facts.tracks;
    this.events = facts.events;
    this.lanes = lanesOf(facts.events);
    this.frames = Math.max(frames, 1);
    this.draw();
  }

  /** Put new rows of some objects in the place of their old ones; an object without a row is gone. @param {number[]} tracks @param {Row[]} rows */
  replace(tracks, rows) {
    const gone = new Set(tracks);
    this.rows = [...this.rows.filter((row) => !gone.has(row.id)), ...rows].sort((a, b) => a.id - b.id);
    this.draw();
  }

  /** Scroll so that the selected object's row can be seen. */
  reveal() {
    const at = this.rows.findIndex((row) => row.id === this.selected);
    const room = this.canvas.clientHeight - EVENTS - ROW;
    if (at >= 0 && (at * ROW < this.top || at * ROW > this.top + room)) this.top = Math.max(at * ROW - room / 2, 0);
  }

  draw() {
    const { context, canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const style = getComputedStyle(canvas);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    context.clearRect(0, 0, width, height);
    const x = (/** @type {number} */ frame) => 60 + (frame / this.frames) * (width - 72);
    context.font = '10px system-ui, sans-serif';
    context.textBaseline = 'middle';
    const first = Math.floor(this.top / ROW);
    const last = Math.min(this.rows.length, first + Math.ceil((height - EVENTS) / ROW) + 1);
    for (let number = first; number < last; number += 1) {
      const row = this.rows[number];
      const y = EVENTS + number * ROW - this.top;
      if (row.id === this.selected) {
        context.fillStyle = 'rgba(110, 170, 255, .25)';
        context.fillRect(0, y, width, ROW);
      }
      context.fillStyle = this.owner.colour(row);
      context.fillRect(2, y + 2, 8, ROW - 4);
      context.strokeStyle = '#808080';
      context.strokeRect(2.5, y + 2.5, 7, ROW - 5);
      context.fillStyle = style.color;
      context.fillText(String(row.id), 14, y + ROW / 2);
      for (const [start, stop, kind, doubt] of row.spans) {
        if (kind === 3) continue;
        context.fillStyle = kind === 4 ? '#b03a00' : DOUBT[Math.min(Math.floor(doubt / 12), DOUBT.length - 1)];
        const thin = kind === 0 ? 2 : 4;
        context.fillRect(x(start), y + thin, Math.max(x(stop) - x(start), 1), ROW - 2 * thin);
      }
      context.fillStyle = style.color;
      for (const frame of row.keyframes) {
        context.beginPath();
        context.moveTo(x(frame + 0.5), y + 1);
        context.lineTo(x(frame + 0.5) + 4, y + ROW / 2);
        context.lineTo(x(frame + 0.5), y + ROW - 1);
        context.lineTo(x(frame + 0.5) - 4, y + ROW / 2);
        context.fill();
      }
    }
    context.clearRect(0, 0, width, EVENTS - 1);
    const lane = (EVENTS - 3) / Math.max(1, ...this.lanes.map((number) => number + 1));
    context.fillStyle = '#d55e00';
    this.events.forEach((event, number) => {
      context.fillRect(x(event.start), 2 + this.lanes[number] * lane, Math.max(x(event.stop) - x(event.start) - 1, 2), lane - 1);
    });
    context.fillStyle = '#e8003a';
    context.fillRect(x(this.frame + 0.5) - 0.75, 0, 1.5, height);
  }

  /** @param {PointerEvent} event @param {boolean} pick */
  #point(event, pick) {
    const width = this.canvas.clientWidth;
    const frame = Math.round(((event.offsetX - 60) / (width - 72)) * this.frames - 0.5);
    const row = this.rows[Math.floor((event.offsetY - EVENTS + this.top) / ROW)];
    if (pick && row && event.offsetY > EVENTS) this.owner.select(row.id);
    this.owner.seek(Math.min(Math.max(frame, 0), this.frames - 1));
  }
}

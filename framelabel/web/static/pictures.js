// Pictures of one video, decoded ahead of the playhead, so that the next step finds them ready.

import { frameUrl, Refusal } from './api.js';

/** Widths that the server makes; asking for these alone makes the same picture the same address. */
const WIDTHS = [160, 640, 1280, 1920];
const KEPT = 12;
const AHEAD = 4;

export class Pictures {
  /** @param {{id: number, width: number, frames: number}} video */
  constructor(video) {
    this.video = video;
    this.width = 0;
    /** @type {Map<number, Promise<ImageBitmap>>} */
    this.ready = new Map();
    this.playhead = 0;
    this.direction = 1;
    this.isFetchingAhead = false;
    /** @type {ImageBitmap | null} */
    this.shown = null;
    /** @type {ImageBitmap | null} */
    this.leaving = null;
  }

  /** Say which picture is on the canvas: it is not released before another one is. @param {ImageBitmap} image */
  show(image) {
    if (this.leaving && this.leaving !== image) { this.leaving.close(); this.leaving = null; }
    this.shown = image;
  }

  /** Ask for pictures at least this wide from now on; returns whether they are wider than before. @param {number} pixels */
  want(pixels) {
    const width = WIDTHS.find((served) => served >= pixels && served < this.video.width) ?? this.video.width;
    const isWider = width > this.width;
    if (width !== this.width) this.#forget();
    this.width = width;
    return isWider;
  }

  /** The picture of a frame; it stays valid while it is among the last twelve asked for. @param {number} frame */
  async at(frame) {
    this.direction = frame < this.playhead ? -1 : 1;
    this.playhead = frame;
    const found = await this.#fetch(frame, false);
    if (!this.isFetchingAhead) setTimeout(() => this.#fetchAhead(), 0);
    return found;
  }

  async #fetchAhead() {
    this.isFetchingAhead = true;
    try {
      for (let step = 1; step <= AHEAD; step += 1) {
        const frame = this.playhead + this.direction * step;
        if (frame < 0 || frame >= this.video.frames) return;
        if (!this.ready.has(frame)) {
          const before = this.playhead;
          await this.#fetch(frame, true);
          if (this.playhead !== before) step = 0;
        }
      }
    } catch { /* said when the frame itself is asked for */ } finally {
      this.isFetchingAhead = false;
    }
  }

  /** @param {number} frame @param {boolean} isAhead */
  #fetch(frame, isAhead) {
    const known = this.ready.get(frame);
    if (known) {
      this.ready.delete(frame);
      this.ready.set(frame, known);
      return known;
    }
    const loading = load(frameUrl(this.video.id, frame, this.width, isAhead), frame);
    this.ready.set(frame, loading);
    loading.catch(() => { if (this.ready.get(frame) === loading) this.ready.delete(frame); });
    if (this.ready.size > KEPT) this.#drop([...this.ready.keys()].find((other) => other !== this.playhead) ?? frame);
    return loading;
  }

  /** @param {number} frame */
  #drop(frame) {
    const old = this.ready.get(frame);
    this.ready.delete(frame);
    old?.then((image) => { if (image === this.shown) this.leaving = image; else image.close(); }, () => {});
  }

  #forget() {
    for (const frame of [...this.ready.keys()]) this.#drop(frame);
  }
}

/** @param {string} url @param {number} frame */
async function load(url, frame) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Refusal(answer.status, (await answer.text()).slice(0, 200), null);
  if (Number(answer.headers.get('x-frame')) !== frame) throw new Error('the server sent another frame');
  return createImageBitmap(await answer.blob());
}

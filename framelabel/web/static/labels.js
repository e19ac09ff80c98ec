// Labels of the frames around the playhead, fetched by window and thrown away when a window changes.

import { read } from './api.js';

const WINDOW = 100;
const KEPT = 12;

/**
 * @typedef {{frame: number, id: number, track: number, class: number, xyxy: number[], visibility: number,
 *            flags: number, score: number, uncertainty: number, maker?: [string, string], attributes?: Record<string, any>,
 *            polygon?: number[][][], polyline?: number[][], points?: number[][], visible?: number[], mask?: number[]}} Label
 * A label that belongs to no object has the number of its own below zero as its track: -1 - id.
 * Its maker is the origin of what is stored and the name of its author.
 * A mask is its vertical stretches in a row: x, first y, y after the last.
 */

export const TRUNCATED = 2;
export const KEYFRAME = 16;
export const PREDICTED = 32;
export const ABSENT = 2;

export class Labels {
  /** @param {number} video */
  constructor(video) {
    this.video = video;
    /** @type {Map<number, Promise<Map<number, Label[]>>>} */
    this.windows = new Map();
    /** Whole-frame attributes by frame. @type {Map<number, Record<string, any>>} */
    this.tags = new Map();
  }

  /** The labels of one frame; the next window is fetched before it is needed. @param {number} frame */
  async at(frame) {
    const number = Math.floor(frame / WINDOW);
    const found = await this.#window(number);
    if (frame % WINDOW > WINDOW / 2) this.#window(number + 1).catch(() => {});
    return found.get(frame) ?? [];
  }

  /** Forget what has changed. @param {number} start @param {number} stop */
  forget(start, stop) {
    for (const number of [...this.windows.keys()]) {
      if (number * WINDOW < stop && (number + 1) * WINDOW > start) this.windows.delete(number);
    }
  }

  /** @param {number} number */
  #window(number) {
    let found = this.windows.get(number);
    if (!found) {
      const fetched = this.#fetch(number);
      found = fetched.then(({ byFrame, tags }) => {
        if (this.windows.get(number) !== found) return byFrame; // forgotten meanwhile: newer tags are on their way
        this.#dropTags(number);
        for (const [frame, values] of Object.entries(tags)) this.tags.set(Number(frame), values);
        return byFrame;
      });
      found.catch(() => { if (this.windows.get(number) === found) this.windows.delete(number); });
      this.windows.set(number, found);
      if (this.windows.size > KEPT) this.#drop(this.windows.keys().next().value ?? 0);
    }
    return found;
  }

  /** @param {number} number */
  #drop(number) {
    this.windows.delete(number);
    this.#dropTags(number);
  }

  /** @param {number} number */
  #dropTags(number) {
    for (let frame = number * WINDOW; frame < (number + 1) * WINDOW; frame += 1) this.tags.delete(frame);
  }

  /** @param {number} number */
  async #fetch(number) {
    const start = number * WINDOW;
    const answer = await read(`/api/videos/${this.video}/labels?start=${start}&stop=${start + WINDOW}`);
    /** @type {Map<number, Label[]>} */
    const byFrame = new Map();
    for (const [frame, id, track, cls, x1, y1, x2, y2, visibility, flags, score, uncertainty, maker] of answer.boxes) {
      const label = {
        frame, id, track: track < 0 ? -1 - id : track, class: cls, xyxy: [x1, y1, x2, y2], visibility, flags, score, uncertainty,
        maker: answer.makers[maker], ...answer.extras[id],
      };
      const list = byFrame.get(frame);
      if (list) list.push(label); else byFrame.set(frame, [label]);
    }
    return { byFrame, tags: /** @type {Record<string, Record<string, any>>} */ (answer.tags) };
  }
}

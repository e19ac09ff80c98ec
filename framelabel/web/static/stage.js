// The picture with its labels: zoom, pan, hit testing, drawing and dragging boxes. Knows nothing of the server.

import { ABSENT, KEYFRAME, PREDICTED } from './labels.js';

/** @typedef {import('./labels.js').Label} Label */

const HANDLE = 7;

export class Stage {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{drawn: (xyxy: number[]) => void, changed: (label: Label, xyxy: number[]) => void,
   *          selected: (label: Label | null) => void, colour: (label: Label) => string,
   *          title: (label: Label) => string, canWrite: () => boolean}} owner
   */
  constructor(canvas, owner) {
    this.canvas = canvas;
    this.owner = owner;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    /** @type {ImageBitmap | null} */
    this.image = null;
    this.size = [1, 1];
    /** @type {Label[]} */
    this.labels = [];
    /** @type {number | null} */
    this.selected = null;
    this.zoom = 1;
    this.offset = [0, 0];
    /** @type {any} */
    this.drag = null;
    /** @type {Map<number, PointerEvent>} */
    this.pointers = new Map();
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    canvas.addEventListener('pointerup', (event) => this.#up(event));
    canvas.addEventListener('pointercancel', (event) => this.#up(event));
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  /** Show a picture and its labels. @param {ImageBitmap} image @param {number[]} size @param {Label[]} labels */
  show(image, size, labels) {
    this.image?.close();
    this.image = image;
    this.size = size;
    this.labels = labels.filter((label) => label.visibility < ABSENT);
    this.draw();
  }

  /** The selected label of this frame, if its object has one here. */
  current() {
    return this.labels.find((label) => label.track === this.selected) ?? null;
  }

  /** Fit the picture again. */
  fit() {
    this.zoom = 1;
    this.offset = [0, 0];
    this.draw();
  }

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
    this.draw();
  }

  #scale() {
    return Math.min(this.canvas.width / this.size[0], this.canvas.height / this.size[1]) * this.zoom;
  }

  #origin() {
    const scale = this.#scale();
    return [
      (this.canvas.width - this.size[0] * scale) / 2 + this.offset[0],
      (this.canvas.height - this.size[1] * scale) / 2 + this.offset[1],
    ];
  }

  /** Picture coordinates of a pointer. @param {{offsetX: number, offsetY: number}} event */
  #place(event) {
    const ratio = this.canvas.width / this.canvas.clientWidth;
    const [left, top] = this.#origin();
    return [(event.offsetX * ratio - left) / this.#scale(), (event.offsetY * ratio - top) / this.#scale()];
  }

  draw() {
    const { context, canvas } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!this.image) return;
    const scale = this.#scale();
    const [left, top] = this.#origin();
    context.imageSmoothingEnabled = scale < 3;
    context.drawImage(this.image, left, top, this.size[0] * scale, this.size[1] * scale);
    const unit = Math.max(1, Math.round((window.devicePixelRatio || 1) * 1.5));
    context.font = `${11 * (window.devicePixelRatio || 1)}px system-ui, sans-serif`;
    context.textBaseline = 'bottom';
    const many = this.labels.length > 300;
    for (const label of this.labels) {
      const isSelected = label.track === this.selected && label.track >= 0;
      const box = isSelected && this.drag?.box ? this.drag.box : label.xyxy;
      this.#outline(label, box, scale, left, top, unit, isSelected);
      if (!many || isSelected) this.#title(label, box, scale, left, top);
      if (isSelected) this.#handles(box, scale, left, top);
    }
    if (this.drag?.kind === 'draw') {
      context.setLineDash([]);
      context.strokeStyle = '#fff';
      context.lineWidth = unit;
      const [x1, y1, x2, y2] = this.drag.box;
      context.strokeRect(left + x1 * scale, top + y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale);
    }
  }

  /**
   * @param {Label} label @param {number[]} box @param {number} scale @param {number} left @param {number} top
   * @param {number} unit @param {boolean} isSelected
   */
  #outline(label, box, scale, left, top, unit, isSelected) {
    const { context } = this;
    const colour = this.owner.colour(label);
    const isPredicted = label.flags & PREDICTED && !(label.flags & KEYFRAME);
    const [x1, y1, x2, y2] = box;
    context.lineWidth = isSelected ? unit * 2 : unit;
    context.setLineDash(isPredicted ? [6 * unit, 4 * unit] : label.visibility === 1 ? [2 * unit, 3 * unit] : []);
    context.strokeStyle = '#000a';
    context.strokeRect(left + x1 * scale - 1, top + y1 * scale - 1, (x2 - x1) * scale + 2, (y2 - y1) * scale + 2);
    context.strokeStyle = colour;
    context.strokeRect(left + x1 * scale, top + y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale);
    context.setLineDash([]);
    for (const ring of label.polygon ?? (label.polyline ? [label.polyline] : [])) {
      context.beginPath();
      ring.forEach(([x, y], number) => {
        if (number) context.lineTo(left + x * scale, top + y * scale);
        else context.moveTo(left + x * scale, top + y * scale);
      });
      if (label.polygon) { context.closePath(); context.fillStyle = `${colour}33`; context.fill(); }
      context.stroke();
    }
    for (const [x, y] of label.points ?? []) {
      context.fillStyle = colour;
      context.fillRect(left + x * scale - 2 * unit, top + y * scale - 2 * unit, 4 * unit, 4 * unit);
    }
  }

  /** @param {Label} label @param {number[]} box @param {number} scale @param {number} left @param {number} top */
  #title(label, box, scale, left, top) {
    const { context } = this;
    const text = this.owner.title(label);
    const width = context.measureText(text).width + 6;
    const height = 15 * (window.devicePixelRatio || 1);
    const x = left + box[0] * scale;
    const y = Math.max(top + box[1] * scale, height);
    context.fillStyle = this.owner.colour(label);
    context.fillRect(x, y - height, width, height);
    context.fillStyle = '#000';
    context.fillText(text, x + 3, y - 1);
  }

  /** @param {number[]} box @param {number} scale @param {number} left @param {number} top */
  #handles(box, scale, left, top) {
    const { context } = this;
    const size = HANDLE * (window.devicePixelRatio || 1);
    context.fillStyle = '#fff';
    context.strokeStyle = '#000';
    context.lineWidth = 1;
    for (const x of [box[0], (box[0] + box[2]) / 2, box[2]]) {
      for (const y of [box[1], (box[1] + box[3]) / 2, box[3]]) {
        if (x === (box[0] + box[2]) / 2 && y === (box[1] + box[3]) / 2) continue;
        context.fillRect(left + x * scale - size / 2, top + y * scale - size / 2, size, size);
        context.strokeRect(left + x * scale - size / 2, top + y * scale - size / 2, size, size);
      }
    }
  }

  /** Which sides of a box a point grabs. @param {number[]} box @param {number[]} point @returns {number[] | null} */
  #grab(box, [x, y]) {
    const reach = (HANDLE + 3) * (window.devicePixelRatio || 1) / this.#scale();
    const inX = x > box[0] - reach && x < box[2] + reach;
    const inY = y > box[1] - reach && y < box[3] + reach;
    if (!inX || !inY) return null;
    const sides = [];
    if (Math.abs(x - box[0]) < reach) sides.push(0); else if (Math.abs(x - box[2]) < reach) sides.push(2);
    if (Math.abs(y - box[1]) < reach) sides.push(1); else if (Math.abs(y - box[3]) < reach) sides.push(3);
    return sides;
  }

  /** The smallest label under a point. @param {number[]} point */
  #hit([x, y]) {
    const under = this.labels.filter(({ xyxy: [x1, y1, x2, y2] }) => x >= x1 && x <= x2 && y >= y1 && y <= y2);
    const area = (/** @type {Label} */ { xyxy: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1);
    return under.sort((a, b) => area(a) - area(b))[0] ?? null;
  }

  /** @param {PointerEvent} event */
  #down(event) {
    this.canvas.focus();
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    const point = this.#place(event);
    if (event.button === 1 || event.button === 2 || event.shiftKey || this.pointers.size === 2) {
      this.drag = { kind: 'pan', from: [event.offsetX, event.offsetY], offset: [...this.offset], zoom: this.zoom };
      return;
    }
    const current = this.current();
    const sides = current && this.owner.canWrite() ? this.#grab(current.xyxy, point) : null;
    if (current && sides) {
      this.drag = { kind: sides.length ? 'resize' : 'move', sides, from: point, box: [...current.xyxy], label: current };
      return;
    }
    const hit = this.#hit(point);
    if (hit) {
      this.selected = hit.track;
      this.owner.selected(hit);
      this.drag = { kind: 'move', sides: [], from: point, box: [...hit.xyxy], label: hit };
    } else {
      this.selected = null;
      this.owner.selected(null);
      if (this.owner.canWrite()) this.drag = { kind: 'draw', from: point, box: [...point, ...point] };
    }
    this.draw();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (this.pointers.has(event.pointerId)) {
      if (this.pointers.size === 2 && this.drag?.kind === 'pan') this.#pinch(event);
      this.pointers.set(event.pointerId, event);
    }
    if (!this.drag) return;
    const ratio = this.canvas.width / this.canvas.clientWidth;
    if (this.drag.kind === 'pan') {
      if (this.pointers.size < 2) {
        this.offset = [0, 1].map((axis) =>
          this.drag.offset[axis] + ([event.offsetX, event.offsetY][axis] - this.drag.from[axis]) * ratio);
      }
      this.draw();
      return;
    }
    const point = this.#place(event).map((value, axis) => Math.min(Math.max(value, 0), this.size[axis]));
    const [x, y] = point;
    if (this.drag.kind === 'draw') {
      const [fx, fy] = this.drag.from;
      this.drag.box = [Math.min(fx, x), Math.min(fy, y), Math.max(fx, x), Math.max(fy, y)];
    } else if (this.owner.canWrite()) {
      const box = [...this.drag.label.xyxy];
      const [dx, dy] = [x - this.drag.from[0], y - this.drag.from[1]];
      const sides = this.drag.sides.length ? this.drag.sides : [0, 1, 2, 3];
      for (const side of sides) box[side] += side % 2 ? dy : dx;
      this.drag.box = [Math.min(box[0], box[2]), Math.min(box[1], box[3]), Math.max(box[0], box[2]), Math.max(box[1], box[3])];
    }
    this.draw();
  }

  /** @param {PointerEvent} event */
  #pinch(event) {
    const others = [...this.pointers.values()].filter((pointer) => pointer.pointerId !== event.pointerId);
    const before = /** @type {PointerEvent} */ (this.pointers.get(event.pointerId));
    const apart = (/** @type {PointerEvent} */ a, /** @type {PointerEvent} */ b) =>
      Math.hypot(a.offsetX - b.offsetX, a.offsetY - b.offsetY);
    this.zoom = Math.min(Math.max(this.zoom * apart(event, others[0]) / Math.max(apart(before, others[0]), 1), 1), 40);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    this.pointers.delete(event.pointerId);
    const drag = this.drag;
    this.drag = null;
    if (!drag || drag.kind === 'pan') { this.draw(); return; }
    const [x1, y1, x2, y2] = drag.box;
    const reach = 3 / this.#scale();
    if (drag.kind === 'draw') {
      if (x2 - x1 > reach && y2 - y1 > reach) this.owner.drawn(drag.box);
    } else if (drag.box.some((/** @type {number} */ side, /** @type {number} */ axis) => Math.abs(side - drag.label.xyxy[axis]) > reach)) {
      drag.label.xyxy = drag.box;
      this.owner.changed(drag.label, drag.box);
    }
    this.draw();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const ratio = this.canvas.width / this.canvas.clientWidth;
    const [px, py] = this.#place(event);
    this.zoom = Math.min(Math.max(this.zoom * Math.exp(-event.deltaY / 400), 1), 40);
    const scale = this.#scale();
    this.offset = [
      event.offsetX * ratio - px * scale - (this.canvas.width - this.size[0] * scale) / 2,
      event.offsetY * ratio - py * scale - (this.canvas.height - this.size[1] * scale) / 2,
    ];
    if (this.zoom === 1) this.offset = [0, 0];
    this.draw();
  }
}

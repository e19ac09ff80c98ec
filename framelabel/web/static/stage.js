// The picture with what lies on it: shows, selects, draws and changes boxes and shapes. Knows nothing of the server.

import { ABSENT } from './labels.js';
import { HANDLE, paintDraft, paintLabels, paintShape } from './paint.js';
import { carried, cornerAt, edgeAt, hull, isShape, rings, shapeOf, sidesAt, smallestAt } from './shapes.js';
import { View } from './view.js';

/** @typedef {import('./labels.js').Label} Label */
/** @typedef {import('./shapes.js').Shape} Shape */
/** @typedef {{xyxy: number[]} & Shape} Drawing what was drawn: a box, or a shape with its hull */
/** @typedef {'box' | 'polygon' | 'polyline' | 'points'} Tool */
/**
 * @typedef {object} Owner
 * @property {(drawing: Drawing) => void} drawn
 * @property {(label: Label, drawing: Drawing) => void} changed
 * @property {(label: Label | null) => void} selected
 * @property {(label: Label) => string} colour
 * @property {(label: Label) => string} title
 * @property {() => boolean} canWrite
 * @property {() => void} zoomed
 * @property {(text: string) => void} hint
 * @property {(isOn: boolean) => void} drafting a shape has corners and is not finished, or is
 */

const LEAST = { polygon: 3, polyline: 2, points: 1, box: 2 };

export class Stage {
  /** @param {HTMLCanvasElement} canvas @param {HTMLCanvasElement} marks @param {Owner} owner */
  constructor(canvas, marks, owner) {
    this.canvas = canvas;
    this.owner = owner;
    this.view = new View(canvas);
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    /** Labels lie on a canvas of their own over the picture: dragging one does not paint the picture again. */
    this.marks = /** @type {CanvasRenderingContext2D} */ (marks.getContext('2d'));
    /** @type {ImageBitmap | null} */
    this.image = null;
    /** @type {Label[]} */
    this.labels = [];
    /** Shown behind, not to be touched. @type {Label[]} */
    this.ghosts = [];
    /** @type {number | null} */
    this.selected = null;
    /** @type {Tool} */
    this.tool = 'box';
    /** Corners placed so far of what is being drawn. @type {number[][]} */
    this.draft = [];
    /** What the pointer is doing to the selected label. @type {any} */
    this.drag = null;
    /** @type {Map<number, number[]>} places of the pointers that are down, CSS pixels */
    this.pointers = new Map();
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    canvas.addEventListener('pointerup', (event) => this.#up(event));
    canvas.addEventListener('pointercancel', (event) => { this.drag = null; this.#up(event); });
    canvas.addEventListener('dblclick', () => { if (this.tool !== 'box') this.finish(); });
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  get zoom() {
    return this.view.zoom;
  }

  /** Show a picture and its labels. @param {ImageBitmap} image @param {number[]} size @param {Label[]} labels */
  show(image, size, labels) {
    this.image = image;
    this.view.size = size;
    this.labels = labels.filter((label) => label.visibility < ABSENT);
    this.draw();
  }

  /** The selected label of this frame, if its object has one here. */
  current() {
    return this.labels.find((label) => label.track === this.selected) ?? null;
  }

  /** Fit the picture again. */
  fit() {
    this.view.fit();
    this.draw();
    this.owner.zoomed();
  }

  /** Choose what the next drag or clicks draw. @param {Tool} tool */
  use(tool) {
    this.tool = tool;
    this.draft = [];
    this.drawMarks();
  }

  /** End what is being drawn, if it has corners enough. Returns whether something was. */
  finish() {
    const points = this.draft.filter((point, number) => {
      const before = this.draft[number - 1];
      return !before || Math.hypot(point[0] - before[0], point[1] - before[1]) > 0.5 / this.view.scale;
    });
    this.draft = [];
    if (!points.length) return false;
    if (this.tool === 'box' || points.length < LEAST[this.tool]) {
      this.owner.hint(`a ${this.tool} needs ${LEAST[this.tool]} corners`);
    } else {
      /** @type {Shape} */
      const shape = this.tool === 'polygon' ? { polygon: [points] } : this.tool === 'polyline' ? { polyline: points }
        : { points, visible: points.map(() => 2) };
      this.owner.drawn({ xyxy: hull(shape), ...shape });
    }
    this.drawMarks();
    return true;
  }

  /** Take back the corner placed last, or stop drawing. @param {boolean} all Returns whether something was being drawn. */
  takeBack(all) {
    const was = this.draft.length > 0;
    this.draft = all ? [] : this.draft.slice(0, -1);
    if (was) this.drawMarks();
    return was;
  }

  /** Paint the picture and what lies on it. */
  draw() {
    const { context, canvas, view } = this;
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!this.image) return;
    const [left, top] = view.origin;
    context.imageSmoothingEnabled = view.scale < 3;
    context.drawImage(this.image, left, top, view.size[0] * view.scale, view.size[1] * view.scale);
    this.drawMarks();
  }

  /** Paint what lies on the picture. */
  drawMarks() {
    const { marks: context, view } = this;
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    context.font = `${11 * view.ratio}px system-ui, sans-serif`;
    context.textBaseline = 'bottom';
    if (this.ghosts.length) paintLabels(context, view, this.ghosts, this.owner, null);
    const current = this.current();
    const dragged = this.drag?.drawing && this.drag.label === current ? { ...current, ...this.drag.drawing } : current;
    const labels = dragged === current ? this.labels : this.labels.map((label) => (label === current ? dragged : label));
    paintLabels(context, view, labels, this.owner, dragged);
    if (this.drag?.kind === 'draw' && this.owner.canWrite()) {
      const [x1, y1, x2, y2] = this.drag.drawing.xyxy;
      paintDraft(context, view, [[x1, y1], [x2, y1], [x2, y2], [x1, y2]], true);
    }
    this.owner.drafting(this.draft.length > 0);
    if (this.draft.length) {
      if (this.tool === 'points') paintShape(context, view, { points: this.draft }, '#fff', 2, true);
      else paintDraft(context, view, this.draft, false);
    }
  }

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.marks.canvas]) {
      canvas.width = Math.round(this.canvas.clientWidth * ratio);
      canvas.height = Math.round(this.canvas.clientHeight * ratio);
    }
    this.draw();
    this.owner.zoomed();
  }

  /** How near a pointer must come, in picture pixels; a finger is thicker than a mouse. @param {PointerEvent} event */
  #reach(event) {
    return (event.pointerType === 'touch' ? 3 * HANDLE : HANDLE + 3) * this.view.ratio / this.view.scale;
  }

  /** @param {PointerEvent} event */
  #down(event) {
    this.canvas.focus();
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    if (this.pointers.size > 1) { this.drag = { kind: 'pinch' }; this.drawMarks(); return; }
    if (event.button === 1 || event.button === 2 || event.shiftKey) { this.drag = { kind: 'pan' }; return; }
    const point = this.view.toPicture([event.offsetX, event.offsetY]);
    if (this.draft.length) { this.#place(event); return; }
    const reach = this.#reach(event);
    const current = this.current();
    if (current && this.owner.canWrite() && this.#grabs(current, point, reach, event.altKey)) { this.drawMarks(); return; }
    if (this.tool !== 'box' && this.owner.canWrite()) { this.#place(event); return; }
    // A click selects; a drag draws, also upon what is there: a helmet lies inside its person.
    const from = this.view.inside([event.offsetX, event.offsetY]);
    this.drag = { kind: 'draw', from, hit: smallestAt(this.labels, point, 0), drawing: { xyxy: [...from, ...from] } };
    this.drawMarks();
  }

  /** Take hold of the selected label: a corner, an edge, a side, or all of it. @param {Label} label @param {number[]} point @param {number} reach @param {boolean} isAlt */
  #grabs(label, point, reach, isAlt) {
    if (isShape(label)) {
      const shape = shapeOf(label);
      let corner = cornerAt(shape, point, reach);
      if (corner && isAlt) {
        this.#removeCorner(label, shape, corner);
        return true;
      }
      const edge = corner ? null : edgeAt(shape, point, reach / 2);
      if (edge) {
        corner = { part: edge.part, number: edge.number + 1 };
        rings(shape)[corner.part].splice(corner.number, 0, [...point]);
      }
      if (corner) {
        this.drag = { kind: 'corner', corner, shape, label, from: point, drawing: null, isNew: Boolean(edge) };
        return true;
      }
      if (!sidesAt(label.xyxy, point, 0) || this.tool !== 'box') return false; // corners may lie inside other shapes
      this.drag = { kind: 'move', sides: [0, 1, 2, 3], from: point, label, drawing: null };
      return true;
    }
    const sides = sidesAt(label.xyxy, point, reach);
    if (!sides || (!sides.length && this.tool !== 'box')) return false;
    this.drag = { kind: sides.length ? 'resize' : 'move', sides: sides.length ? sides : [0, 1, 2, 3], from: point, label, drawing: null };
    return true;
  }

  /** Remove a corner; of points, hide or show it. @param {Label} label @param {Shape} shape @param {{part: number, number: number}} corner */
  #removeCorner(label, shape, corner) {
    if (shape.points && shape.visible) shape.visible[corner.number] = shape.visible[corner.number] === 2 ? 1 : 2;
    else {
      const ring = rings(shape)[corner.part];
      if (ring.length <= (shape.polygon ? 3 : 2)) { this.owner.hint('fewer corners would leave no shape'); return; }
      ring.splice(corner.number, 1);
    }
    this.owner.changed(label, { xyxy: hull(shape), ...shape });
  }

  /** Place a corner; on the first one of a polygon, close it. @param {PointerEvent} event */
  #place(event) {
    const point = this.view.inside([event.offsetX, event.offsetY]);
    const first = this.draft[0];
    if (first && this.tool === 'polygon' && this.draft.length > 2
        && Math.hypot(point[0] - first[0], point[1] - first[1]) < this.#reach(event)) {
      this.finish();
      return;
    }
    this.draft.push(point);
    if (this.draft.length === 1) this.owner.hint('click the next corners; Enter, a double click or Finish ends, Backspace takes one back');
    this.drawMarks();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const place = [event.offsetX, event.offsetY];
    this.pointers.set(event.pointerId, place);
    if (!this.drag) return;
    if (this.drag.kind === 'pan') this.view.pan(place[0] - before[0], place[1] - before[1]);
    else if (this.drag.kind === 'pinch') this.#pinch(event.pointerId, before, place);
    else {
      this.#change(this.view.inside(place), this.view.toPicture(place));
      this.drawMarks();
      return;
    }
    this.draw();
  }

  /** @param {number[]} inside the pointer in the picture, held inside @param {number[]} point where it really is */
  #change(inside, point) {
    const { drag } = this;
    if (drag.kind === 'draw') {
      const [fx, fy] = drag.from;
      const [x, y] = inside;
      drag.drawing = { xyxy: [Math.min(fx, x), Math.min(fy, y), Math.max(fx, x), Math.max(fy, y)] };
      return;
    }
    if (!this.owner.canWrite()) return;
    if (drag.kind === 'corner') {
      rings(drag.shape)[drag.corner.part][drag.corner.number] = inside;
      drag.drawing = { xyxy: hull(drag.shape), ...drag.shape };
      return;
    }
    const box = [...drag.label.xyxy];
    const moved = [point[0] - drag.from[0], point[1] - drag.from[1]];
    for (const side of drag.sides) box[side] += moved[side % 2];
    const xyxy = [Math.min(box[0], box[2]), Math.min(box[1], box[3]), Math.max(box[0], box[2]), Math.max(box[1], box[3])];
    drag.drawing = isShape(drag.label) ? { xyxy, ...carried(drag.label, drag.label.xyxy, xyxy) } : { xyxy };
  }

  /** Two fingers zoom about their middle and move with it. @param {number} id @param {number[]} before @param {number[]} now */
  #pinch(id, before, now) {
    const other = [...this.pointers].find(([known]) => known !== id)?.[1];
    if (!other) return;
    const apart = (/** @type {number[]} */ place) => Math.max(Math.hypot(place[0] - other[0], place[1] - other[1]), 1);
    const middle = (/** @type {number[]} */ place) => [(place[0] + other[0]) / 2, (place[1] + other[1]) / 2];
    this.view.zoomAt(apart(now) / apart(before), middle(before), middle(now));
  }

  /** @param {PointerEvent} event */
  #up(event) {
    this.pointers.delete(event.pointerId);
    const { drag } = this;
    if (drag?.kind === 'pinch' && this.pointers.size) return;
    this.drag = null;
    if (!drag) return;
    if (drag.kind === 'pan' || drag.kind === 'pinch') { this.drawMarks(); this.owner.zoomed(); return; }
    const reach = 3 * this.view.ratio / this.view.scale;
    const { drawing } = drag;
    if (drag.kind === 'draw') {
      const [x1, y1, x2, y2] = drawing.xyxy;
      if (this.owner.canWrite() && x2 - x1 > reach && y2 - y1 > reach) this.owner.drawn(drawing);
      else {
        this.selected = drag.hit?.track ?? null;
        this.owner.selected(drag.hit);
      }
    } else if (drawing && (drag.isNew || this.#differs(drag.label, drawing, reach))) {
      this.labels = this.labels.map((label) => (label === drag.label ? { ...label, ...drawing } : label));
      this.owner.changed(drag.label, drawing);
    }
    this.drawMarks();
  }

  /** @param {Label} label @param {Drawing} drawing @param {number} reach */
  #differs(label, drawing, reach) {
    const [old, now] = [label, drawing].map((one) => [...one.xyxy, ...rings(one).flat(2)]);
    return old.length !== now.length || old.some((value, number) => Math.abs(value - now[number]) > reach);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    this.view.zoomAt(Math.exp(-event.deltaY / 400), [event.offsetX, event.offsetY]);
    this.draw();
    this.owner.zoomed();
  }
}

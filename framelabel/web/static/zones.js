// Zones and lines on the picture, in fractions of the frame: drawn, changed and removed like any shape.

import { find } from './elements.js';
import { hull, isShape, shapeOf } from './shapes.js';

const ZONE = '#56b4e9';
const LINE = '#e69f00';
/** Fractions are written with four digits: a tenth of a pixel at 1080p. */
const rounded = (/** @type {number} */ value) => Math.min(Math.max(Math.round(value * 1e4) / 1e4, 0), 1);

export class Zones {
  /**
   * @param {import('./page.js').Page} page @param {(zones: any[]) => void} changed @param {() => any[]} current
   */
  constructor(page, changed, current) {
    this.page = page;
    this.tell = changed;
    this.current = current;
    this.whenMoved = () => {};
  }

  /** Put the zones on the stage. */
  show() {
    const { stage, video } = this.page;
    stage.labels = this.current().map((zone, row) => {
      const points = (zone.polygon ?? zone.line).map((/** @type {number[]} */ [x, y]) => [x * video.width, y * video.height]);
      const shape = zone.line ? { polyline: points } : { polygon: [points] };
      return { frame: 0, id: row, track: row, class: -1, xyxy: hull(shape), visibility: 0, flags: 16, score: 1, uncertainty: 0, ...shape };
    });
    stage.drawMarks();
  }

  /** The page shows another frame. @param {ImageBitmap} image @param {number} frame */
  moved(image, frame) {
    const { stage, video } = this.page;
    stage.image = image;
    stage.view.size = [video.width, video.height];
    if (stage.ghosts.some((ghost) => ghost.frame !== frame)) stage.ghosts = [];
    stage.draw();
    this.whenMoved();
  }

  /** @param {import('./stage.js').Drawing} drawing */
  drawn(drawing) {
    if (drawing.points) { this.page.say('zones are boxes, polygons or lines', true); return; }
    const [x1, y1, x2, y2] = drawing.xyxy;
    const shape = isShape(drawing) ? drawing : { polygon: [[[x1, y1], [x2, y1], [x2, y2], [x1, y2]]] };
    const list = this.current();
    const kind = shape.polygon ? 'zone' : 'line';
    let number = 1;
    while (list.some((zone) => zone.name === `${kind}_${number}`)) number += 1;
    this.page.stage.selected = list.length;
    this.use('box'); // the next click or drag changes what was drawn
    this.tell([...list, { name: `${kind}_${number}`, ...this.#fractions(shape) }]);
  }

  /** @param {import('./labels.js').Label} label @param {import('./stage.js').Drawing} drawing */
  changed(label, drawing) {
    this.tell(this.current().map((zone, row) => (row === label.track ? { ...zone, ...this.#fractions(drawing) } : zone)));
  }

  /** @param {number} row */
  remove(row) {
    this.page.stage.selected = null;
    this.tell(this.current().filter((_, at) => at !== row));
  }

  /** @param {import('./labels.js').Label | null} label */
  selected(label) {
    this.page.stage.selected = label?.track ?? null;
  }

  /** @param {any} label */
  colour(label) {
    return label.look ?? (label.polyline ? LINE : ZONE);
  }

  /** @param {any} label */
  title(label) {
    return label.text ?? this.current()[label.track]?.name ?? '';
  }

  /** A key that means something else among labels. @param {string} name */
  act(name) {
    const { selected } = this.page.stage;
    if (name === 'delete' && selected !== null) this.remove(selected);
  }

  /** @param {import('./stage.js').Tool} tool */
  use(tool) {
    find('tool').value = tool;
    this.page.stage.use(tool);
  }

  /** @param {import('./shapes.js').Shape} drawing */
  #fractions(drawing) {
    const { video } = this.page;
    const shape = shapeOf(drawing);
    const points = (shape.polygon?.[0] ?? shape.polyline ?? []).map(([x, y]) => [rounded(x / video.width), rounded(y / video.height)]);
    return shape.polygon ? { polygon: points } : { line: points };
  }
}

// From picture to canvas and back: fit, zoom, pan, pinch.

const CLOSEST = 40;

export class View {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.size = [1, 1];
    this.zoom = 1;
    this.offset = [0, 0];
  }

  /** Canvas pixels per CSS pixel. */
  get ratio() {
    return this.canvas.width / Math.max(this.canvas.clientWidth, 1);
  }

  /** Canvas pixels per picture pixel. */
  get scale() {
    return Math.min(this.canvas.width / this.size[0], this.canvas.height / this.size[1]) * this.zoom;
  }

  /** Where the picture's corner lies on the canvas. */
  get origin() {
    return [0, 1].map((axis) =>
      ([this.canvas.width, this.canvas.height][axis] - this.size[axis] * this.scale) / 2 + this.offset[axis]);
  }

  /** Picture coordinates of a place in the canvas element (CSS pixels). @param {number[]} place */
  toPicture([x, y]) {
    const [left, top] = this.origin;
    return [(x * this.ratio - left) / this.scale, (y * this.ratio - top) / this.scale];
  }

  /** The same, held inside the picture. @param {number[]} place */
  inside(place) {
    return this.toPicture(place).map((value, axis) => Math.min(Math.max(value, 0), this.size[axis]));
  }

  fit() {
    this.zoom = 1;
    this.offset = [0, 0];
  }

  /** Zoom by a factor and keep what lies under one place under another. @param {number} factor @param {number[]} place @param {number[]} [to] */
  zoomAt(factor, place, to = place) {
    const kept = this.toPicture(place);
    this.zoom = Math.min(Math.max(this.zoom * factor, 1), CLOSEST);
    if (this.zoom === 1) { this.offset = [0, 0]; return; }
    this.offset = [0, 1].map((axis) => to[axis] * this.ratio - kept[axis] * this.scale
      - ([this.canvas.width, this.canvas.height][axis] - this.size[axis] * this.scale) / 2);
  }

  /** Move by CSS pixels. @param {number} x @param {number} y */
  pan(x, y) {
    this.offset = [this.offset[0] + x * this.ratio, this.offset[1] + y * this.ratio];
  }
}

// Geometry of drawn things: hulls, corners, what a point touches. Pictures' pixels throughout.

/** @typedef {import('./labels.js').Label} Label */
/** @typedef {{polygon?: number[][][], polyline?: number[][], points?: number[][], visible?: number[]}} Shape */

/** The rings or lines of a shape; a box has none. @param {Shape} shape @returns {number[][][]} */
export const rings = (shape) => shape.polygon ?? (shape.polyline ? [shape.polyline] : shape.points ? [shape.points] : []);

/** @param {Shape} shape */
export const isShape = (shape) => Boolean(shape.polygon ?? shape.polyline ?? shape.points);

/** The shape alone, of something that has one. @param {Shape} of @returns {Shape} */
export function shapeOf(of) {
  if (of.polygon) return { polygon: of.polygon.map((ring) => ring.map((point) => [...point])) };
  if (of.polyline) return { polyline: of.polyline.map((point) => [...point]) };
  if (of.points) return { points: of.points.map((point) => [...point]), visible: [...(of.visible ?? of.points.map(() => 2))] };
  return {};
}

/** @param {Shape} shape */
export function hull(shape) {
  const points = rings(shape).flat();
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** The box around a mask given as stretches x, first y, y after the last. @param {number[]} mask */
export function maskHull(mask) {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < mask.length; at += 3) {
    [x1, x2] = [Math.min(x1, mask[at]), Math.max(x2, mask[at] + 1)];
    [y1, y2] = [Math.min(y1, mask[at + 1]), Math.max(y2, mask[at + 2])];
  }
  return [x1, y1, x2, y2];
}

/** The shape moved along with its hull from one box to another. @param {Shape} shape @param {number[]} from @param {number[]} to */
export function carried(shape, from, to) {
  const moved = shapeOf(shape);
  const scale = [0, 1].map((axis) => (to[axis + 2] - to[axis]) / Math.max(from[axis + 2] - from[axis], 1e-9));
  for (const ring of rings(moved)) {
    for (const point of ring) for (const axis of [0, 1]) point[axis] = (point[axis] - from[axis]) * scale[axis] + to[axis];
  }
  return moved;
}

/** The corner of a shape within reach of a point. @param {Shape} shape @param {number[]} point @param {number} reach */
export function cornerAt(shape, [x, y], reach) {
  let best = null;
  let nearest = reach;
  rings(shape).forEach((ring, part) => ring.forEach((corner, number) => {
    const distance = Math.hypot(corner[0] - x, corner[1] - y);
    if (distance < nearest) { nearest = distance; best = { part, number }; }
  }));
  return /** @type {{part: number, number: number} | null} */ (best);
}

/** The edge of a polygon or line within reach: a new corner goes behind `number`. @param {Shape} shape @param {number[]} point @param {number} reach */
export function edgeAt(shape, point, reach) {
  if (shape.points) return null;
  let best = null;
  let nearest = reach;
  rings(shape).forEach((ring, part) => ring.forEach((corner, number) => {
    const next = ring[number + 1] ?? (shape.polygon ? ring[0] : null);
    if (!next) return;
    const distance = toSegment(point, corner, next);
    if (distance < nearest) { nearest = distance; best = { part, number }; }
  }));
  return /** @type {{part: number, number: number} | null} */ (best);
}

/** @param {number[]} point @param {number[]} a @param {number[]} b */
function toSegment([x, y], a, b) {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const share = Math.min(Math.max(((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy || 1), 0), 1);
  return Math.hypot(a[0] + share * dx - x, a[1] + share * dy - y);
}

/** Which sides of a box a point grabs: [] inside, null outside. @param {number[]} box @param {number[]} point @param {number} reach @returns {number[] | null} */
export function sidesAt(box, [x, y], reach) {
  if (x < box[0] - reach || x > box[2] + reach || y < box[1] - reach || y > box[3] + reach) return null;
  const sides = [];
  if (Math.abs(x - box[0]) < reach) sides.push(0); else if (Math.abs(x - box[2]) < reach) sides.push(2);
  if (Math.abs(y - box[1]) < reach) sides.push(1); else if (Math.abs(y - box[3]) < reach) sides.push(3);
  return sides;
}

/** The smallest thing whose box holds a point. @template {{xyxy: number[]}} T @param {T[]} things @param {number[]} point @param {number} reach @returns {T | null} */
export function smallestAt(things, [x, y], reach) {
  const under = things.filter(({ xyxy: [x1, y1, x2, y2] }) =>
    x >= x1 - reach && x <= x2 + reach && y >= y1 - reach && y <= y2 + reach);
  const area = (/** @type {T} */ { xyxy: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1);
  return under.sort((a, b) => area(a) - area(b))[0] ?? null;
}

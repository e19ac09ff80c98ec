// Draws labels over the picture. Lines lie on whole pixels: a thousand such rectangles are drawn in a few milliseconds,
// without a graphics card, where one path through all of them takes ten times as long.

import { KEYFRAME, PREDICTED } from './labels.js';
import { isShape, maskHull, rings } from './shapes.js';

/** @typedef {import('./labels.js').Label} Label */
/** @typedef {import('./view.js').View} View */
/** @typedef {{colour: (label: Label) => string, title: (label: Label) => string, canWrite: () => boolean}} Looks */

export const HANDLE = 7;
/** With more labels in a frame than this, only the selected one carries its name, and predicted ones are thin instead of
 * dashed: a dash costs as much as thirty lines. */
const MANY = 300;
const SOLID = 0;
const DASHED = 1;
const DOTTED = 2;

/** @param {Label} label */
const styleOf = (label) => (label.flags & PREDICTED && !(label.flags & KEYFRAME) ? DASHED : label.visibility === 1 ? DOTTED : SOLID);

/** @param {number} style @param {number} unit */
const dashes = (style, unit) => (style === DASHED ? [6 * unit, 4 * unit] : style === DOTTED ? [2 * unit, 3 * unit] : []);

/**
 * @param {CanvasRenderingContext2D} context @param {View} view @param {Label[]} labels @param {Looks} looks
 * @param {Label | null} selected
 */
export function paintLabels(context, view, labels, looks, selected) {
  const { scale, ratio } = view;
  const [left, top] = view.origin;
  const unit = Math.max(1, Math.round(ratio * 1.5));
  /** @type {Map<string, {colour: string, style: number, labels: Label[]}>} */
  const groups = new Map();
  for (const label of labels) {
    if (label === selected) continue;
    const [colour, style] = [looks.colour(label), styleOf(label)];
    const found = groups.get(colour + style);
    if (found) found.labels.push(label); else groups.set(colour + style, { colour, style, labels: [label] });
  }
  const trace = (/** @type {Label[]} */ some, /** @type {number} */ grow) => {
    const half = (context.lineWidth % 2) / 2;
    for (const label of some) {
      if (isShape(label)) continue;
      const [x1, y1, x2, y2] = label.xyxy;
      const [x, y] = [Math.round(left + x1 * scale) - grow + half, Math.round(top + y1 * scale) - grow + half];
      context.strokeRect(x, y, Math.round((x2 - x1) * scale) + 2 * grow, Math.round((y2 - y1) * scale) + 2 * grow);
    }
  };
  const isMany = labels.length > MANY;
  for (const label of labels) if (label.mask?.length) paintMask(context, view, label.mask, looks.colour(label));
  context.lineWidth = unit;
  context.setLineDash([]);
  context.strokeStyle = '#000';
  trace(labels, 1);
  for (const { colour, style, labels: some } of groups.values()) {
    context.setLineDash(isMany ? [] : dashes(style, unit));
    context.lineWidth = isMany && style !== SOLID ? 1 : unit;
    context.strokeStyle = colour;
    trace(some, 0);
  }
  context.setLineDash([]);
  for (const label of labels) if (isShape(label)) paintShape(context, view, label, looks.colour(label), unit, label === selected);
  if (!isMany) for (const label of labels) paintTitle(context, view, label, looks);
  if (!selected) return;
  context.lineWidth = unit * 2;
  context.setLineDash(dashes(styleOf(selected), unit));
  context.strokeStyle = looks.colour(selected);
  trace([selected], 0);
  context.setLineDash([]);
  paintTitle(context, view, selected, looks);
  if (looks.canWrite()) paintHandles(context, view, selected);
}

/**
 * @param {CanvasRenderingContext2D} context @param {View} view @param {import('./shapes.js').Shape} shape
 * @param {string} colour @param {number} unit @param {boolean} isSelected
 */
export function paintShape(context, view, shape, colour, unit, isSelected) {
  const { scale } = view;
  const [left, top] = view.origin;
  context.lineWidth = isSelected ? 2 * unit : unit;
  context.strokeStyle = colour;
  context.fillStyle = colour;
  if (shape.points) {
    shape.points.forEach(([x, y], number) => {
      context.beginPath();
      context.arc(left + x * scale, top + y * scale, 3 * unit, 0, 2 * Math.PI);
      if ((shape.visible?.[number] ?? 2) === 2) context.fill(); else context.stroke();
    });
    return;
  }
  context.beginPath();
  for (const ring of rings(shape)) {
    ring.forEach(([x, y], number) => {
      if (number) context.lineTo(left + x * scale, top + y * scale);
      else context.moveTo(left + x * scale, top + y * scale);
    });
    if (shape.polygon) context.closePath();
  }
  if (shape.polygon) {
    context.globalAlpha = 0.2;
    context.fill('evenodd');
    context.globalAlpha = 1;
  }
  context.stroke();
}

/** Masks as painted: one pixel of the canvas for each of the picture's. @type {WeakMap<number[], {colour: string, box: number[], image: HTMLCanvasElement}>} */
const painted = new WeakMap();

/** @param {CanvasRenderingContext2D} context @param {View} view @param {number[]} mask @param {string} colour */
function paintMask(context, view, mask, colour) {
  let known = painted.get(mask);
  if (known?.colour !== colour) {
    known = { colour, ...maskImage(mask, colour) };
    painted.set(mask, known);
  }
  const [x1, y1, x2, y2] = known.box;
  const [left, top] = view.origin;
  context.globalAlpha = 0.4;
  context.imageSmoothingEnabled = false;
  context.drawImage(known.image, left + x1 * view.scale, top + y1 * view.scale, (x2 - x1) * view.scale, (y2 - y1) * view.scale);
  context.globalAlpha = 1;
}

/** @param {number[]} mask @param {string} colour */
function maskImage(mask, colour) {
  const box = maskHull(mask);
  const image = document.createElement('canvas');
  [image.width, image.height] = [box[2] - box[0], box[3] - box[1]];
  const ink = image.getContext('2d');
  if (!ink) throw new Error('this browser cannot draw');
  ink.fillStyle = colour;
  for (let at = 0; at < mask.length; at += 3) ink.fillRect(mask[at] - box[0], mask[at + 1] - box[1], 1, mask[at + 2] - mask[at + 1]);
  return { box, image };
}

/** @param {CanvasRenderingContext2D} context @param {View} view @param {Label} label @param {Looks} looks */
function paintTitle(context, view, label, looks) {
  const text = looks.title(label);
  if (!text) return;
  const [left, top] = view.origin;
  const height = 15 * view.ratio;
  const width = context.measureText(text).width + 6;
  const x = left + label.xyxy[0] * view.scale;
  const y = Math.max(top + label.xyxy[1] * view.scale, height);
  context.fillStyle = looks.colour(label);
  context.fillRect(x, y - height, width, height);
  context.fillStyle = inkOn(looks.colour(label));
  context.fillText(text, x + 3, y - 1);
}

/** Black or white, whichever reads better on a colour. @param {string} colour "#rrggbb" */
export function inkOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? '#000' : '#fff';
}

/** @param {CanvasRenderingContext2D} context @param {View} view @param {Label} label */
function paintHandles(context, view, label) {
  const [left, top] = view.origin;
  const size = HANDLE * view.ratio;
  context.fillStyle = '#fff';
  context.strokeStyle = '#000';
  context.lineWidth = 1;
  const [x1, y1, x2, y2] = label.xyxy;
  const middle = [(x1 + x2) / 2, (y1 + y2) / 2];
  const places = isShape(label) ? rings(label).flat()
    : [[x1, y1], [middle[0], y1], [x2, y1], [x1, middle[1]], [x2, middle[1]], [x1, y2], [middle[0], y2], [x2, y2]];
  for (const [x, y] of places) {
    context.fillRect(left + x * view.scale - size / 2, top + y * view.scale - size / 2, size, size);
    context.strokeRect(left + x * view.scale - size / 2, top + y * view.scale - size / 2, size, size);
  }
}

/** What is being drawn just now. @param {CanvasRenderingContext2D} context @param {View} view @param {number[][]} points @param {boolean} isClosed */
export function paintDraft(context, view, points, isClosed) {
  const [left, top] = view.origin;
  const unit = Math.max(1, Math.round(view.ratio * 1.5));
  for (const [colour, width] of /** @type {[string, number][]} */ ([['#000', 2 * unit], ['#fff', unit]])) {
    context.beginPath();
    points.forEach(([x, y], number) => {
      if (number) context.lineTo(left + x * view.scale, top + y * view.scale);
      else context.moveTo(left + x * view.scale, top + y * view.scale);
    });
    if (isClosed) context.closePath();
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }
  context.fillStyle = '#fff';
  for (const [x, y] of points) context.fillRect(left + x * view.scale - 2 * unit, top + y * view.scale - 2 * unit, 4 * unit, 4 * unit);
}

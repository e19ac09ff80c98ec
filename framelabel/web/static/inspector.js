// The panel beside the picture: the selected object with its class, state and attributes, or the frame with its tags.

import { button, facts, find, make } from './elements.js';
import { KEYFRAME, TRUNCATED } from './labels.js';

const STATES = ['visible', 'occluded', 'absent', 'lost'];

/** Who answers for a label: a person once they have drawn, accepted or changed it. @param {import('./labels.js').Label} label */
function madeBy({ flags, score, maker }) {
  const [origin, author] = maker ?? ['', ''];
  const shown = score > 0 && score < 1 ? ` (score ${score.toFixed(2)})` : '';
  if (origin === 'human') return flags & KEYFRAME ? `${author}, drawn or accepted` : `${author}, taken over${shown}`;
  if (origin === 'import') return `import${shown}`;
  if (origin === 'consensus') return 'several people';
  return flags & KEYFRAME ? 'a person' : score ? `the model (${score.toFixed(2)})` : 'propagation';
}

export class Inspector {
  /** @param {import('./page.js').Page} page @param {(name: string, event: null) => void} act */
  constructor(page, act) {
    this.page = page;
    this.act = act;
    this.told = '';
    page.listeners.push(() => this.tell());
  }

  tell() {
    const { page } = this;
    const label = page.stage.current();
    const state = JSON.stringify([page.frame, page.selected, label, page.stage.labels.length, page.labels.tags.get(page.frame)]);
    if (state === this.told || page.other) return;
    this.told = state;
    const hasFocus = find('aside').contains(document.activeElement) ? document.activeElement?.id : '';
    find('selection').replaceChildren(...(page.selected === null ? this.#frame() : this.#object(label)));
    if (hasFocus) find(hasFocus)?.focus();
    this.#objects();
  }

  /** Everything in this frame as a list: for fingers and screen readers. */
  #objects() {
    const { page } = this;
    const list = page.stage.labels.slice(0, 40);
    find('objects').replaceChildren(...list.map((label) => make('li', {}, [button(
      `${page.project.classes[label.class]?.name ?? '?'} ${label.track >= 0 ? label.track : ''}`.trim(),
      () => page.pick(label.track),
      { 'aria-pressed': String(label.track === page.selected) },
    )])));
    find('object-count').textContent = String(page.stage.labels.length);
  }

  /** @param {import('./labels.js').Label | null} label */
  #object(label) {
    const { page } = this;
    /** @type {[string, string | Node][]} */
    const list = [['object', String(page.selected)]];
    if (label) {
      const [x1, y1, x2, y2] = label.xyxy;
      list.push(
        ['class', page.project.classes[label.class]?.name ?? '?'],
        [label.polygon ? 'polygon in' : label.polyline ? 'line in' : label.points ? 'points in' : 'box',
          `${x1.toFixed(1)}, ${y1.toFixed(1)} – ${x2.toFixed(1)}, ${y2.toFixed(1)}`],
        ['made by', madeBy(label)],
        ['expected overlap', `${Math.round((1 - label.uncertainty) * 100)} %`],
        ['state', STATES[label.visibility] + (label.flags & TRUNCATED ? ', truncated' : '')],
      );
    } else list.push(['here', 'no box in this frame']);
    if (!page.project.you.can_write) {
      for (const [name, value] of Object.entries(label?.attributes ?? {})) list.push([name, String(value)]);
      return [facts(list)];
    }
    const buttons = [['accept', 'Accept'], ['copy', 'Copy on'], ['propagate', 'Carry on'], ['keyframe', 'Next keyframe'], ['split', 'Split'], ['merge', 'Merge'], ['swap', 'Swap'],
      ['occluded', 'Occluded'], ['truncated', 'Truncated'], ['absent', 'Ends here'], ['delete', 'Remove']];
    const actions = make('div', { className: 'actions' }, buttons.map(([name, text]) => button(text, () => this.act(name, null))));
    return [facts(list), actions, ...(label ? this.#attributes(label) : [])];
  }

  /** Fields for the attributes of the class, and for others that the label has. @param {import('./labels.js').Label} label */
  #attributes(label) {
    const { page } = this;
    const specs = page.project.classes[label.class]?.attributes ?? [];
    const others = Object.keys(label.attributes ?? {}).filter((name) => !specs.some((/** @type {any} */ spec) => spec.name === name));
    const all = [...specs, ...others.map((name) => ({ name, values: [], mutable: true }))];
    if (!all.length) return [];
    const reach = make('select', { id: 'attribute-reach', 'aria-label': 'where an attribute is set' }, [
      new Option('from here on', 'on'), new Option('in this frame', 'here'), new Option('on the whole object', 'all')]);
    const rows = all.map((spec) => field(`attribute-${spec.name}`, spec, label.attributes?.[spec.name], (value) => {
      const where = !spec.mutable || reach.value === 'all' ? {}
        : { start: page.frame, stop: reach.value === 'here' ? page.frame + 1 : page.video.frames };
      page.edit({ action: 'attributes', track: label.track, values: { [spec.name]: value }, ...where });
    }));
    return [make('h3', {}, ['Attributes']), ...rows, make('p', { className: 'quiet' }, ['set ', reach])];
  }

  #frame() {
    const { page } = this;
    const tags = page.labels.tags.get(page.frame) ?? {};
    const specs = page.project.tags;
    const others = Object.keys(tags).filter((name) => !specs.some((/** @type {any} */ spec) => spec.name === name));
    const all = [...specs, ...others.map((name) => ({ name, values: [] }))];
    const hint = make('p', { className: 'quiet' }, ['Nothing selected. Draw, or press ? for all keys.']);
    if (!page.project.you.can_write) return [hint, facts(all.map((spec) => [spec.name, String(tags[spec.name] ?? '–')]))];
    const put = (/** @type {string} */ name, /** @type {any} */ value) =>
      page.edit({ action: 'tag', frame: page.frame, tags: { ...tags, [name]: value } });
    const name = make('input', { id: 'new-tag', 'aria-label': 'name of a new tag', placeholder: 'new tag' });
    const add = button('Tag frame', () => { if (name.value.trim()) put(name.value.trim(), true); });
    return [hint, make('h3', {}, ['Tags of this frame']),
      ...all.map((spec) => field(`tag-${spec.name}`, spec, tags[spec.name], (value) => put(spec.name, value))),
      make('p', { className: 'actions' }, [name, add])];
  }
}

/**
 * A labelled field for one attribute: a list where values are named, a text otherwise.
 * @param {string} id @param {{name: string, values: any[]}} spec @param {any} value @param {(value: any) => void} changed
 */
function field(id, spec, value, changed) {
  const values = spec.values.length ? spec.values : typeof value === 'boolean' ? [true, false] : [];
  const input = values.length ? make('select', { id }, [new Option('–', ''), ...values.map((item, row) => new Option(String(item), String(row)))])
    : make('input', { id, value: value ?? '' });
  if (values.length) input.value = values.includes(value) ? String(values.indexOf(value)) : '';
  input.addEventListener('change', () => {
    if (values.length) { if (input.value !== '') changed(values[Number(input.value)]); return; }
    const isNumber = typeof value === 'number' && input.value.trim() !== '' && Number.isFinite(Number(input.value));
    changed(isNumber ? Number(input.value) : input.value);
  });
  return make('p', { className: 'field' }, [make('label', { for: id, textContent: spec.name }), input]);
}

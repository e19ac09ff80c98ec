// The plugin's rules as fields: what a rule may say comes from the server, with its help text.

import { button, fill, make } from './elements.js';

/** @typedef {{name: string, value: 'number' | 'flag' | 'text' | 'names', help: string}} Setting */

/**
 * @param {Record<string, any>} values the plugin's values @param {Record<string, Setting[]>} kinds
 * @param {(rules: any[]) => void} changed
 */
export function rules(values, kinds, changed) {
  /** @type {any[]} */
  const list = values.rules ?? [];
  const replace = (/** @type {number} */ row, /** @type {any} */ rule) => changed(list.map((old, at) => (at === row ? rule : old)));
  const boxes = list.map((rule, row) => one(rule, row, kinds[rule.kind ?? 'presence'] ?? [],
    (now) => replace(row, now), () => changed(list.filter((_, at) => at !== row))));
  const kind = make('select', { id: 'rule-kind', 'aria-label': 'kind of the new rule' });
  fill(kind, Object.keys(kinds).map((name) => [name, name]));
  const add = button('Add rule', () => {
    const taken = new Set(list.map((rule) => rule.name));
    let number = list.length + 1;
    while (taken.has(`rule_${number}`)) number += 1;
    const subject = values.classes[0].name;
    const needed = kind.value === 'presence' ? { subject } : { kind: kind.value, subject };
    changed([...list, { name: `rule_${number}`, ...needed }]);
  });
  return make('fieldset', {}, [make('legend', {}, ['Rules']), ...boxes, make('p', { className: 'actions' }, [kind, add])]);
}

/** @param {any} rule @param {number} row @param {Setting[]} settings @param {(rule: any) => void} changed @param {() => void} remove */
function one(rule, row, settings, changed, remove) {
  const given = settings.filter((setting) => setting.name in rule);
  const rows = given.map((setting) => field(`rule-${row}-${setting.name}`, setting, rule[setting.name], (value) => {
    const rest = Object.fromEntries(Object.entries(rule).filter(([name]) => name !== setting.name));
    changed(value === undefined ? rest : { ...rule, [setting.name]: value });
  }));
  const more = make('select', { id: `rule-more-${row}`, 'aria-label': `another setting of ${rule.name}` });
  fill(more, [['', 'add a setting…'], ...settings.filter((setting) => !(setting.name in rule)).map((setting) => /** @type {[string, string]} */ ([setting.name, setting.name]))]);
  more.addEventListener('change', () => {
    const setting = settings.find((item) => item.name === more.value);
    if (setting) changed({ ...rule, [setting.name]: { number: 1, flag: true, text: '', names: [] }[setting.value] });
  });
  return make('fieldset', { className: 'rule' }, [make('legend', {}, [`${rule.name} (${rule.kind ?? 'presence'})`]), ...rows,
    make('p', { className: 'actions' }, [more, button('Remove', remove, { 'aria-label': `remove rule ${rule.name}` })])]);
}

/** @param {string} id @param {Setting} setting @param {any} value @param {(value: any) => void} changed */
function field(id, setting, value, changed) {
  const isList = setting.value === 'names';
  const text = Array.isArray(value) ? value.join(', ') : value;
  const input = make('input', { id, title: setting.help, value: text ?? '', type: { number: 'number', flag: 'checkbox', text: 'text', names: 'text' }[setting.value] });
  if (setting.value === 'flag') input.checked = Boolean(value);
  if (setting.value === 'number') input.step = 'any';
  input.addEventListener('change', () => {
    if (setting.value === 'flag') changed(input.checked);
    else if (input.value.trim() === '') changed(undefined);
    else if (setting.value === 'number') changed(Number(input.value));
    else if (isList) {
      const names = input.value.split(',').map((/** @type {string} */ name) => name.trim()).filter(Boolean);
      changed(names.length === 1 ? names[0] : names);
    } else changed(input.value);
  });
  return make('p', { className: 'field' }, [make('label', { for: id, textContent: setting.name, title: setting.help }), input]);
}

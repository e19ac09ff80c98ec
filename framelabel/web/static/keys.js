// The keyboard: one table serves the handler and the cheat sheet.

/** @type {[string[], string, string][]} keys, name, what people read */
export const KEYS = [
  [['ArrowRight', 'd'], 'forward', 'one frame on (with Shift: ten)'],
  [['ArrowLeft', 'a'], 'back', 'one frame back (with Shift: ten)'],
  [[' '], 'play', 'play or pause'],
  [['Home'], 'first', 'first frame'],
  [['End'], 'last', 'last frame'],
  [['n'], 'uncertain', 'where a look helps most'],
  [['g'], 'suggested', 'label this frame next: the best next box'],
  [['e'], 'event', 'next event'],
  [['j'], 'finding', 'next thing that looks wrong (lint)'],
  [['u'], 'stitch', 'next two objects that may be one (Enter joins them, r does not)'],
  [['k'], 'keyframe', 'next keyframe of this object'],
  [['Tab'], 'next', 'select the next object in this frame'],
  [['Enter', 'w'], 'accept', 'accept: this box is right (or the proposal, or the answer to the task)'],
  [['r'], 'reject', 'reject the proposal or the task'],
  [['y'], 'fix', 'answer the task: it was wrong and is put right now'],
  [['0'], 'skip', 'answer the task: skip it'],
  [['x', 'Delete'], 'delete', 'remove the box here (with Shift: the whole object)'],
  [['c'], 'copy', 'copy the box to the next frame'],
  [['p'], 'propagate', 'carry the object on through the next 100 frames (with Shift: back)'],
  [['o'], 'occluded', 'occluded in this frame, or not'],
  [['h'], 'truncated', 'cut off by the border of the picture (truncated), or not'],
  [['v'], 'absent', 'absent from this frame on: ends the object here'],
  [['s'], 'split', 'split the object: a new one begins here'],
  [['m'], 'merge', 'merge with the next object you click'],
  [['i'], 'swap', 'swap ids from here with the next object you click'],
  [['b'], 'box', 'draw boxes'],
  [['q'], 'polygon', 'draw polygons: click corners, Enter ends (Alt-click on a corner removes it)'],
  [['l'], 'polyline', 'draw lines'],
  [['.'], 'points', 'draw points (Alt-click hides or shows one)'],
  [['Backspace'], 'takeBack', 'take back the corner placed last'],
  [['1', '2', '3', '4', '5', '6', '7', '8', '9'], 'class', 'give the selected object class 1 to 9 (none selected: draw as), or choose the answer of that number'],
  [['t'], 'task', 'next task of the queue'],
  [['f'], 'fit', 'fit the picture (wheel or two fingers zoom, Shift-drag moves)'],
  [['z'], 'undo', 'undo (with Shift: redo)'],
  [['Escape'], 'cancel', 'stop drawing, select nothing'],
  [['?'], 'help', 'this sheet'],
];

/** @param {(name: string, event: KeyboardEvent) => void} act */
export function listenToKeys(act) {
  const names = new Map(KEYS.flatMap(([keys, name]) => keys.map((key) => [key, name])));
  document.addEventListener('keydown', (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest('dialog')) return; // its own keys: Escape closes it
    if (target.matches('input:not([type=range]), select, textarea') && event.key !== 'Escape') return;
    if (event.altKey || (event.key === 'Tab' && event.shiftKey)) return; // Shift-Tab leaves the picture
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const name = names.get(key);
    if (!name || ((event.ctrlKey || event.metaKey) && name !== 'undo')) return;
    if (target.matches('button, a, summary') && [' ', 'Enter', 'Tab'].includes(event.key)) return;
    if (event.key === 'Tab' && !target.matches('canvas, body')) return;
    event.preventDefault();
    act(name, event);
  });
}

/** The cheat sheet's content. */
export function sheet() {
  const table = document.createElement('table');
  for (const [keys, , text] of KEYS) {
    const row = table.insertRow();
    const cell = row.insertCell();
    const shown = keys.length > 3 ? [keys[0], '–', keys[keys.length - 1]] : keys;
    for (const key of shown) {
      const mark = document.createElement(key === '–' ? 'span' : 'kbd');
      mark.textContent = { ' ': 'Space', ArrowRight: '→', ArrowLeft: '←' }[key] ?? key;
      cell.append(mark, ' ');
    }
    row.insertCell().textContent = text;
  }
  return table;
}

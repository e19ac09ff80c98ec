// Small pieces of the page's document.

/** @param {string} id @returns {any} */
export const find = (id) => document.getElementById(id);

/**
 * Make an element. Properties are set as they are; `on` of a button is its click.
 * @param {string} kind @param {Record<string, any>} [properties] @param {(Node | string)[]} [children] @returns {any}
 */
export function make(kind, properties = {}, children = []) {
  const element = document.createElement(kind);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'for' || name === 'role') element.setAttribute(name, value);
    else /** @type {any} */ (element)[name] = value;
  }
  element.append(...children);
  return element;
}

/** @param {string} text @param {() => void} onclick @param {Record<string, any>} [properties] */
export const button = (text, onclick, properties = {}) => make('button', { type: 'button', textContent: text, onclick, ...properties });

/** @param {any} select @param {[any, string][]} entries value and text */
export const fill = (select, entries) => select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));

/** Offer the formats of the export by name, COCO chosen. @param {string[]} names */
export const fillFormats = (names) => {
  fill(find('format'), [...names].sort().map((name) => [name, name]));
  find('format').value = 'coco';
};

/** Terms and what is said of them. @param {[string, string | Node][]} entries */
export const facts = (entries) =>
  make('dl', {}, entries.flatMap(([name, value]) => [make('dt', {}, [name]), make('dd', {}, [value])]));

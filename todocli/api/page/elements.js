/* Elements of the page. Their text is always text: nothing here, or elsewhere, makes HTML of it. */

/** Return the element with an id. */
export const byId = (id) => document.getElementById(id);

/** Return a new element, with its properties, and what is in it: elements and texts. */
export function element(name, properties, ...content) {
  const created = Object.assign(document.createElement(name), properties);
  created.append(...content);
  return created;
}

// Builds elements and updates them in place, so that polling neither flickers nor loses focus.
const SVG = "http://www.w3.org/2000/svg";

const build = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
};

export const h = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => build(document.createElementNS(SVG, tag), attributes, children);

function sync(old, next) {
  for (const { name } of [...old.attributes]) {
    // Styles come from the style object after drawing, because a strict content policy refuses them as attributes.
    if (!next.hasAttribute(name) && name !== "style") old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

/** Makes the children of `old` equal to those of `next` and touches only what differs. */
export function morph(old, next) {
  const wanted = [...next.childNodes];
  wanted.forEach((node, index) => {
    const current = old.childNodes[index];
    if (!current) old.append(node);
    else if (current.nodeName !== node.nodeName) current.replaceWith(node);
    else if (current.nodeType === Node.TEXT_NODE) {
      if (current.data !== node.data) current.data = node.data;
    } else {
      sync(current, node);
      morph(current, node);
    }
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

// The changes of a page: each is made once per element, as the parser brings the elements.
const [TEXT, HTML, ATTRIBUTE, CLASS, , , , INSIDE_LAST, REMOVE, CSS] = Array(10).keys();
const PLACES = [, , , , "before", "after", "prepend", "append"];

// Nothing but an id, so that it can mean one element only: the first, as at the edge.
const ID_ALONE = /^#[\w\u0080-\uffff-]+$/;
const RUNS = /^(on|srcdoc$)/i;
// Browsers skip spaces and control characters in an address.
// eslint-disable-next-line no-control-regex
const isScript = (value) => /^javascript:/i.test(value.replace(/[\0- ]/g, ""));

// Publishing has checked the html; this is the second wall, for browsers that have no `setHTML`.
const scrub = (content) => {
  for (const element of content.querySelectorAll("*")) {
    if (/^(script|i?frame|object|embed|base|meta|link)$/i.test(element.localName)) element.remove();
    for (const { name, value } of [...element.attributes]) {
      if (RUNS.test(name) || isScript(value)) element.removeAttribute(name);
    }
    if (element.content) scrub(element.content);
  }
};

const fragment = (html) => {
  const template = document.createElement("template");
  // An empty configuration keeps classes, ids and styles, which the default one takes away; both are safe.
  if (template.setHTML) template.setHTML(html, { sanitizer: {} });
  else {
    template.innerHTML = html;
    scrub(template.content);
  }
  return template.content;
};

// A constructed sheet needs no inline style, which a Content-Security-Policy may forbid.
const addCss = (css) => {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  } catch {
    const style = document.createElement("style");
    style.textContent = css;
    document.documentElement.append(style);
  }
};

const apply = (element, edit, text, more) => {
  if (edit === TEXT) element.textContent = text;
  else if (edit === HTML) element.replaceChildren(fragment(text));
  else if (edit === ATTRIBUTE) {
    if (text === null) element.removeAttribute(more);
    else if (!RUNS.test(more) && !isScript(text)) element.setAttribute(more, text);
  } else if (edit === CLASS) {
    element.classList.add(...text);
    element.classList.remove(...more);
  } else if (edit === REMOVE) element.remove();
  else element[PLACES[edit]](fragment(text));
};

// Whether the parser may still add to an element: it and everything around it is the last of its siblings.
const isOpen = (element) => {
  if (document.readyState !== "loading") return false;
  for (let node = element; node; node = node.parentNode) if (node.nextSibling) return false;
  return true;
};

// Where the parser goes on: it adds to the last text as well as after it.
const endOf = ({ lastChild }) => [lastChild, lastChild?.length];

/** Keeps what was done on this page, however often decisions change. */
export function createEdits() {
  const tasks = new Map();
  let unfinished = [];
  let active = [];

  const make = (task) => {
    const [selector, edit, text, more] = task.change;
    if (edit === CSS) {
      if (!task.made) addCss(text);
      task.made = true;
      return;
    }
    const found = ID_ALONE.test(selector)
      ? [document.querySelector(selector)]
      : document.querySelectorAll(selector);
    for (const element of found) {
      if (!element || task.seen.has(element)) continue;
      const open = isOpen(element);
      // What comes last must come after what the parser still adds.
      if (open && edit === INSIDE_LAST) continue;
      task.seen.add(element);
      apply(element, edit, text, more);
      task.made = true;
      if (open && edit <= HTML) unfinished.push({ element, task, end: endOf(element) });
    }
  };

  // The parser has gone on to write the original after what replaced it: replaces it again.
  const finish = (one) => {
    const [node, length] = endOf(one.element);
    if (node !== one.end[0] || length !== one.end[1]) {
      apply(one.element, ...one.task.change.slice(1));
      one.end = endOf(one.element);
    }
    return isOpen(one.element);
  };

  return {
    /** Takes the changes that are in force from now on: `[item, variation, changes]`. */
    plan(items) {
      active = items.flatMap(([item, variation, changes]) =>
        changes.map((change) => {
          const name = [item, variation, change[4]].join("\n");
          if (!tasks.has(name)) tasks.set(name, { seen: new WeakSet(), made: false });
          return Object.assign(tasks.get(name), { item, change });
        }));
    },
    make() {
      unfinished = unfinished.filter(finish);
      for (const task of active) {
        try {
          make(task);
        } catch {
          // No selector, or the page forbids html: this change is not made, and its item not exposed.
          task.broken = true;
        }
      }
    },
    /** Whether all changes of an item were made. */
    done: (item) => active.every((task) => task.item !== item || task.made),
    /** Whether to go on looking: 0 no, 1 for more of the same elements, 2 for the first ones. */
    wants: () => (unfinished.length || active.some((task) => !task.made && !task.broken) ? 2 : active.length && 1),
  };
}

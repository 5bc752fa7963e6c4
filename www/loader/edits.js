// The changes of a page: each is made once per element, as the parser brings the elements.
const [TEXT, HTML, ATTRIBUTE, CLASS, , , , INSIDE_LAST, REMOVE, CSS] = Array(10).keys();
const PLACES = [, , , , "before", "after", "prepend", "append"];

// Frames in which one change may find new elements on one page.
const ROUNDS_MAX = 100;

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
  // Such a configuration keeps classes, ids and styles, which the default one takes away; both run nothing, but this one
  // would lead to other pages. A marquee with an event handler ends Chromium's tab.
  if (template.setHTML) template.setHTML(html, { sanitizer: { removeElements: ["base", "link", "marquee", "meta"] } });
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
    return () => (document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet));
  } catch {
    const style = document.createElement("style");
    style.textContent = css;
    document.documentElement.append(style);
    return () => style.remove();
  }
};

const setAttribute = (element, name, value) =>
  value === null ? element.removeAttribute(name) : element.setAttribute(name, value);

// Makes a change, and gives what takes it back, unless the page has made something else of the element since.
const apply = (element, edit, text, more, old) => {
  const { classList } = element;
  if (edit <= HTML) {
    if (edit === HTML) element.replaceChildren(fragment(text));
    else element.textContent = text;
    const mine = element.firstChild;
    return () => element.firstChild === mine && element.replaceChildren(...old);
  }
  if (edit === ATTRIBUTE) {
    if (text !== null && (RUNS.test(more) || isScript(text))) return undefined;
    const before = element.getAttribute(more);
    setAttribute(element, more, text);
    return () => element.getAttribute(more) === text && setAttribute(element, more, before);
  }
  if (edit === CLASS) {
    const names = (list) => list.match(/\S+/g) ?? [];
    const added = names(text).filter((name) => !classList.contains(name));
    const removed = names(more).filter((name) => classList.contains(name));
    classList.add(...added);
    classList.remove(...removed);
    return () => {
      classList.remove(...added);
      classList.add(...removed);
    };
  }
  if (edit >= REMOVE) {
    const place = new Comment();
    element.before(place);
    if (text) document.querySelector(text)[more](element);
    else element.remove();
    return () => place.replaceWith(element);
  }
  const content = fragment(text);
  const nodes = [...content.childNodes];
  element[PLACES[edit]](content);
  return () => nodes.forEach((node) => node.remove());
};

// Whether the parser may still add to an element: it and everything around it is the last of its siblings.
const isOpen = (element) => {
  if (document.readyState !== "loading") return false;
  for (let node = element; node; node = node.parentNode) if (node.nextSibling) return false;
  return true;
};

// Where the parser goes on: it adds to the last text as well as after it.
const endOf = ({ lastChild }) => [lastChild, lastChild?.length];

/**
 * Keeps what was done on this page, however often decisions change.
 * @param {(selector: string) => void} giveUp Hears of a change that the page takes back again and again.
 */
export function createEdits(giveUp) {
  const tasks = new Map();
  let unfinished = [];
  let active = [];

  const make = (task) => {
    const [selector, edit, text, more] = task.change;
    if (edit === CSS) {
      if (!task.made) task.undo.push(addCss(text));
      task.made = true;
      return;
    }
    // Where to it is moved: when that is there, and not to the end of what the parser still adds to.
    const target = edit > CSS ? document.querySelector(text) : document;
    if (!target || (more === "append" && isOpen(target))) return;
    let fresh = 0;
    const found = ID_ALONE.test(selector)
      ? [document.querySelector(selector)]
      : document.querySelectorAll(selector);
    for (const element of found) {
      if (!element || task.seen.has(element)) continue;
      const open = isOpen(element);
      // What comes last must come after what the parser still adds.
      if (open && edit === INSIDE_LAST) continue;
      task.seen.add(element);
      const old = [...element.childNodes];
      task.undo.push(apply(element, edit, text, more, old));
      task.made = true;
      fresh = 1;
      if (open && edit <= HTML) unfinished.push({ element, task, old, end: endOf(element) });
    }
    // A framework that renders the original again with new elements would have us go on forever.
    if (document.readyState === "complete" && (task.rounds += fresh) > ROUNDS_MAX) {
      task.broken = true;
      giveUp(selector);
    }
  };

  // In the reverse order, because one change may be within another.
  const undo = (task) => {
    for (const back of task.undo.reverse()) back?.();
    unfinished = unfinished.filter((one) => one.task !== task);
  };

  // The parser has gone on to write the original after what replaced it: replaces it again.
  const finish = (one) => {
    const { element, task, old, end } = one;
    const [node, length] = endOf(element);
    if (node !== end[0] || length !== end[1]) {
      // What it wrote is a part of the original.
      if (length > end[1] && end[0].data) old.at(-1)?.appendData?.(end[0].data.slice(end[1]));
      for (let next = end[0]?.nextSibling; next; next = next.nextSibling) old.push(next);
      task.undo.push(apply(element, ...task.change.slice(1, 4), old));
      one.end = endOf(element);
    }
    return isOpen(element);
  };

  return {
    /** Takes the changes that are in force from now on, `[item, variation, changes]`, and takes back others on a new page. */
    plan(items, isNew) {
      active = items.flatMap(([item, variation, changes]) =>
        changes.map((change) => {
          const name = [item, variation, change[4]].join("\n");
          if (!tasks.has(name)) tasks.set(name, { seen: new WeakSet(), made: false, rounds: 0, undo: [] });
          return Object.assign(tasks.get(name), { item, change });
        }));
      if (!isNew) return;
      for (const [name, task] of [...tasks].reverse()) {
        task.rounds = 0;
        if (active.includes(task)) continue;
        tasks.delete(name);
        undo(task);
      }
    },
    make() {
      unfinished = unfinished.filter(finish);
      for (const task of active) {
        try {
          if (!task.broken) make(task);
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

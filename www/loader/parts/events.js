// Events that the config declares: what happens to elements and on the page, under the names it gives.
import { guarded, minor, whenFocused, whenLeaving, whenScrolled, whenViewed } from "../moments.js";

// As the field counts a view: half of an element, or of the window where the element is larger.
const SHARE = 0.5;
const STEPS = [0, 0.1, 0.2, 0.3, 0.4, SHARE, 0.6, 0.7, 0.8, 0.9, 1];
// An attribute is a name or a number, not a text.
const TEXT_CHARS_MAX = 256;

const valueOf = (element, { value, currency }) => {
  if (typeof value !== "string") return value;
  const text = element.getAttribute(value)?.trim();
  const number = text ? Number(text) : NaN;
  return currency ? minor(number, currency) : number;
};

const propertiesOf = (element, { properties = {} }) => {
  const found = Object.entries(properties).map(([name, attribute]) => [name, element.getAttribute(attribute)]);
  return Object.fromEntries(found.filter(([, text]) => text !== null).map(([name, text]) => [name, text.slice(0, TEXT_CHARS_MAX)]));
};

// Those that bubble: one listener for all elements, also for those that are not there yet.
const listen = (kind, declared, send) => {
  const see = guarded(({ target }) => {
    for (const event of declared) {
      const element = target instanceof Element && target.closest(event.selector);
      if (element) send(event, element);
    }
  });
  addEventListener(kind, see, { capture: true, passive: true });
};

const watch = (declared, send) => {
  const met = new Set();
  const known = new WeakMap();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting, intersectionRect, boundingClientRect, rootBounds } of entries) {
      const whole = Math.min(boundingClientRect.height, rootBounds?.height ?? innerHeight);
      if (!isIntersecting || intersectionRect.height < whole * SHARE) continue;
      for (const event of known.get(target)) {
        const once = `${location.pathname}\n${event.name}\n${event.selector}`;
        if (!met.has(once)) send(event, target);
        met.add(once);
      }
    }
  }, { threshold: STEPS });
  const look = () => {
    frame = 0;
    for (const event of declared) {
      for (const element of document.querySelectorAll(event.selector)) {
        const events = known.get(element) ?? new Set();
        if (!events.has(event)) {
          known.set(element, events.add(event));
          // Also when it is watched for another event: what is in sight is told again then.
          observer.unobserve(element);
          observer.observe(element);
        }
      }
    }
  };
  let frame = requestAnimationFrame(look);
  new MutationObserver(() => (frame ||= requestAnimationFrame(look))).observe(document, { childList: true, subtree: true });
};

// Once per page, as soon as it was in focus for so long altogether.
const time = (declared, send) => {
  let path;
  let spent = 0;
  let left = [];
  const isNew = () => {
    if (path === location.pathname) return;
    [path, spent, left] = [location.pathname, 0, [...declared].sort((a, b) => a.seconds - b.seconds)];
  };
  let began = 0;
  let timer;
  const next = () => {
    clearTimeout(timer);
    const total = spent + performance.now() - began;
    while (left[0]?.seconds * 1000 <= total) send(left.shift());
    if (left[0]) timer = setTimeout(next, left[0].seconds * 1000 - total);
  };
  const begin = () => {
    began = performance.now();
    next();
  };
  isNew();
  whenFocused(begin, () => {
    clearTimeout(timer);
    spent += performance.now() - began;
  });
  whenViewed(() => {
    isNew();
    if (document.hasFocus()) begin();
  });
};

export default ([api, , , site]) => {
  const send = guarded((event, element) =>
    api.track(event.name, element
      ? { ...propertiesOf(element, event), value: valueOf(element, event) }
      : { percent: event.percent, seconds: event.seconds, value: event.value }));
  const isSound = ({ name, selector }) => {
    try {
      return !selector || !document.querySelector(selector) || true;
    } catch {
      console.warn(`Splitlight cannot find what the event ${name} is declared for: ${selector} is no selector`);
      return false;
    }
  };
  const of = (kind) => declared.filter(({ on }) => on === kind);
  const declared = site.events.filter(isSound);
  const kinds = {
    click: (events) => listen("click", events, send),
    submit: (events) => listen("submit", events, send),
    change: (events) => listen("change", events, send),
    visible: (events) => watch(events, send),
    scroll: (events) => whenScrolled([...new Set(events.map(({ percent }) => percent))], (depth) =>
      events.filter(({ percent }) => percent === depth).forEach((event) => send(event))),
    time: (events) => time(events, send),
    exit: (events) => whenLeaving(() => events.forEach((event) => send(event))),
    view: (events) => whenViewed(() => events.forEach((event) => send(event))),
  };
  for (const kind of Object.keys(kinds)) if (of(kind).length) guarded(kinds[kind])(of(kind));
};

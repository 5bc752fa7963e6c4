// Exposure only once what a variation changes was in sight: for sites that say so by the option `exposure: "visible"`.

// Half of an element, or of the window where the element is larger, as the field counts a view.
const SHARE = 0.5;
const STEPS = [0, 0.1, 0.2, 0.3, 0.4, SHARE, 0.6, 0.7, 0.8, 0.9, 1];

export default ([, , , site, table, , , , , , setSeen]) => {
  const seen = new Set();
  const keys = new WeakMap();

  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting, intersectionRect, boundingClientRect, rootBounds } of entries) {
      const whole = Math.min(boundingClientRect.height, rootBounds?.height ?? innerHeight);
      if (!isIntersecting || intersectionRect.height < whole * SHARE) continue;
      for (const key of keys.get(target)) seen.add(key);
      observer.unobserve(target);
    }
    setSeen(isSeen);
  }, { threshold: STEPS });

  // The same elements whatever the variation, or the split would be no split: none that any of them removes or moves.
  const selectors = (key) =>
    site.sights?.[key] ?? site.asks?.[key] ??
    table().find((it) => it.key === key)?.changes.map(([selector]) => selector).filter(Boolean) ?? [];

  const isSeen = (key) => {
    if (seen.has(key)) return true;
    const elements = selectors(key).flatMap((selector) => [...document.querySelectorAll(selector)]);
    for (const element of elements) {
      if (!keys.has(element)) keys.set(element, new Set());
      keys.get(element).add(key);
      observer.observe(element);
    }
    // Where nothing stays in all variations, the page was seen.
    return !elements.length;
  };
  setSeen(isSeen);
};

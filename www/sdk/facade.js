// What a site imports: answers fallbacks until a page is open, and then what the page answers.

/** The API over `page()`, which gives what the script tag would be, or nothing. */
export function facade(page, open) {
  const waiting = [];
  let begun;
  const ask = (name) => (key, fallback) => (page() ? page()[name](key, fallback) : fallback);
  // What is told before there is a page is told once there is one.
  const tell = (name) => (...given) => void (page() ? page()[name](...given) : waiting.push([name, ...given]));
  const later = async (name, ...given) => page()?.[name](...given);
  const begin = async (options) => {
    try {
      const outcome = await open(options);
      page()?.push(...waiting.splice(0));
      return outcome;
    } catch (error) {
      return { ok: false, source: "none", error };
    }
  };
  return {
    init: (options = {}) => (begun ??= begin(options)),
    variation: ask("variation"),
    peek: ask("peek"),
    value: ask("value"),
    feature: ask("feature"),
    isOn: (key) => page()?.isOn(key) ?? false,
    content: ask("content"),
    decisions: () => page()?.decisions() ?? [],
    visitorId: () => page()?.visitorId() ?? null,
    explain: (key) => later("explain", key),
    history: { export: async () => page()?.history.export() },
    track: tell("track"),
    identify: tell("identify"),
    setAttributes: tell("setAttributes"),
    consent: tell("consent"),
    forget: () => later("forget"),
    onChange(watcher) {
      if (page()) return page().onChange(watcher);
      let stop;
      waiting.push((sl) => (stop ??= sl.onChange(watcher)));
      return () => (stop ? stop() : (stop = () => {}));
    },
    destroy: () => void page()?.destroy(),
  };
}

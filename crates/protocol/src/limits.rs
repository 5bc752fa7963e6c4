//! Every bound that a document has to keep, with its reason.

/// Bytes of one batch as sent. `sendBeacon` and keepalive requests share 65,536 bytes in flight per page.
pub const BATCH_BYTES_MAX: usize = 65_536;

/// Bytes of one batch once it is inflated: four times [`BATCH_BYTES_MAX`], where events compress to a tenth.
pub const BATCH_INFLATED_BYTES_MAX: usize = 262_144;

/// Events of one visitor at once: an outbox that was offline holds 1,000.
pub const VISITOR_EVENTS_BURST: u32 = 1200;

/// Events of one visitor per second in the long run; a person makes a few per minute.
pub const VISITOR_EVENTS_PER_SECOND: u32 = 2;

/// Seconds of its rate that one source (an address) may send at once.
pub const SOURCE_BURST_SECONDS: u32 = 60;

/// Events of one source per second in the long run, unless the operator says otherwise: an office behind one address.
pub const SOURCE_EVENTS_PER_SECOND: u32 = 100;

/// Events in one batch. At the typical 300 bytes an event this is half of [`BATCH_BYTES_MAX`].
pub const BATCH_EVENTS_MAX: usize = 100;

/// Bytes of one event as JSON, so that one event cannot fill a batch.
pub const EVENT_BYTES_MAX: usize = 4096;

/// Properties of one event; analytics tools of the field take 20 to 50.
pub const EVENT_PROPERTIES_MAX: usize = 32;

/// Containers within containers in a property value.
pub const EVENT_DEPTH_MAX: usize = 4;

/// Characters of a key (experiment, variation, metric, event name, slot): it is stored with every aggregate.
pub const KEY_CHARS_MAX: usize = 64;

/// Characters of a visitor or session id: a UUID has 36, ids that teams bring along are longer.
pub const ID_CHARS_MAX: usize = 128;

/// Bytes of a page path; longer paths are refused rather than cut, because a cut path is another page.
pub const PATH_BYTES_MAX: usize = 1024;

/// Bytes of a config document. A Durable Object stores a value of at most 2 MB.
pub const CONFIG_BYTES_MAX: usize = 1_000_000;

/// Experiments and personalizations in one config, so that a decision has a bounded cost.
pub const CONFIG_ITEMS_MAX: usize = 1000;

/// Variations of one experiment.
pub const VARIATIONS_MAX: usize = 20;

/// Planned looks of an experiment: bounds of more looks hardly differ, and take longer to compute.
pub const LOOKS_MAX: u32 = 60;

/// Webhooks of a project: every message is stored once for each of them.
pub const WEBHOOKS_MAX: usize = 20;

/// Characters of the address of a webhook; browsers and servers of the field take about as many.
pub const URL_CHARS_MAX: usize = 2000;

/// Days of history kept on the device: more than a year of "last purchase" costs 3 KB per rule.
pub const HISTORY_DAYS_MAX: usize = 400;

/// Minutes of the history that are exact: a session ends after 30 idle ones, and questions about it fit in an hour.
pub const HISTORY_FINE_MINUTES: i32 = 60;

/// Minutes that share a bucket of the history once they are older than [`HISTORY_FINE_MINUTES`].
pub const HISTORY_COARSE_MINUTES: i32 = 10;

/// Buckets of minutes kept per rule: 60 exact ones and 139 coarse ones make a day. They cost 1 KB at most.
pub const HISTORY_MINUTE_BUCKETS_MAX: usize = 200;

/// Conditions within conditions; deeper ones are mistakes, and evaluation is recursive.
pub const CONDITION_DEPTH_MAX: usize = 16;

/// Events that a config declares: each is looked for on every page.
pub const DECLARED_EVENTS_MAX: usize = 100;

/// How long a page may have to be in focus for a declared event: who reads longer has left.
pub const FOCUS_SECONDS_MAX: u32 = 3600;

/// How far an event's time may be ahead of the server's once the client's clock is corrected, in milliseconds.
pub const EVENT_AHEAD_MS_MAX: i64 = 60_000;

/// How old an event may be, in milliseconds (30 days: an outbox that was offline for a month).
pub const EVENT_AGE_MS_MAX: i64 = 30 * 86_400_000;

/// States of one compiled pattern: matching costs their number for every character, so this bounds it to microseconds.
pub const REGEX_STATES_MAX: usize = 2000;

/// Values of a property whose interest is remembered, as the published rules have it.
pub const AFFINITY_VALUES_MAX: usize = 5;

/// Bytes of a text that the history keeps, such as a campaign's name; a longer one is not remembered.
pub const HISTORY_TEXT_BYTES_MAX: usize = 100;

/// A session ends after so many minutes without an event, as in the field's analytics tools.
pub const SESSION_IDLE_MINUTES: i64 = 30;

/// What a model may look at.
pub const MODEL_FEATURES_MAX: usize = 200;

/// Nodes of all trees of a model: they are part of the download.
pub const MODEL_NODES_MAX: usize = 4000;

/// Steps of a funnel: more cannot be read in a chart.
pub const FUNNEL_STEPS_MAX: usize = 20;

/// How long a span of a metric may be, in milliseconds: a year.
pub const SPAN_MS_MAX: i64 = 366 * 86_400_000;

/// Characters of a dimension's value, such as a country's code.
pub const DIMENSION_VALUE_CHARS_MAX: usize = 32;

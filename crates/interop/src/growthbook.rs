//! GrowthBook payloads, with the semantics of its SDK contract 0.12.
//!
//! [`Payload`] is what its API serves, [`Visit`] answers for one visitor on one page what its SDKs would answer.
//! [`prune_condition`] and [`reduce_payload`] leave of a payload only what a visitor can still need, when some of their
//! attributes are known already. [`import()`] and [`export()`] translate from and to Splitlight configs.

mod bucket;
mod condition;
mod context;
mod crypt;
mod export;
mod groups;
mod import;
mod payload;
mod prune;
mod redirect;
mod reduce;
mod sticky;
mod targeting;
mod url;
mod visit;

pub use bucket::{bucket_ranges, choose_variation, equal_weights, hash, in_namespace};
pub use condition::{Condition, Groups};
pub use context::{Context, ExperimentResult, Exposure, FeatureResult, Redirect, Source, StickyDocument};
pub use crypt::decrypt;
pub use export::{Exported, export};
pub use import::{Imported, import};
pub use payload::{
    Bandit, BanditContext, Experiment, Feature, Filter, Leaf, Meta, Parent, Payload, Rule, UrlTarget,
};
pub use prune::{Pruned, prune_condition};
pub use redirect::ChangeKind;
pub use reduce::{Labels, Prerequisites, Reduction, reduce_payload};
pub use splitlight_engine::{number_text, padded_version};
pub use url::{is_url_targeted, merge_query_strings, query_string_override};
pub use visit::Visit;

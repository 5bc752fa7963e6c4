//! What an edge-rendered page tells the browser, so that nothing is decided, applied or counted twice.

use crate::value::Map;
use serde::{Deserialize, Serialize};

/// The id of the `<script type="application/json">` element that carries a [`Handover`].
pub const ELEMENT_ID: &str = "splitlight-handover";

/// The decisions the edge made for this page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handover {
    /// The hash of the program that decided.
    pub config: String,
    /// Attributes that only the edge knows, such as `geo`.
    pub attributes: Map,
    /// What was decided, in the order of the program.
    pub decisions: Vec<Handed>,
}

/// One decision of the edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handed {
    /// The experiment's or personalization's key.
    pub key: String,
    /// The variation's key.
    pub variation: String,
    /// Why, as in the engine's reason names.
    pub reason: String,
    /// Indexes of the variation's changes that the edge could not make and the browser has to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<u32>,
    /// For what is in force: the selectors that a page has to have before meeting it counts, the same whatever the
    /// variation. They are those, of all variations, that the edge cannot follow; where it changed something already, the
    /// browser might look in vain for what was there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<Vec<String>>,
}

//! Who a decision is for.

use crate::history::History;
use crate::page::Url;
use crate::sticky::Sticky;
use splitlight_protocol::{Consent, Map};

/// What a shell knows of a visitor.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The visitor's id, when there is one.
    pub id: Option<String>,
    /// The id of a signed-in person.
    pub user: Option<String>,
    /// Everything conditions may ask about.
    pub attributes: Map,
    /// What the visitor did, `None` where it is not known, such as at the edge.
    pub history: Option<History>,
    /// The audiences that the device said the visitor is in, as [`Code::segments`](crate::Code::segments) gives
    /// them, for where the history is not known.
    pub segments: Option<Vec<u32>>,
    /// The page's address.
    pub url: String,
    /// What the visitor has agreed to.
    pub consent: Consent,
    /// Whether this is a machine that says so.
    pub bot: bool,
    /// Variations that the device keeps.
    pub sticky: Sticky,
    /// How many minutes the visitor's clock is ahead of UTC, when that is known.
    pub utc_offset: Option<i32>,
    /// Whether this is only what a request tells: the site's own attributes and the user are known later, in the page.
    pub partial: bool,
    /// Items and the variations asked for, as a verified preview link names them; they never count.
    pub forced: Vec<(String, String)>,
}

/// A visitor, as far as consent lets a decision know them.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub(crate) facts: Facts,
}

impl Visitor {
    /// Takes the facts and drops what consent forbids: without it there is no id and the history is empty.
    pub fn new(mut facts: Facts) -> Self {
        let (measures, personalizes) = (facts.consent.measures(), facts.consent.personalizes());
        let known = measures || personalizes;
        if !personalizes {
            facts.history = Some(History::default());
            facts.segments = None;
        }
        if let Some(history) = &facts.history {
            history.describe(&mut facts.attributes);
        }
        for id in [&mut facts.id, &mut facts.user] {
            if !known || id.as_ref().is_some_and(String::is_empty) {
                *id = None;
            }
        }
        if !measures {
            facts.sticky = Sticky::default();
        }
        Self { facts }
    }

    /// The parts of the page's address.
    pub(crate) fn url(&self) -> Url<'_> {
        Url::parse(&self.facts.url)
    }

    /// Everything conditions and templates may ask about.
    pub fn attributes(&self) -> &Map {
        &self.facts.attributes
    }

    /// Whether attributes may be known later ([`Facts::partial`]). The build of the script tag takes the answer for no
    /// (`crates/xtask/src/snip.rs`), because a page asks nobody else.
    #[inline(never)]
    pub(crate) fn is_partial(&self) -> bool {
        self.facts.partial
    }
}

//! Why a visitor gets what they get.

/// Why a visitor gets what they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The hash gave them this variation; meeting it is an exposure.
    Assigned,
    /// They keep the variation they met before; meeting it is an exposure.
    Sticky,
    /// An address parameter or a preview link asks for this variation; it never counts.
    Forced,
    /// Something this release does not know; it is closed.
    Unsupported,
    /// Before the start or after the end.
    NotRunning,
    /// The visitor is a machine.
    Bot,
    /// The visitor has not agreed.
    NoConsent,
    /// Not on this page.
    Page,
    /// Nothing to hash.
    NoUnit,
    /// They met it before it was assigned anew, which excludes them.
    Blocked,
    /// They are held out of everything.
    Holdout,
    /// The layer gives this visitor to another experiment.
    Layer,
    /// The condition does not hold.
    Audience,
    /// Another feature is not what it has to be.
    Prerequisite,
    /// Not covered.
    Coverage,
    /// Shown as often as it may be.
    Cap,
    /// A rule with a higher priority has the slot.
    Slot,
    /// Depends on something that is not known here, such as the history at the edge; the browser decides.
    Deferred,
    /// A rule gave the feature's value.
    Rule,
    /// No rule applied; the feature has its default.
    Default,
    /// The feature depends on itself.
    Cyclic,
}

impl Reason {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 21] = [
        Self::Assigned,
        Self::Sticky,
        Self::Forced,
        Self::Unsupported,
        Self::NotRunning,
        Self::Bot,
        Self::NoConsent,
        Self::Page,
        Self::NoUnit,
        Self::Blocked,
        Self::Holdout,
        Self::Layer,
        Self::Audience,
        Self::Prerequisite,
        Self::Coverage,
        Self::Cap,
        Self::Slot,
        Self::Deferred,
        Self::Rule,
        Self::Default,
        Self::Cyclic,
    ];

    /// The reason's name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Sticky => "sticky",
            Self::Forced => "forced",
            Self::Unsupported => "unsupported",
            Self::NotRunning => "not_running",
            Self::Bot => "bot",
            Self::NoConsent => "no_consent",
            Self::Page => "page",
            Self::NoUnit => "no_unit",
            Self::Blocked => "blocked",
            Self::Holdout => "holdout",
            Self::Layer => "layer",
            Self::Audience => "audience",
            Self::Prerequisite => "prerequisite",
            Self::Coverage => "coverage",
            Self::Cap => "cap",
            Self::Slot => "slot",
            Self::Deferred => "deferred",
            Self::Rule => "rule",
            Self::Default => "default",
            Self::Cyclic => "cyclic",
        }
    }

    /// The reason with a name.
    ///
    /// ```
    /// use splitlight_engine::Reason;
    /// assert!(Reason::ALL.into_iter().all(|reason| Reason::from_name(reason.name()) == Some(reason)));
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// Whether a variation is in force, control included.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Assigned | Self::Sticky | Self::Forced)
    }

    /// Whether meeting the variation is an exposure.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Assigned | Self::Sticky)
    }
}

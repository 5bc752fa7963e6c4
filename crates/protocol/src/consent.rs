//! What a visitor has agreed to.

use serde::{Deserialize, Serialize};

/// What a visitor has agreed to: to each of two purposes, measurement and personalization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consent {
    /// To both.
    #[default]
    Granted,
    /// Not asked or not answered yet: as [`Consent::Denied`] until there is an answer.
    Pending,
    /// To none: nothing may be stored or sent.
    Denied,
    /// To measurement alone.
    Measurement,
    /// To personalization alone.
    Personalization,
}

impl Consent {
    /// Whether the visitor may take part in experiments and events may be sent.
    ///
    /// ```
    /// use splitlight_protocol::Consent;
    /// let both = |consent: Consent| (consent.measures(), consent.personalizes());
    /// assert_eq!(both(Consent::Granted), (true, true));
    /// assert_eq!(both(Consent::Measurement), (true, false));
    /// assert_eq!(both(Consent::Pending), (false, false));
    /// ```
    pub fn measures(self) -> bool {
        matches!(self, Self::Granted | Self::Measurement)
    }

    /// Whether behavior may be remembered and personalizations may be shown.
    pub fn personalizes(self) -> bool {
        matches!(self, Self::Granted | Self::Personalization)
    }
}

//! Events that the config declares by what happens on a page, so that nobody has to write code for them.

use super::schema::Key;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An event that the browser makes by itself when something happens to an element or on the page.
///
/// ```
/// use splitlight_protocol::config::{DeclaredEvent, EventValue, On};
/// let event: DeclaredEvent = serde_json::from_str(
///     r#"{ "key": "add_to_cart", "on": "click", "selector": ".add", "value": "data-price", "currency": "EUR" }"#,
/// )?;
/// assert_eq!((event.on, event.name()), (On::Click, "add_to_cart"));
/// assert_eq!(event.value, Some(EventValue::Attribute("data-price".to_owned())));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclaredEvent {
    /// Unique among declared events.
    #[schemars(with = "Key")]
    pub key: String,
    /// What the event is called, which metrics, funnels, `$history` and scores ask for; the key when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Key>")]
    pub name: Option<String>,
    /// What has to happen.
    pub on: On,
    /// To which elements, for `click`, `submit`, `change` and `visible`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// How far down the page, in percent of its height, for `scroll`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub percent: Option<u32>,
    /// How long the page has to be in focus, for `time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub seconds: Option<u32>,
    /// The event's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<EventValue>,
    /// The currency (ISO 4217) in whose major unit the element's attribute says the value, such as 49.90; without one it is
    /// in minor units (cents).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The event's properties, each the name of an attribute of the element that has it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// What a [`DeclaredEvent`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// A click on the element or in it.
    Click,
    /// The form is sent.
    Submit,
    /// A field's content has changed; what it says is never read.
    Change,
    /// Half of the element came into sight, once per page.
    Visible,
    /// The page was scrolled so far, once per page.
    Scroll,
    /// The page was in focus for so long, once per page.
    Time,
    /// The pointer left the page through the top, once per page.
    Exit,
    /// A page was opened, routes of a single-page app included.
    View,
}

/// Where the value of a [`DeclaredEvent`] comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum EventValue {
    /// It is always this, in minor units.
    Fixed(i64),
    /// The element's attribute with this name says it.
    Attribute(String),
}

impl DeclaredEvent {
    /// What the event is called.
    ///
    /// ```
    /// use splitlight_protocol::config::DeclaredEvent;
    /// let event: DeclaredEvent = serde_json::from_str(r#"{ "key": "k", "name": "sign_up", "on": "view" }"#)?;
    /// assert_eq!(event.name(), "sign_up");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.key)
    }
}

impl On {
    /// The word for it.
    ///
    /// ```
    /// assert_eq!(splitlight_protocol::config::On::Click.word(), "click");
    /// ```
    pub const fn word(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Submit => "submit",
            Self::Change => "change",
            Self::Visible => "visible",
            Self::Scroll => "scroll",
            Self::Time => "time",
            Self::Exit => "exit",
            Self::View => "view",
        }
    }

    /// Whether it happens to an element, so that there has to be a selector.
    ///
    /// ```
    /// use splitlight_protocol::config::On;
    /// assert!(On::Visible.has_element() && !On::Scroll.has_element());
    /// ```
    pub const fn has_element(self) -> bool {
        matches!(self, Self::Click | Self::Submit | Self::Change | Self::Visible)
    }
}

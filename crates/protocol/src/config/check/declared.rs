//! The rules for declared events.

use super::super::{DeclaredEvent, EventValue, On};
use super::{At, check_key, is_attribute_name};
use crate::limits::{EVENT_PROPERTIES_MAX, FOCUS_SECONDS_MAX};

/// What a browser's numbers hold exactly.
const VALUE_MAX: u64 = (1 << 53) - 1;

pub(super) fn check_event(event: &DeclaredEvent, at: &mut At) {
    if let Some(name) = &event.name {
        check_key("/name", name, at);
    }
    check_element(event, at);
    check_bound("percent", event.percent, event.on == On::Scroll, 100, at);
    check_bound("seconds", event.seconds, event.on == On::Time, FOCUS_SECONDS_MAX, at);
    match &event.value {
        Some(EventValue::Attribute(name)) => check_attribute("/value", name, event.on, at),
        Some(EventValue::Fixed(value)) if value.unsigned_abs() > VALUE_MAX => {
            at.error("/value", format!("{value} is too large"), "write minor units such as cents");
        }
        _ => {}
    }
    if let Some(currency) = &event.currency {
        let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_code {
            at.error("/currency", format!("`{currency}` is not a currency"), "write a code such as EUR");
        } else if !matches!(event.value, Some(EventValue::Attribute(_))) {
            let fix = "leave it out, or name the attribute with the price as `value`";
            at.error("/currency", "only a value from an attribute has a currency", fix);
        }
    }
    if event.properties.len() > EVENT_PROPERTIES_MAX {
        let reason = format!("{} properties, the limit is {EVENT_PROPERTIES_MAX}", event.properties.len());
        at.error("/properties", reason, "leave some out");
    }
    for (name, attribute) in &event.properties {
        let here = format!("/properties/{}", crate::pointer::escape(name));
        if name == "value" {
            at.error(&here, "`value` is the event's value", "write it beside `properties`");
        }
        check_attribute(&here, attribute, event.on, at);
    }
}

fn check_element(event: &DeclaredEvent, at: &mut At) {
    let on = event.on.word();
    match &event.selector {
        None if event.on.has_element() => {
            at.error("/selector", format!("`{on}` happens to an element"), "add its `selector`");
        }
        Some(_) if !event.on.has_element() => {
            let fix = "leave the `selector` out, or use visible, click, submit or change";
            at.error("/selector", format!("`{on}` happens to the page, not to an element"), fix);
        }
        Some(selector) if selector.trim().is_empty() => {
            at.error("/selector", "the `selector` is empty", "write a CSS selector such as .add");
        }
        _ => {}
    }
}

/// A number that one kind of event needs and no other has.
fn check_bound(name: &str, given: Option<u32>, is_needed: bool, max: u32, at: &mut At) {
    let path = format!("/{name}");
    match given {
        None if is_needed => at.error(&path, format!("`{name}` is missing"), format!("add it, 1 to {max}")),
        Some(_) if !is_needed => {
            at.error(&path, format!("nothing is measured by `{name}` here"), "leave it out");
        }
        Some(number) if !(1..=max).contains(&number) => {
            at.error(&path, format!("{number} is not in 1 to {max}"), "write a number in between");
        }
        _ => {}
    }
}

fn check_attribute(path: &str, name: &str, on: On, at: &mut At) {
    if !on.has_element() {
        let reason = format!("`{}` has no element with attributes", on.word());
        at.error(path, reason, "leave it out, or write a number as `value`");
    } else if !is_attribute_name(name) {
        at.error(path, format!("`{name}` is not an attribute name"), "write a name such as data-price");
    } else if name.eq_ignore_ascii_case("value") {
        let fix = "put what you mean into an attribute such as data-plan";
        at.error(path, "`value` is what somebody may have typed", fix);
    }
}

//! Starting, pausing, stopping and shipping an experiment: the smallest edit to the document as it was written.

use serde::Deserialize;
use serde_json::value::RawValue;
use splitlight_protocol::config::Status;

/// What to do with an experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Let it run, from draft or paused.
    Start,
    /// Halt a running one; it may start again.
    Pause,
    /// End it.
    Stop,
    /// End it, and give everybody it was for the changes of this variation.
    Ship(String),
}

/// Why it cannot be done, in a sentence that ends with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such experiment or variation.
    Unknown(String),
    /// It is not in a state for this.
    Conflict(String),
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default)]
    experiments: Vec<&'a RawValue>,
    #[serde(borrow)]
    personalizations: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Experiment<'a> {
    key: String,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    pages: Option<&'a RawValue>,
    #[serde(borrow)]
    when: Option<&'a RawValue>,
    variations: Vec<Variation<'a>>,
}

#[derive(Deserialize)]
struct Variation<'a> {
    key: String,
    #[serde(borrow)]
    changes: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    redirect: Option<&'a RawValue>,
}

impl Act {
    /// What it is called in paths and in the audit log.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Stop => "stop",
            Self::Ship(_) => "ship",
        }
    }

    const fn leads_to(&self) -> &'static str {
        match self {
            Self::Start => "running",
            Self::Pause => "paused",
            Self::Stop | Self::Ship(_) => "stopped",
        }
    }

    const fn is_possible_from(&self, status: Status) -> bool {
        match self {
            Self::Start => matches!(status, Status::Draft | Status::Paused),
            Self::Pause => matches!(status, Status::Running),
            Self::Stop => matches!(status, Status::Running | Status::Paused),
            Self::Ship(_) => !matches!(status, Status::Draft),
        }
    }
}

/// The document after an act; everything that the act is not about stays as it was written, to the byte.
pub(crate) fn steer(text: &str, key: &str, act: &Act) -> Result<String, Refusal> {
    let unreadable =
        |error: serde_json::Error| Refusal::Conflict(format!("The config cannot be read: {error}."));
    let document: Document<'_> = serde_json::from_str(text).map_err(unreadable)?;
    let mut found = None;
    for raw in &document.experiments {
        // What is no experiment is not the one that is asked for.
        if let Ok(experiment) = serde_json::from_str::<Experiment<'_>>(raw.get())
            && experiment.key == key
        {
            found = Some((*raw, experiment));
        }
    }
    let Some((raw, experiment)) = found else {
        return Err(Refusal::Unknown(format!("The published config has no experiment `{key}`.")));
    };
    let written = experiment.status.map_or("\"running\"", RawValue::get);
    let status: Status = serde_json::from_str(written).map_err(unreadable)?;
    if !act.is_possible_from(status) {
        let detail =
            format!("The experiment is {written}, and to {} it is not possible from there.", act.name());
        return Err(Refusal::Conflict(detail));
    }
    let mut edits = vec![match experiment.status {
        Some(status) => (place(text, status), status.get().len(), format!("\"{}\"", act.leads_to())),
        None => (place(text, raw) + 1, 0, format!(" \"status\": \"{}\",", act.leads_to())),
    }];
    if let Act::Ship(variation) = act {
        edits.extend(ship(text, &document, &experiment, variation)?);
    }
    // From the back, so that no edit moves the place of another.
    edits.sort_by_key(|(at, ..)| core::cmp::Reverse(*at));
    let mut steered = text.to_owned();
    for (at, length, new) in edits {
        steered.replace_range(at..at + length, &new);
    }
    Ok(steered)
}

/// Where a part of the document begins; it is a slice of the text itself.
fn place(text: &str, part: &RawValue) -> usize {
    part.get().as_ptr() as usize - text.as_ptr() as usize
}

/// The edit that adds a personalization with the variation's changes; none for a variation that changes nothing.
fn ship(
    text: &str,
    document: &Document<'_>,
    experiment: &Experiment<'_>,
    variation: &str,
) -> Result<Option<(usize, usize, String)>, Refusal> {
    let Some(shipped) = experiment.variations.iter().find(|known| known.key == variation) else {
        let detail = format!("The experiment has no variation `{variation}`.");
        return Err(Refusal::Unknown(detail));
    };
    if shipped.redirect.is_some() {
        let detail = "The variation is another page. Redirect to it on your server, and stop the experiment.";
        return Err(Refusal::Conflict(detail.to_owned()));
    }
    if shipped.changes.is_none() && shipped.value.is_none() {
        return Ok(None);
    }
    let key = serde_json::Value::String(format!("{}-shipped", experiment.key));
    let mut rule = format!("{{ \"key\": {key}");
    for (name, part) in [
        ("pages", experiment.pages),
        ("when", experiment.when),
        ("value", shipped.value),
        ("changes", shipped.changes),
    ] {
        if let Some(part) = part {
            rule = format!("{rule}, \"{name}\": {}", part.get());
        }
    }
    rule.push_str(" }");
    let Some(list) = document.personalizations else {
        let start = text.find('{').map_or(0, |at| at + 1);
        return Ok(Some((start, 0, format!(" \"personalizations\": [{rule}],"))));
    };
    let inner = list.get().trim_start_matches('[').trim_end_matches(']');
    let is_empty = inner.trim().is_empty();
    // Last in the list, so that it goes before no rule that is there.
    let at = place(text, list) + list.get().len() - 1;
    Ok(Some((at, 0, if is_empty { rule } else { format!(", {rule}") })))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{ "version": 1,   "project": "p",
  "experiments": [
    { "key": "a", "variations": [{ "key": "x" }, { "key": "y", "changes": [{ "selector": "h1", "text": "Hi" }] }] },
    { "key": "b", "status":   "draft", "when": { "plan": "pro" }, "variations": [{ "key": "x" }, { "key": "y" }] } ] }"#;

    #[test]
    fn only_the_status_changes() {
        let paused = steer(TEXT, "a", &Act::Pause).expect("possible");
        assert_eq!(paused, TEXT.replace(r#"{ "key": "a""#, r#"{ "status": "paused", "key": "a""#));
        assert_eq!(
            steer(TEXT, "b", &Act::Start).expect("possible"),
            TEXT.replace("\"draft\"", "\"running\"")
        );
        let again = steer(&paused, "a", &Act::Start).expect("possible");
        assert_eq!(again, paused.replace("paused", "running"));
        for (key, act) in [("a", Act::Start), ("b", Act::Pause), ("b", Act::Ship("x".to_owned()))] {
            assert!(matches!(steer(TEXT, key, &act), Err(Refusal::Conflict(_))), "{key} {act:?}");
        }
        for (key, act) in [("c", Act::Start), ("a", Act::Ship("z".to_owned()))] {
            assert!(matches!(steer(TEXT, key, &act), Err(Refusal::Unknown(_))), "{key} {act:?}");
        }
    }

    #[test]
    fn what_is_shipped_is_for_everybody_the_experiment_was_for() {
        let shipped = steer(TEXT, "a", &Act::Ship("y".to_owned())).expect("possible");
        let parsed = splitlight_protocol::config::parse(&shipped);
        assert_eq!(parsed.issues, []);
        assert_eq!(parsed.config.experiments[0].status, Status::Stopped);
        let rule = &parsed.config.personalizations[0];
        assert_eq!((rule.key.as_str(), rule.changes.len(), rule.holdout), ("a-shipped", 1, 0.0));
        let control = steer(TEXT, "a", &Act::Ship("x".to_owned())).expect("possible");
        assert_eq!(splitlight_protocol::config::parse(&control).config.personalizations, []);
    }
}

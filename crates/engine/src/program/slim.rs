//! Whether the slim core decides a program: one that is built without what few programs have.

use super::Program;
use crate::change::Change;
use crate::condition::{Condition, Test};
use crate::history::Meter;
use crate::page::Pattern;
use crate::unit::Unit;

impl Program {
    /// Whether it has nothing that is left out of the slim core. Where [`Code::asks_rare`](crate::Code::asks_rare) is asked,
    /// such a program has nothing to do; a kind of the future is left out nowhere.
    pub(crate) fn has_nothing_rare(&self) -> bool {
        let has_tracked = self.tracked.iter().any(|tracked| {
            tracked.meter != Meter::None || tracked.filter.iter().any(|(_, test)| is_rare_test(test))
        });
        let has_item = self.items.iter().any(|item| {
            item.sticky.is_some()
                || !item.prerequisites.is_empty()
                || !item.contexts.is_empty()
                || !item.filters.is_empty()
                || !item.holdouts.is_empty()
                || item.pages.iter().any(Pattern::is_regex)
                || is_rare(&item.when)
                || item.variations.iter().flat_map(|it| &it.changes).any(fills_campaign)
        });
        !self.code.asks_sessions
            && self.features.is_empty()
            && self.scores.is_empty()
            && !has_tracked
            && !has_item
            && !self.audiences.iter().any(is_rare)
            && !self.units.iter().any(|unit| matches!(unit, Unit::Attribute(path) if is_campaign(path)))
    }
}

/// Whether an attribute says by which campaign the visitor came.
fn is_campaign(path: &[String]) -> bool {
    path.first().is_some_and(|first| matches!(&**first, "utm" | "firstTouch" | "lastTouch"))
}

fn fills_campaign(change: &Change) -> bool {
    change.paths().iter().any(|path| is_campaign(path))
}

fn is_rare(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(is_rare),
        Condition::Not(part) => is_rare(part),
        Condition::Attribute(path, test) => is_campaign(path) || is_rare_test(test),
        Condition::History { test, .. } => is_rare_test(test),
        Condition::Near(_) | Condition::Local(_) | Condition::Score(..) => true,
        Condition::Audience(_) | Condition::Unsupported | Condition::Never => false,
    }
}

fn is_rare_test(test: &Test) -> bool {
    match test {
        Test::All(tests) | Test::Any(tests) => tests.iter().any(is_rare_test),
        Test::Not(test) => is_rare_test(test),
        Test::Member(_)
        | Test::Element(_)
        | Test::Size(_)
        | Test::Fields(_)
        | Test::Finds(_)
        | Test::Version(..) => true,
        Test::Equal(_)
        | Test::Less(_)
        | Test::LessOrEqual(_)
        | Test::Greater(_)
        | Test::GreaterOrEqual(_)
        | Test::In(_)
        | Test::Exists(_)
        | Test::Type(_)
        | Test::Unsupported
        | Test::Never => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::compile;
    use splitlight_protocol::config;

    /// Whether an experiment with these members is slim, in a config with those.
    fn is_slim(experiment: &str, config: &str) -> bool {
        let variations = r#""variations": [{ "key": "a" }, { "key": "b" }]"#;
        let experiment = format!(r#"{{ "key": "hero", {variations} {experiment} }}"#);
        let text = format!(r#"{{ "version": 1, "project": "p", "experiments": [{experiment}] {config} }}"#);
        let parsed = config::parse(&text);
        assert_eq!(parsed.issues, [], "{text}");
        let compiled = compile(&parsed.config);
        assert_eq!(compiled.issues, [], "{text}");
        compiled.program.is_slim()
    }

    #[test]
    fn what_most_programs_have_is_slim() {
        for experiment in [
            "",
            r#", "pages": [{ "include": "/shop/*" }], "coverage": 0.5"#,
            r#", "when": { "geo.country": { "$in": ["ES", "FR"] }, "visits": { "$gte": 3 }, "$not": { "device": "mobile" } }"#,
            r#", "when": { "$history": { "event": "view", "where": { "category": "a" }, "within": "30d", "count": { "$gte": 3 } } }"#,
        ] {
            assert!(is_slim(experiment, ""), "{experiment}");
        }
        let shop = config::parse(include_str!("../../../../www/demo/splitlight.json"));
        assert!(compile(&shop.config).program.is_slim(), "the demo shop");
    }

    #[test]
    fn what_few_programs_have_is_not() {
        for experiment in [
            r#", "when": { "path": { "$regex": "^/a" } }"#,
            r#", "pages": [{ "include": "^/a", "kind": "regex" }]"#,
            r#", "when": { "app": { "$vgt": "1.2.3" } }"#,
            r#", "when": { "tags": { "$elemMatch": { "$eq": "a" } } }"#,
            r#", "when": { "tags": { "$size": 2 } }"#,
            r#", "when": { "utm.source": "mail" }"#,
            r#", "when": { "session.number": 1 }"#,
            r#", "when": { "lastTouch.source": "mail" }"#,
            r#", "unit": "utm.source""#,
            r#", "layer": { "key": "home", "range": [0, 0.5] }"#,
            r#", "sticky": true"#,
        ] {
            assert!(!is_slim(experiment, ""), "{experiment}");
        }
        assert!(!is_slim("", r#", "features": [{ "key": "f", "default": false, "rules": [] }]"#));
        assert!(!is_slim("", r#", "holdouts": [{ "key": "h", "share": 0.1 }]"#));
        let greeting = r#", "personalizations": [
            { "key": "p", "changes": [{ "selector": "h1", "text": "{{ utm.source | you }}" }] }]"#;
        assert!(!is_slim("", greeting));
    }
}

//! What this crate has to say about a config before it is published.

use crate::check_html;
use crate::plan::is_streamable;
use splitlight_protocol::config::{Change, Config, Edit, Experiment};
use splitlight_protocol::{Code, Issue};

/// Html in a config that must not get into pages, as errors whose pointers index the config as given.
///
/// ```
/// let parsed = splitlight_protocol::config::parse(r##"{ "version": 1, "project": "shop", "personalizations": [
///   { "key": "hi", "changes": [{ "selector": "h1", "html": "<b onclick='x()'>Hi</b>" }] }] }"##);
/// let issues = splitlight_rewrite::markup_issues(&parsed.config);
/// assert_eq!(issues[0].pointer, "/personalizations/0/changes/0/html");
/// ```
pub fn markup_issues(config: &Config) -> Vec<Issue> {
    let written = changes(config).into_iter().filter_map(|(pointer, change)| match &change.edit {
        Edit::Html(html) => Some((format!("{pointer}/html"), html)),
        Edit::Insert(insert) => Some((format!("{pointer}/insert/html"), &insert.html)),
        _ => None,
    });
    let refused = written.filter_map(|(pointer, html)| Some((pointer, check_html(html).err()?)));
    let fix = "correct the markup, or use another kind of change";
    refused.map(|(pointer, reason)| Issue::error(pointer, reason, fix).coded(Code::Html)).collect()
}

/// Changes that the edge leaves to the browser, because [`can_stream`](crate::can_stream) refuses them.
///
/// ```
/// let parsed = splitlight_protocol::config::parse(r##"{ "version": 1, "project": "shop", "personalizations": [
///   { "key": "hi", "changes": [{ "selector": "h1 + p", "text": "Hi" }] }] }"##);
/// let issues = splitlight_rewrite::browser_changes(&parsed.config);
/// assert_eq!(issues[0].pointer, "/personalizations/0/changes/0/selector");
/// ```
pub fn browser_changes(config: &Config) -> Vec<Issue> {
    let left = changes(config);
    left.into_iter().filter_map(|(pointer, change)| left_to_browser(&pointer, change)).collect()
}

/// Why the edge leaves a change to the browser, if it does.
fn left_to_browser(pointer: &str, change: &Change) -> Option<Issue> {
    let selector = &change.selector;
    let (path, reason, fix) = match change.edit {
        // Style sheets need no element, and `style` is compiled to one.
        Edit::Css(_) | Edit::Style(_) => return None,
        Edit::Move(_) => (
            "move",
            format!("the edge cannot move `{selector}` while a page streams, so the browser does"),
            "nothing, or insert it as html where it should be and remove it where it is",
        ),
        _ if is_streamable(selector) => return None,
        _ => (
            "selector",
            format!("the edge cannot follow `{selector}` while a page streams, so the browser changes it"),
            "name the element by tag, id, class, attribute, or as a child or descendant of one",
        ),
    };
    Some(Issue::info(format!("{pointer}/{path}"), reason, fix).coded(Code::BrowserChange))
}

/// Every change of a config, with a pointer to it.
fn changes(config: &Config) -> Vec<(String, &Change)> {
    let mut found = Vec::new();
    let experiments = config.experiments.iter().enumerate();
    let mut all: Vec<(String, &Experiment)> =
        experiments.map(|(at, experiment)| (format!("/experiments/{at}"), experiment)).collect();
    for (feature, written) in config.features.iter().enumerate() {
        let runs = written.rules.iter().enumerate().filter_map(|(at, rule)| Some((at, rule.run.as_deref()?)));
        all.extend(runs.map(|(rule, run)| (format!("/features/{feature}/rules/{rule}/run"), run)));
    }
    for (base, experiment) in all {
        for (at, variation) in experiment.variations.iter().enumerate() {
            let changes = variation.changes.iter().enumerate();
            found.extend(
                changes
                    .map(|(change, written)| (format!("{base}/variations/{at}/changes/{change}"), written)),
            );
        }
    }
    for (at, rule) in config.personalizations.iter().enumerate() {
        let changes = rule.changes.iter().enumerate();
        found.extend(
            changes.map(|(change, written)| (format!("/personalizations/{at}/changes/{change}"), written)),
        );
    }
    found
}

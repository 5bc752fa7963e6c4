//! `splitlight lint`: what is wrong with a config, or hardly meant.

use crate::arguments::{Format, Lint};
use crate::output::{Failure, Output};
use crate::{config, input};
use serde::Serialize;
use splitlight_engine::Setting;
use splitlight_protocol::{Issue, Severity};
use splitlight_rewrite::{browser_changes, markup_issues};

pub(crate) fn run(arguments: &Lint) -> Result<Output, Failure> {
    let setting =
        Setting { now: input::moment(arguments.now.as_deref())?, visitors_per_day: arguments.traffic };
    let mut read = config::read(&arguments.config)?;
    read.add(markup_issues(read.config()));
    read.add(splitlight_engine::lint(read.config(), &setting));
    read.add(browser_changes(read.config()));
    let mut issues = read.issues;
    // Stable, so that findings of one severity stay in the order in which they were made.
    issues.sort_by_key(|issue| issue.severity);
    let findings = Findings::new(&issues);
    let output = match arguments.format {
        Format::Json => Output::json(&findings)?,
        Format::Text => Output::text(findings.text()),
    };
    Ok(output.judged_by(&issues))
}

#[derive(Serialize)]
struct Findings<'a> {
    errors: usize,
    warnings: usize,
    infos: usize,
    issues: &'a [Issue],
}

impl<'a> Findings<'a> {
    fn new(issues: &'a [Issue]) -> Self {
        let count = |severity| issues.iter().filter(|issue| issue.severity == severity).count();
        let (errors, warnings, infos) =
            (count(Severity::Error), count(Severity::Warning), count(Severity::Info));
        Self { errors, warnings, infos, issues }
    }

    /// A finding is three lines: what and where, why, how to fix it. The last line counts them.
    fn text(&self) -> String {
        let mut text = String::new();
        for issue in self.issues {
            let (severity, code) = (word(&issue.severity), word(&issue.code));
            let at = if issue.pointer.is_empty() { "the document" } else { &issue.pointer };
            text.push_str(&[&severity, " ", &code, " at ", at, "\n"].concat());
            text.push_str(&["  ", &issue.reason, "\n  fix: ", &issue.fix, "\n"].concat());
        }
        let counted =
            [(self.errors, "error"), (self.warnings, "warning"), (self.infos, "info")].map(|(n, name)| {
                let plural = if n == 1 { "" } else { "s" };
                format!("{n} {name}{plural}")
            });
        text + &counted.join(", ") + "\n"
    }
}

/// How a name of the format is written.
fn word(name: &impl Serialize) -> String {
    let name = serde_json::to_value(name).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

//! The rules of webhooks and alerts.

use super::{At, check_reference, check_share};
use crate::config::{Alert, Trigger, Webhook};
use crate::limits::URL_CHARS_MAX;
use std::collections::BTreeSet;

pub(super) fn check_webhook(webhook: &Webhook, at: &mut At) {
    if let Err(reason) = check_address(&webhook.url) {
        let fix = "write an address such as https://hooks.example.com/splitlight";
        at.error("/url", reason, fix);
    }
    if webhook.events.is_empty() {
        at.error(
            "/events",
            "it is told of nothing",
            "name what it is told of, or leave `events` out for all",
        );
    }
}

pub(super) fn check_alert(
    alert: &Alert,
    metrics: &BTreeSet<String>,
    experiments: &BTreeSet<String>,
    at: &mut At,
) {
    match &alert.when {
        Trigger::ConversionBelow { metric, below, experiment } => {
            check_reference("/when/metric", metric, "metric", metrics, at);
            if let Some(experiment) = experiment {
                check_reference("/when/experiment", experiment, "experiment", experiments, at);
            }
            if !below.is_finite() {
                at.error("/when/below", "this is no number", "write a rate such as 0.02");
            }
        }
        Trigger::MultipleExposure { above } | Trigger::IngestErrors { above } => {
            check_share("/when/above", *above, at);
        }
        Trigger::NoData { hours: 0 } => {
            at.error("/when/hours", "it would always fire", "write at least 1");
        }
        Trigger::NoData { .. } | Trigger::GuardrailHarmed {} | Trigger::SampleRatio {} => {}
    }
}

/// Messages say what a project does, so they go encrypted, or do not leave the machine.
fn check_address(url: &str) -> Result<(), &'static str> {
    let (is_secure, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Err("the address does not begin with https://"),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\\' | '"' | '<' | '>' | '`');
    if host.is_empty() {
        Err("the address has no host")
    } else if authority.contains('@') {
        Err("the address has a user or a password, which would be kept in the config")
    } else if url.contains(odd) || !authority.is_ascii() {
        Err("the address has characters that have to be escaped")
    } else if url.len() > URL_CHARS_MAX {
        Err("the address has more than 2000 characters")
    } else if !is_secure && !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        Err("the address is http, and not of this machine")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::check_address;

    #[test]
    fn only_encrypted_addresses_leave_the_machine() {
        for url in [
            "https://hooks.example.com/a?b#c",
            "https://hooks.example.com:8443",
            "http://localhost",
            "http://localhost:8080/x",
            "http://127.0.0.1:1/",
            "http://[::1]:80/",
        ] {
            assert_eq!(check_address(url), Ok(()), "{url}");
        }
        for url in [
            "",
            "hooks.example.com",
            "ftp://hooks.example.com/",
            "http://hooks.example.com/",
            "http://localhost.example.com/",
            "http://localhost@hooks.example.com/",
            "https://user:pass@hooks.example.com/",
            "https://",
            "https:///x",
            "https://:80/",
            "https://hooks.example.com/a b",
            "https://hooks.example.com\\@x/",
            "HTTPS://hooks.example.com/",
        ] {
            assert!(check_address(url).is_err(), "{url}");
        }
        assert!(check_address(&format!("https://hooks.example.com/{}", "a".repeat(2000))).is_err());
    }
}

//! The rules of metrics, funnels and KPIs.

use super::{At, check_key, did_you_mean};
use crate::config::{Funnel, Kpi, Measure, Metric, MetricKind};
use crate::event::PAGE_VIEW;
use crate::issue::Code;
use crate::limits::{FUNNEL_STEPS_MAX, SPAN_MS_MAX};
use crate::time::parse_span;

/// A span that may be left out.
fn check_span(path: &str, span: Option<&String>, at: &mut At) {
    let Some(span) = span else { return };
    match parse_span(span) {
        None => {
            at.error(path, format!("`{span}` is not a span"), "write a span such as 14d, 12h or 30m");
        }
        Some(ms) if ms > SPAN_MS_MAX => {
            at.error(path, format!("`{span}` is longer than events are kept"), "write at most 365d");
        }
        Some(_) => {}
    }
}

fn check_level(path: &str, level: f64, at: &mut At) {
    if !(level > 0.0 && level < 1.0) {
        at.error(path, format!("{level} is not a level"), "write a number between 0 and 1, such as 0.75");
    }
}

pub(super) fn check_metric(metric: &Metric, at: &mut At) {
    let is_bounce = metric.kind == MetricKind::Bounce;
    match (metric.event.is_empty(), is_bounce) {
        (true, true) => {}
        (true, false) => at.broken(Code::MissingKey, "", "`event` is missing", "add `event`"),
        (false, _) => check_key("/event", &metric.event, at),
    }
    check_span("/window", Some(&metric.window), at);
    check_span("/delay", metric.delay.as_ref(), at);
    check_span("/lookback", metric.lookback.as_ref(), at);
    let kind = metric.kind;
    if let Some(denominator) = &metric.denominator {
        check_key("/denominator/event", &denominator.event, at);
        if kind != MetricKind::Ratio {
            at.error(
                "/denominator",
                "only a ratio has a denominator",
                "write \"kind\": \"ratio\", or remove it",
            );
        }
    } else if kind == MetricKind::Ratio {
        at.broken(
            Code::MissingKey,
            "/denominator",
            "a ratio needs a denominator",
            "write { \"event\": ... } to divide by",
        );
    }
    match (kind, metric.quantile) {
        (MetricKind::Quantile, Some(level)) => check_level("/quantile", level, at),
        (MetricKind::Quantile, None) => {
            at.broken(Code::MissingKey, "/quantile", "a quantile needs its level", "write it, such as 0.75");
        }
        (_, Some(_)) => at.error("/quantile", "only a quantile has a level", "write \"kind\": \"quantile\""),
        (_, None) => {}
    }
    if is_bounce && (!matches!(metric.event.as_str(), "" | PAGE_VIEW) || metric.delay.is_some()) {
        at.error("", "a bounce is counted by opened pages alone", "remove `event` and `delay`");
    }
    let adjustable = matches!(kind, MetricKind::Proportion | MetricKind::Mean | MetricKind::Ratio);
    if metric.lookback.is_some() && !adjustable {
        at.error("/lookback", "there is nothing before the exposure to adjust by", "remove it");
    }
    check_cap(metric, at);
    if metric.margin.is_some_and(|margin| !(margin > 0.0 && margin <= 1.0)) {
        at.error("/margin", "this is not a margin", "write a share above 0, such as 0.02 for 2 %");
    }
    if matches!(kind, MetricKind::Proportion | MetricKind::Bounce) && metric.value != Measure::Count {
        at.error(
            "/value",
            "a proportion asks only whether something happened",
            "remove it, or write \"mean\"",
        );
    }
}

fn check_cap(metric: &Metric, at: &mut At) {
    let Some(cap) = metric.cap else { return };
    if metric.kind != MetricKind::Mean || metric.lookback.is_some() {
        at.error("/cap", "only a mean without `lookback` has a cap", "remove one of them");
    }
    match (cap.value, cap.percentile) {
        (Some(value), None) if value > 0 => {}
        (None, Some(level)) => check_level("/cap/percentile", level, at),
        _ => at.error("/cap", "a cap is a value above 0 or a percentile", "write { \"value\": 100000 }"),
    }
}

pub(super) fn check_funnel(funnel: &Funnel, at: &mut At) {
    check_span("/window", Some(&funnel.window), at);
    if !(2..=FUNNEL_STEPS_MAX).contains(&funnel.steps.len()) {
        let reason = format!("{} steps, expected 2 to {FUNNEL_STEPS_MAX}", funnel.steps.len());
        at.error("/steps", reason, "list the events in their order");
    }
    for (index, step) in funnel.steps.iter().enumerate() {
        check_key(&format!("/steps/{index}/event"), &step.event, at);
    }
}

pub(super) fn check_kpi(kpi: &Kpi, metrics: &[Metric], at: &mut At) {
    if !kpi.target.is_finite() {
        at.error("/target", "this is not a number", "write what the KPI should reach");
    }
    match metrics.iter().find(|metric| metric.key == kpi.metric) {
        Some(metric) if matches!(metric.kind, MetricKind::Proportion | MetricKind::Mean) => {}
        Some(_) => at.error("/metric", "a KPI is a proportion or a mean", "name such a metric"),
        None => {
            let known: Vec<&str> = metrics.iter().map(|metric| metric.key.as_str()).collect();
            let fix = match did_you_mean(&kpi.metric, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add it to `metrics`".to_owned(),
            };
            at.broken(Code::UnknownReference, "/metric", format!("there is no metric `{}`", kpi.metric), fix);
        }
    }
}

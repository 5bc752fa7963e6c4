//! `splitlight analyze` and `splitlight power`: what came of an experiment, and what it needs.

use super::splitlight;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Two variations of `n` visitors, of whom some buy for 10.00 and one in ten complains.
fn events(n: usize, buyers: [usize; 2]) -> String {
    let mut lines = String::new();
    for (variation, buyers) in ["control", "bold"].into_iter().zip(buyers) {
        for visitor in 0..n {
            let mut line = |members: &str| {
                let _ = writeln!(lines, r#"{{"visitor":"{variation}-{visitor}",{members}}}"#);
            };
            line(&format!(r#""variation":"{variation}","time":100"#));
            if visitor < buyers {
                line(r#""metric":"revenue","value":600,"time":150"#);
                line(r#""metric":"revenue","value":400,"time":160"#);
                line(r#""metric":"bought","time":150"#);
            }
            if visitor % 10 == 0 {
                line(r#""metric":"complained","time":101"#);
                // Before the exposure, so it does not count.
                line(r#""metric":"bought","time":99"#);
            }
        }
    }
    lines
}

const ROLES: [&str; 8] =
    ["--primary", "bought", "--guardrail", "complained", "--decrease", "complained", "--margin", "0.5"];

#[test]
fn events_become_a_verdict() {
    let (code, out, err) = splitlight(&[&["analyze", "-"], &ROLES[..]].concat(), &events(3_000, [150, 240]));
    let expected = "ship bold: the primary metric is better, and no guardrail is worse
visitors 3000 / 3000, split p = 1.0000

bought (primary)
  control  5.000 %
  bold     8.000 %  +60.0 % (+18.5 % to +121.3 %)  p = 0.0001  better, chance to win > 99.9 %

complained (guardrail)
  control  10.000 %
  bold     10.000 %  +0.0 % (-21.2 % to +26.9 %)  p = 1.0000  unclear, within the margin, chance to win 50.0 %

revenue (secondary)
  control  50.0000
  bold     80.0000  +60.0 % (+18.5 % to +121.4 %)  p = 0.0002  better
";
    assert_eq!((code, out.as_str(), err.as_str()), (0, expected, ""));
}

#[test]
fn a_record_gives_the_verdict_of_its_events_again() {
    let path = std::env::temp_dir().join(format!("splitlight-analysis-{}.json", std::process::id()));
    let path = path.to_str().expect("UTF-8").to_owned();
    let plan = ["--method", "obrien-fleming", "--visitors", "8000", "--looks", "3000,6000", "--days", "9"];
    let more = ["--format", "json", "--record", &path];
    let arguments = [&["analyze", "-"], &ROLES[..], &plan, &more].concat();
    let (code, first, err) = splitlight(&arguments, &events(3_000, [150, 240]));
    assert_eq!((code, err.as_str()), (0, ""));
    let (code, again, err) = splitlight(&["analyze", &path, "--format", "json"], "");
    assert_eq!((code, err.as_str()), (0, ""));
    let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let (mut first, again) = (parsed(&first), parsed(&again));
    // Who met several variations is only known of events.
    assert_eq!(first.as_object_mut().expect("an object").remove("multipleExposures"), Some(json!(0)));
    assert_eq!(first, again);
    assert_eq!(again["metrics"][0]["variations"][0]["comparison"]["method"], "groupSequential");
    assert_eq!(again["visitorsMissing"], 2000.0);
    std::fs::remove_file(path).expect("it was written");
}

#[test]
fn the_order_of_the_lines_says_nothing() {
    let (forward, mut lines) = (events(300, [15, 24]), Vec::new());
    lines.extend(forward.lines());
    lines.reverse();
    let run = |input: &str| splitlight(&[&["analyze", "-"], &ROLES[..]].concat(), input);
    assert_eq!(run(&lines.join("\n")), run(&forward));
}

#[test]
fn a_broken_split_is_a_finding() {
    let lost: Vec<String> = events(3_000, [150, 240])
        .lines()
        .filter(|line| !line.contains("\"bold-1"))
        .map(str::to_owned)
        .collect();
    let (code, out, _) = splitlight(&[&["analyze", "-"], &ROLES[..]].concat(), &lost.join("\n"));
    let first = "stop: the visitors did not fall on the variations as the weights say\n";
    assert!(code == 1 && out.starts_with(first) && out.contains("broken, do not trust"), "{out}");
    let planned = ["--weight", "control=3000", "--weight", "bold=1889"];
    let (code, ..) = splitlight(&[&["analyze", "-"], &ROLES[..], &planned].concat(), &lost.join("\n"));
    assert_eq!(code, 0);
}

#[test]
fn visitors_of_several_variations_are_left_out() {
    let lines = events(200, [10, 12]) + "{\"visitor\":\"control-3\",\"variation\":\"bold\"}\n";
    let (_, out, _) = splitlight(&[&["analyze", "-"], &ROLES[..]].concat(), &lines);
    let counted = "visitors 199 / 200, split p = 0.9601\n1 met several variations and are left out\n";
    assert!(out.contains(counted), "{out}");
}

#[test]
fn mistakes_are_named() {
    let met = "{\"visitor\":\"a\",\"variation\":\"control\"}\n{\"visitor\":\"b\",\"variation\":\"bold\"}\n";
    let fed = "{\"visitor\":\"a\",\"metric\":\"bought\"}\n";
    let both = met.to_owned() + fed;
    let two = both.clone() + "{\"visitor\":\"a\",\"metric\":\"revenue\",\"value\":1}\n";
    let record = r#"{ "plan": { "visitors": 10, "daysmin": 7 }, "variations": [], "metrics": [] }"#;
    let empty = r#"{ "plan": { "visitors": 10 }, "variations": [], "metrics": [] }"#;
    let cases: [(&[&str], &str, &str); 10] = [
        (&[], "", "there is no visitor in it"),
        (&[], "{\"visitor\":1}", "line 1: invalid type: integer `1`, expected a string"),
        (&[], "{\"visitor\":\"a\"}", "line 1: a line has `variation`, which the visitor met, or `metric`"),
        (&[], "{\"visitor\":\"a\",\"value\":1.5,\"metric\":\"m\"}", "expected i64"),
        (&[], fed, "no visitor met `control`"),
        (&["--control", "calm"], met, "name the control among `control`, `bold` with --control"),
        (&[], met, "no line feeds a metric"),
        (&[], &two, "name the one that decides with --primary"),
        (&["--guardrail", "error"], &both, "no line feeds the metric `error`"),
        (&["--weight", "bald=1"], &both, "--weight: write `bald=1` as a variation and its weight"),
    ];
    for (options, input, reason) in cases {
        let (code, out, err) = splitlight(&[&["analyze", "-"], options].concat(), input);
        assert_eq!((code, out.as_str()), (2, ""), "{input}");
        assert!(err.starts_with("splitlight: the standard input: ") && err.contains(reason), "{err}");
    }
    let (code, _, err) = splitlight(&["analyze", "-"], record);
    assert!(code == 2 && err.contains("unknown field `daysmin`, expected one of"), "{err}");
    let (code, _, err) = splitlight(&["analyze", "-", "--days", "3"], empty);
    assert!(code == 2 && err.contains("this record has a plan of its own"), "{err}");
    let (code, _, err) = splitlight(&["analyze", "-"], empty);
    assert!(code == 2 && err.contains("there are no two variations"), "{err}");
    let (code, _, err) = splitlight(&["analyze", "-", "--confidence", "95"], &both);
    assert!(code == 2 && err.contains("a confidence is at least 0.5 and below 1"), "{err}");
}

#[test]
fn sums_may_be_larger_than_a_float_can_count() {
    let arm = |n: i64| json!({ "n": n, "sum": "9007199254740993", "sumSquares": "170141183460469231731687303715884105727" });
    let record = json!({ "plan": { "visitors": 10 }, "variations": [
        { "key": "control", "visitors": 1_000_000 }, { "key": "bold", "visitors": 1_000_000 }],
        "metrics": [{ "key": "m", "role": "primary", "kind": "mean", "variations": [arm(1_000_000), arm(1_000_000)] }] });
    let (code, out, err) = splitlight(&["analyze", "-", "--format", "json"], &record.to_string());
    assert_eq!((code, err.as_str()), (0, ""));
    let answer: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(answer["record"]["metrics"][0]["variations"][0]["sum"], "9007199254740993");
    assert_eq!(answer["metrics"][0]["variations"][0]["comparison"]["difference"], 0.0);
}

#[test]
fn power_counts_visitors_lifts_and_weeks() {
    let options = ["power", "--rate", "0.05", "--lift", "0.1", "--visitors-per-day", "3000"];
    let (code, out, err) = splitlight(&options, "");
    let expected = "2 variations, confidence 95 %
once, at the end     32958 visitors per variation  65916 in all   lift +10.00 % with power 80.0 %  28 days
at 14 planned looks  34356 visitors per variation  68712 in all   lift +10.00 % with power 80.0 %  28 days
at any time          79038 visitors per variation  158076 in all  lift +10.00 % with power 80.0 %  56 days
";
    assert_eq!((code, out.as_str(), err.as_str()), (0, expected, ""));
    let mean = ["power", "--mean", "10", "--deviation", "30", "--visitors", "60000", "--format", "json"];
    let (code, out, _) = splitlight(&mean, "");
    let answer: Value = serde_json::from_str(&out).expect("JSON");
    let lift = |place: usize| answer["designs"][place]["lift"].as_f64().expect("a lift");
    assert_eq!(code, 0);
    assert!(0.07 < lift(0) && lift(0) < lift(1) && lift(1) < lift(2), "{out}");
    // Those visitors find that lift with that power.
    let back = ["power", "--mean", "10", "--deviation", "30", "--format", "json", "--lift"];
    let (_, out, _) = splitlight(&[&back[..], &[&lift(0).to_string()]].concat(), "");
    let answer: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(answer["designs"][0]["visitors"], 60_000.0);
}

#[test]
fn power_names_what_is_missing() {
    let cases: [(&[&str], &str); 6] = [
        (&["--lift", "0.1"], "write --rate, or --mean and --deviation"),
        (&["--rate", "0.05"], "--lift"),
        (&["--rate", "5", "--lift", "0.1"], "--rate: a share is not between 0 and 1"),
        (&["--rate", "0.05", "--lift", "0"], "no effect and no number of visitors is enough"),
        (&["--rate", "0.05", "--lift", "x"], "this is not a number"),
        (&["--rate", "0.05", "--lift", "0.1", "--variations", "1"], "--variations: there are at least two"),
    ];
    for (options, reason) in cases {
        let (code, out, err) = splitlight(&[&["power"], options].concat(), "");
        assert_eq!((code, out.as_str()), (2, ""), "{options:?}");
        assert!(err.contains(reason), "{err}");
    }
}

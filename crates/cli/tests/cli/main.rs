//! The command line as people and scripts meet it: what it writes where, and how it exits.

mod analyze;
mod schema;
mod simulate;

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Runs the binary among the documents of `data`; gives exit code, standard output and standard error.
fn splitlight(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_splitlight"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/data"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    // A command that reads no input closes it, which is no failure of this test.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("no signal"), text(output.stdout), text(output.stderr))
}

const VISITOR: [&str; 8] = [
    "--visitor",
    "v-1",
    "--url",
    "https://shop.test/",
    "--attribute",
    "geo.city=Madrid",
    "--now",
    "2026-11-21T09:00:00Z",
];

fn for_visitor(first: &[&'static str], more: &[&'static str]) -> (i32, String, String) {
    splitlight(&[first, &VISITOR, more].concat(), "")
}

#[test]
fn decides_for_a_visitor() {
    let (code, out, err) =
        for_visitor(&["decide", "shop.json"], &["--events", "views.ndjson", "--attribute", "plan=pro"]);
    let expected = "experiment       hero      bold     assigned\n\
                    personalization  fans      shown    assigned\n\
                    feature          checkout  \"short\"  rule\n";
    assert_eq!((code, out.as_str(), err.as_str()), (0, expected, ""));
}

#[test]
fn decides_as_json() {
    let (code, out, _) = for_visitor(&["decide", "shop.json"], &["--edge", "--format", "json"]);
    let expected = r#"{
  "config": "<version>",
  "now": "2026-11-21T09:00:00.000Z",
  "experiments": [
    {
      "key": "hero",
      "variation": "bold",
      "reason": "assigned",
      "exposure": true
    }
  ],
  "personalizations": [
    {
      "key": "fans",
      "variation": "holdout",
      "reason": "deferred",
      "exposure": false
    }
  ],
  "features": [
    {
      "key": "checkout",
      "value": "classic",
      "reason": "deferred",
      "rule": 0
    }
  ]
}
"#;
    let version = version(&out);
    assert_eq!((code, out.replace(&version, "<version>").as_str()), (0, expected));
}

/// The version of the config, which is another one with every release.
fn version(decided: &str) -> String {
    let decided: serde_json::Value = serde_json::from_str(decided).expect("JSON");
    decided["config"].as_str().expect("a version").to_owned()
}

#[test]
fn explains_every_gate() {
    let (code, out, err) = for_visitor(&["explain", "shop.json"], &[]);
    let expected = r#"experiment hero: bold (assigned)
  + schedule end="2026-12-01"
  + bot
  + consent
  + page path="/"
  + unit id="v-1" unit="visitor"
  + audience
    + madrid
      + geo.city wanted="Madrid" value="Madrid"
  + coverage bucket=0.9709 ranges=[[0,0.5],[0.5,1]] seed="hero"
personalization fans: holdout (audience)
  + schedule
  + bot
  + consent
  + page path="/"
  - audience
    - $history wanted={"count":{"$gte":2},"event":"view","within":"30d"} value=0
  + coverage bucket=0.3264 ranges=[[0,0],[0,1]] seed="fans"
  - slot lost=[{"key":"fans","reason":"audience"}] slot=0
feature checkout: "classic" (default)
  rule 0
    - audience
      - plan wanted="pro" value=null
"#;
    assert_eq!((code, out.as_str(), err.as_str()), (0, expected, ""));
    let (code, out, _) = for_visitor(&["explain", "shop.json"], &["--format", "json"]);
    let why: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, why["experiments"][0]["gates"][0]["gate"].as_str()), (0, Some("schedule")));
}

#[test]
fn replays_what_it_decided() {
    let record = std::env::temp_dir().join(format!("splitlight-record-{}.json", std::process::id()));
    let path = record.to_str().expect("UTF-8").to_owned();
    let arguments =
        [&["decide", "shop.json"], &VISITOR[..], &["--events", "views.ndjson", "--record", &path]];
    let (_, decided, _) = splitlight(&arguments.concat(), "");
    let (code, replayed, err) = splitlight(&["replay", "shop.json", &path], "");
    assert_eq!((code, replayed, err.as_str()), (0, decided, ""));
    let other = r#"{ "version": 1, "project": "shop" }"#;
    let (code, replayed, err) = splitlight(&["replay", "-", &path], other);
    assert_eq!((code, replayed.as_str()), (0, ""));
    assert!(err.starts_with("warning the record is of version `"), "{err}");
    assert!(err.contains("`, this config is version `"), "{err}");
    std::fs::remove_file(record).expect("it was written");
}

#[test]
fn reads_a_config_from_the_standard_input() {
    let config = include_str!("data/shop.json");
    let (code, out, err) = splitlight(&["lint", "-", "--now", "2026-11-21T09:00:00Z"], config);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "0 errors, 0 warnings, 0 infos\n", ""));
}

#[test]
fn an_error_in_the_config_is_exit_code_1() {
    let found = "error unknown-key at /experiments/0/variations/1/wieght\n  \
                 `wieght` is not a known key\n  fix: did you mean `weight`?\n1 error, 0 warnings, 0 infos\n";
    assert_eq!(splitlight(&["lint", "typo.json"], ""), (1, found.to_owned(), String::new()));
    let said =
        "error /experiments/0/variations/1/wieght: `wieght` is not a known key; did you mean `weight`?\n";
    assert_eq!(splitlight(&["decide", "typo.json"], ""), (1, String::new(), said.to_owned()));
}

#[test]
fn the_readme_shows_what_lint_says() {
    let readme = include_str!("../../../../README.md");
    let config = include_str!("data/odd.json");
    assert!(readme.contains(&format!("```json\n{config}```\n")), "the README shows another config");
    let arguments = ["lint", "-", "--traffic", "200", "--now", "2026-11-21T09:00:00Z"];
    let (code, out, err) = splitlight(&arguments, config);
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(readme.contains(&format!("```text\n{out}```\n")), "the README shows another output than\n{out}");
}

#[test]
fn warnings_and_infos_are_exit_code_0() {
    let config = include_str!("data/odd.json").replace("slt", "slot");
    let arguments = ["lint", "-", "--traffic", "200", "--now", "2026-11-21T09:00:00Z", "--format", "json"];
    let (code, out, _) = splitlight(&arguments, &config);
    let found: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let counts = ["errors", "warnings", "infos"].map(|name| found[name].as_u64());
    assert_eq!((code, counts), (0, [Some(0), Some(2), Some(1)]));
    let info = serde_json::json!({
        "severity": "info",
        "code": "browser-change",
        "pointer": "/experiments/0/variations/1/changes/0/selector",
        "reason": "the edge cannot follow `h1 + p` while a page streams, so the browser changes it",
        "fix": "name the element by tag, id, class, attribute, or as a child or descendant of one",
    });
    assert_eq!(found["issues"][2], info);
}

#[test]
fn what_cannot_be_read_is_exit_code_2() {
    for (arguments, said) in [
        (&["lint", "missing.json"][..], "splitlight: cannot read missing.json: "),
        (&["decide", "shop.json", "--now", "soon"], "splitlight: --now: `soon` is not a moment; write it as"),
        (
            &["decide", "shop.json", "--attribute", "plan"],
            "splitlight: --attribute: `plan` has no value; write",
        ),
        (&["decide", "shop.json", "--attributes", "views.ndjson"], "splitlight: views.ndjson: trailing char"),
        (&["decide", "shop.json", "--events", "payload.json"], "splitlight: payload.json, line 1: "),
        (&["replay", "shop.json", "shop.json"], "splitlight: shop.json: unknown field `version`"),
        (&["import", "growthbook", "views.ndjson"], "splitlight: views.ndjson: trailing characters"),
        (&["lint"], "error: the following required arguments were not provided:\n  <CONFIG>\n"),
        (&["lint", "shop.json", "--format", "yaml"], "error: invalid value 'yaml' for '--format <FORMAT>'\n"),
        (
            &["lnt", "shop.json"],
            "error: unrecognized subcommand 'lnt'\n\n  tip: a similar subcommand exists: 'lint'",
        ),
    ] {
        let (code, out, err) = splitlight(arguments, "");
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.starts_with(said), "{arguments:?}: {err}");
    }
}

#[test]
fn help_is_no_failure() {
    let (code, out, err) = splitlight(&["--help"], "");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.starts_with("Checks a Splitlight config, says what it decides and why, and what came of it.\n"),
        "{out}"
    );
}

#[test]
fn translates_from_growthbook() {
    let (code, out, err) = splitlight(&["import", "growthbook", "payload.json", "--project", "shop"], "");
    let expected = r#"{
  "features": [
    {
      "default": 9,
      "key": "price",
      "rules": [
        {
          "hashVersion": 1,
          "value": 8,
          "when": {
            "country": "ES"
          }
        }
      ]
    }
  ],
  "project": "shop",
  "version": 1
}
"#;
    assert_eq!((code, out.as_str()), (0, expected));
    assert_eq!(
        err,
        "error /experiments/0: a variation runs a script; move it to the site's code, with a feature\n"
    );
    assert_eq!(splitlight(&["lint", "-"], &out).0, 0);
}

#[test]
fn translates_to_growthbook() {
    let (code, out, err) = splitlight(&["export", "growthbook", "shop.json"], "");
    let payload: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, payload["features"]["checkout"]["defaultValue"].as_str()), (0, Some("classic")));
    let said = "error /experiments/0: a payload has no dates; keep serving it here\n\
                error /personalizations/0: `fans` competes for a slot, which GrowthBook does not know; make it an \
                experiment, or keep serving it here\n";
    assert_eq!(err, said);
}

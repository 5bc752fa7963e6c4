//! No statement is made of what somebody sent: values are bound, and statements are put together of constants only.

use std::fs;
use std::path::{Path, PathBuf};

/// What begins a statement, or a part of one.
const WORDS: [&str; 9] = [
    "SELECT ",
    "INSERT INTO ",
    "INSERT OR ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "PRAGMA ",
];

/// Every part of `text` between two quotes, with where it begins; raw strings and escapes are told apart.
fn literals(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find('"').map(|place| at + place) {
        let hashes = text[..open].chars().rev().take_while(|letter| *letter == '#').count();
        let is_raw = text[..open - hashes].ends_with('r');
        let begin = open + 1;
        let end = if is_raw {
            text[begin..].find(&format!("\"{}", "#".repeat(hashes))).map(|place| begin + place)
        } else {
            let mut escaped = false;
            let closes = |letter: char| {
                let closes = letter == '"' && !escaped;
                escaped = letter == '\\' && !escaped;
                closes
            };
            text[begin..].find(closes).map(|place| begin + place)
        };
        let Some(end) = end else { break };
        found.push((begin, &text[begin..end]));
        at = end + 1;
    }
    found
}

/// What a statement is made of besides words of ours: `{name}` in it, or what it is joined with.
fn strangers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (begin, literal) in literals(text) {
        if !WORDS.iter().any(|word| literal.contains(word)) {
            continue;
        }
        let before = text[..begin - 1].trim_end();
        let is_format = ["format!(", "write!(", "writeln!(", "format_args!("].iter().any(|made| {
            before
                .rfind(made)
                .is_some_and(|place| !before[place..].contains(';') && !before[place..].contains(')'))
        });
        let named = literal.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        let is_constant = |name: &str| {
            !name.is_empty() && name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
        };
        if is_format && named.clone().any(|name| !is_constant(name)) {
            found.push(literal.to_owned());
        }
        let after = text[begin + literal.len() + 1..].trim_start();
        let is_joined = before.ends_with('+') || before.ends_with("push_str(") || after.starts_with('+');
        if is_joined || before.ends_with("concat!(") {
            found.push(literal.to_owned());
        }
    }
    found
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn no_statement_is_made_of_what_somebody_sent() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../worker/src"), &mut files);
    let mut statements = 0;
    for file in files {
        let text = fs::read_to_string(&file).expect("text");
        let said = |(_, literal): &(usize, &str)| WORDS.iter().any(|word| literal.contains(word));
        statements += literals(&text).iter().filter(|literal| said(literal)).count();
        assert_eq!(strangers(&text), Vec::<String>::new(), "bind values with `?` in {}", file.display());
    }
    assert!(statements > 30, "only {statements} statements were found: the test looks in the wrong place");
}

#[test]
fn a_statement_made_of_a_value_is_found() {
    for made in [
        r#"sql.exec(&format!("SELECT * FROM log WHERE visitor = '{visitor}'"), None)"#,
        r#"sql.exec(&format!("SELECT * FROM {}", table), None)"#,
        r#"sql.exec("DELETE FROM log WHERE id = ".to_owned() + id)"#.replace(".to_owned()", "").as_str(),
        r#"query.push_str("SELECT 1")"#,
    ] {
        assert_eq!(strangers(made).len(), 1, "{made}");
    }
    assert!(strangers(r#"format!("{UNPACK} SELECT i FROM n")"#).is_empty());
    assert!(strangers(r#"rows(&sql, "SELECT id FROM keys WHERE id = ?", vec![id.into()])"#).is_empty());
}

//! Random conditions: every operator, known and not, with values that fit and values that do not.

use super::draw::{Draw, number, scalar, text, value};

/// Paths of attributes that visitors mostly have.
pub(super) const PATHS: [&str; 15] = [
    "plan",
    "visits",
    "geo.country",
    "geo.city",
    "tags",
    "tags.0",
    "email",
    "version",
    "company.id",
    "n",
    "not.there",
    "日本",
    "session.pages",
    "session.visitor",
    "firstTouch.source",
];

/// Keys of audiences.
pub(super) const AUDIENCES: [&str; 4] = ["some", "list", "group", "gone"];

const PATTERNS: [&str; 14] = [
    "^a",
    "o$",
    "[a-z]+@shop\\\\.test",
    "(a|b)*c?",
    "\\\\d{1,3}",
    "^\\\\s*$",
    "[^é]",
    ".",
    "\\\\bpro\\\\b",
    "(?:pro)+",
    "😀",
    "(?=a)",
    "(",
    "a{2,1}",
];

/// A condition in JSON, as `when` takes it.
pub(super) fn condition(draw: &mut Draw, depth: u32) -> String {
    let count = if draw.percent(4) { 0 } else { 1 + draw.below(2) };
    let mut members: Vec<String> = Vec::new();
    for _ in 0..count {
        let member = member(draw, depth);
        // A key may be written once only; the rare second one is left out.
        let key = member.split(':').next().unwrap_or_default().to_owned();
        if !members.iter().any(|other| other.split(':').next() == Some(&key)) {
            members.push(member);
        }
    }
    format!("{{{}}}", members.join(","))
}

fn member(draw: &mut Draw, depth: u32) -> String {
    let inner = depth.saturating_sub(1);
    match draw.below(if depth > 0 { 20 } else { 12 }) {
        0 => format!("\"$audience\":\"{}\"", draw.pick(&AUDIENCES)),
        1 => history(draw),
        2 => near(draw),
        3 if draw.percent(30) => format!("\"{}\":{}", draw.pick(&["$later", "$scores"]), test(draw, 1)),
        4 if draw.percent(50) => saved_group(draw),
        5 => score(draw),
        6 => time(draw),
        12 | 13 => format!("\"$and\":[{}]", draw.list(3, |draw| condition(draw, inner))),
        14 | 15 => format!("\"$or\":[{}]", draw.list(3, |draw| condition(draw, inner))),
        16 | 17 => format!("\"$nor\":[{}]", draw.list(2, |draw| condition(draw, inner))),
        18 | 19 => format!("\"$not\":{}", condition(draw, inner)),
        _ => format!("\"{}\":{}", draw.pick(&PATHS), test(draw, 2)),
    }
}

fn saved_group(draw: &mut Draw) -> String {
    let id = draw.pick(&AUDIENCES);
    match draw.below(3) {
        0 => format!("\"$savedGroup\":{{\"id\":\"{id}\"}}"),
        _ => format!("\"$savedGroup\":{{\"id\":\"{id}\",\"attributeKey\":\"{}\"}}", draw.pick(&PATHS)),
    }
}

/// A question about the history.
fn history(draw: &mut Draw) -> String {
    let event = draw.pick(&["view", "purchase"]);
    let within = draw.pick(&["session", "1d", "7d", "30d", "400d", "5m", "45m", "90m", "24h", "2h", "25h"]);
    let measure = draw.pick(&["count", "sum", "daysSince", "distinctDays"]);
    let operator = draw.pick(&["$gte", "$gt", "$lt", "$lte", "$eq"]);
    let filter = match draw.below(3) {
        0 => format!("\"where\":{{\"category\":{}}},", text(draw)),
        1 => format!("\"where\":{{\"price\":{}}},", test(draw, 0)),
        _ => String::new(),
    };
    let bound = draw.below(4);
    format!(
        "\"$history\":{{\"event\":\"{event}\",{filter}\"within\":\"{within}\",\"{measure}\":{{\"{operator}\":{bound}}}}}"
    )
}

/// A question about a score; some of the scores are not there, and some questions are for others.
fn score(draw: &mut Draw) -> String {
    let key = draw.pick(&["interest", "lead", "model", "gone"]);
    let question = match draw.below(5) {
        0 => format!("\"tier\":\"{}\"", draw.pick(&["hot", "warm", "cold", "disqualified", "boiling"])),
        1 => format!("\"top\":{}", text(draw)),
        2 => format!("\"of\":{},\"value\":{{\"$gte\":{}}}", text(draw), draw.below(10)),
        3 => format!("\"value\":{{\"$lt\":0.{}}}", draw.below(10)),
        _ => format!("\"value\":{{\"$gte\":{}}}", draw.below(51)),
    };
    format!("\"$score\":{{\"score\":\"{key}\",{question}}}")
}

fn time(draw: &mut Draw) -> String {
    let zone =
        draw.pick(&["visitor", "Europe/Madrid", "America/New_York", "Asia/Kolkata", "Europe/Atlantis"]);
    let days = draw.pick(&["[\"sat\",\"sun\"]", "[\"mon\"]", "[\"tue\",\"wed\",\"thu\",\"fri\"]", "[]"]);
    let (from, to) = (draw.below(24), draw.below(25));
    format!(
        "\"$time\":{{\"zone\":\"{zone}\",\"days\":{days},\"from\":\"{from:02}:30\",\"to\":\"{to:02}:00\"}}"
    )
}

fn near(draw: &mut Draw) -> String {
    let (latitude, longitude) = (draw.below(181), draw.below(361));
    let km = draw.pick(&["0", "1", "250.5", "3000", "20038", "-1"]);
    let fraction = draw.below(1000);
    format!(
        "\"$near\":{{\"latitude\":{}.{fraction},\"longitude\":{},\"km\":{km}}}",
        i64::try_from(latitude).unwrap_or(0) - 90,
        i64::try_from(longitude).unwrap_or(0) - 180,
    )
}

/// A test of one value.
pub(super) fn test(draw: &mut Draw, depth: u32) -> String {
    if draw.percent(15) {
        return value(draw, 1);
    }
    let first = operator(draw, depth);
    if draw.percent(20) {
        let second = operator(draw, depth);
        if first.split(':').next() != second.split(':').next() {
            return format!("{{{first},{second}}}");
        }
    }
    format!("{{{first}}}")
}

fn operator(draw: &mut Draw, depth: u32) -> String {
    let inner = depth.saturating_sub(1);
    if draw.percent(4) {
        // An operator with a value of any kind, which most of them refuse.
        let name = draw.pick(&[
            "$in",
            "$gt",
            "$regex",
            "$type",
            "$veq",
            "$all",
            "$not",
            "$elemMatch",
            "$later",
            "$or",
        ]);
        return format!("\"{name}\":{}", value(draw, 1));
    }
    match draw.below(if depth > 0 { 20 } else { 17 }) {
        0 | 1 => format!("\"$eq\":{}", scalar(draw)),
        2 => format!("\"$ne\":{}", scalar(draw)),
        3 | 4 => format!("\"{}\":{}", draw.pick(&["$lt", "$lte", "$gt", "$gte"]), number(draw)),
        5 => format!("\"{}\":{}", draw.pick(&["$lt", "$lte", "$gt", "$gte"]), text(draw)),
        6 | 7 => format!("\"{}\":[{}]", draw.pick(&["$in", "$nin"]), draw.list(4, scalar)),
        8 => format!("\"{}\":[{}]", draw.pick(&["$ini", "$nini"]), draw.list(3, scalar)),
        9 => format!("\"{}\":[{}]", draw.pick(&["$all", "$alli"]), draw.list(2, scalar)),
        10 => format!("\"$exists\":{}", draw.pick(&["true", "false"])),
        11 => {
            let kinds = ["string", "number", "boolean", "array", "object", "null", "date"];
            format!("\"$type\":\"{}\"", draw.pick(&kinds))
        }
        12 | 13 => format!("\"{}\":\"{}\"", draw.pick(&["$regex", "$regexi"]), draw.pick(&PATTERNS)),
        14 => {
            let name = draw.pick(&["$veq", "$vne", "$vgt", "$vgte", "$vlt", "$vlte"]);
            let version =
                draw.pick(&["\"1.2.3\"", "\"v2.0\"", "\"2.0.0-beta.2\"", "\"2.0.0-beta.10\"", "3", "\"x\""]);
            format!("\"{name}\":{version}")
        }
        15 => format!("\"{}\":\"{}\"", draw.pick(&["$inGroup", "$notInGroup"]), draw.pick(&AUDIENCES)),
        16 => format!("\"$size\":{}", draw.below(4)),
        17 => format!("\"$size\":{}", test(draw, inner)),
        18 => format!("\"$elemMatch\":{}", test(draw, inner)),
        _ => format!("\"$not\":{}", test(draw, inner)),
    }
}

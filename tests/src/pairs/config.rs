//! Random configs, in JSON: audiences, experiments, personalizations, features and holdouts that refer to one another.

#![expect(clippy::format_push_string, reason = "a test's document may be made slowly")]

use super::condition::{AUDIENCES, PATHS, condition};
use super::draw::{Draw, range, scalar, share, value};

/// A whole config.
pub(super) fn text(draw: &mut Draw) -> String {
    let zone = draw.pick(&["UTC", "Europe/Madrid", "America/New_York", "Asia/Kolkata"]);
    let audiences = audiences(draw);
    // Most are small, because reading them takes the time; some are large, so that more of them meet.
    let most = if draw.percent(4) { 8 } else { 3 };
    let experiments: Vec<String> =
        (0..draw.below(most)).map(|at| experiment(draw, &format!("e{at}"))).collect();
    let rules: Vec<String> = (0..draw.below(most)).map(|at| personalization(draw, at)).collect();
    let features: Vec<String> = (0..draw.below(most)).map(|at| feature(draw, at)).collect();
    let holdouts = match draw.below(4) {
        0 => format!(
            "{{\"key\":\"all\",\"share\":{},\"unit\":\"{}\",\"except\":[\"e1\"]}}",
            share(draw),
            unit(draw)
        ),
        _ => String::new(),
    };
    let scores = if draw.percent(40) { scores(draw) } else { String::new() };
    format!(
        "{{\"version\":1,\"project\":\"shop\",\"timezone\":\"{zone}\",\"audiences\":[{audiences}],\"scores\":[{scores}],\
         \"experiments\":[{}],\"personalizations\":[{}],\"features\":[{}],\"holdouts\":[{holdouts}]}}",
        experiments.join(","),
        rules.join(","),
        features.join(","),
    )
}

fn scores(draw: &mut Draw) -> String {
    let points = draw.below(200);
    let half_life = draw.pick(&["7d", "30m", "12h", "400d", "0d"]);
    let fit = condition(draw, 1);
    let (weight, bias) = (super::draw::number(draw), super::draw::number(draw));
    let path = draw.pick(&PATHS);
    format!(
        "{{\"key\":\"interest\",\"affinity\":{{\"event\":\"view\",\"property\":\"category\"}}}},\
         {{\"key\":\"lead\",\"engagement\":{{\"events\":[{{\"event\":\"view\",\"points\":{points}.5,\
         \"halfLife\":\"{half_life}\"}},{{\"event\":\"purchase\",\"points\":-20,\"halfLife\":\"1d\"}}],\
         \"fit\":[{{\"when\":{fit},\"points\":12}}]}}}},\
         {{\"key\":\"model\",\"model\":{{\"type\":\"logistic\",\"features\":[\"{path}\",{{\"$history\":{{\
         \"event\":\"view\",\"within\":\"30d\",\"measure\":\"count\"}}}}],\"weights\":[{weight},0.3],\"bias\":{bias}}}}}"
    )
}

fn audiences(draw: &mut Draw) -> String {
    let mut all = Vec::new();
    // The last of the keys is never an audience.
    for key in &AUDIENCES[..3] {
        match draw.below(4) {
            0 => {}
            1 => {
                let (path, values) = (draw.pick(&PATHS), draw.list(3, scalar));
                all.push(format!("{{\"key\":\"{key}\",\"attribute\":\"{path}\",\"values\":[{values}]}}"));
            }
            _ => all.push(format!("{{\"key\":\"{key}\",\"when\":{}}}", condition(draw, 2))),
        }
    }
    all.join(",")
}

fn unit(draw: &mut Draw) -> &'static str {
    draw.pick(&["visitor", "visitor", "visitor", "user", "company.id", "n"])
}

/// What every item may have, each with a comma before it.
fn common(draw: &mut Draw) -> String {
    let mut all = String::new();
    if draw.percent(60) {
        all.push_str(&format!(",\"when\":{}", condition(draw, 2)));
    }
    if draw.percent(25) {
        all.push_str(&format!(",\"pages\":[{}]", draw.list(2, page)));
    }
    if draw.percent(10) {
        all.push_str(&format!(",\"start\":\"{}\"", date(draw)));
    }
    if draw.percent(10) {
        all.push_str(&format!(",\"end\":\"{}\"", date(draw)));
    }
    if draw.percent(12) {
        all.push_str(&format!(",\"prerequisites\":[{}]", prerequisite(draw)));
    }
    if draw.percent(5) {
        all.push_str(&format!(",\"status\":\"{}\"", draw.pick(&["draft", "stopped", "running"])));
    }
    all
}

fn date(draw: &mut Draw) -> String {
    let (year, month, day) = (2025 + draw.below(3), 1 + draw.below(12), 1 + draw.below(28));
    let time = draw.pick(&["", "T02:30", "T09:00", "T23:59:59", "T09:00+05:30", "T00:00:00Z"]);
    format!("{year}-{month:02}-{day:02}{time}")
}

fn page(draw: &mut Draw) -> String {
    let side = draw.pick(&["include", "include", "exclude"]);
    match draw.below(4) {
        0 => {
            let pattern = draw.pick(&["^/c/[a-z]+", "tab=\\\\d", "/$", "(", "https://shop\\\\.test"]);
            format!("{{\"{side}\":\"{pattern}\",\"kind\":\"regex\"}}")
        }
        1 => format!("{{\"{side}\":\"https://shop.test/\",\"kind\":\"exact\"}}"),
        _ => {
            let patterns = ["/", "/c/*", "*", "shop.test/*", "/c/*?tab=*", "/é*", "/C/Shoes#top"];
            format!("{{\"{side}\":\"{}\"}}", draw.pick(&patterns))
        }
    }
}

fn prerequisite(draw: &mut Draw) -> String {
    // One more feature than there ever is.
    let (feature, gate) = (draw.below(5), draw.pick(&["true", "false"]));
    let when = match draw.below(3) {
        0 => "{\"value\":{\"$exists\":true}}".to_owned(),
        1 => format!("{{\"value\":{}}}", scalar(draw)),
        _ => condition(draw, 1),
    };
    format!("{{\"feature\":\"f{feature}\",\"when\":{when},\"gate\":{gate}}}")
}

fn filter(draw: &mut Draw) -> String {
    let unit = if draw.percent(30) { format!(",\"unit\":\"{}\"", unit(draw)) } else { String::new() };
    format!(
        "{{\"seed\":\"s{}\",\"ranges\":[{}],\"hashVersion\":{}{unit}}}",
        draw.below(3),
        draw.list(2, range),
        1 + draw.below(2)
    )
}

fn experiment(draw: &mut Draw, key: &str) -> String {
    let count = 2 + draw.below(3);
    let weights: &[&str] = match (draw.below(3), count) {
        (0, 2) => &["0.3", "0.7"],
        (0, 3) => &["0.1", "0.2", "0.7"],
        (0, _) => &["0.25", "0.25", "0", "0.5"],
        _ => &[],
    };
    let variations: Vec<String> = (0..count)
        .map(|at| variation(draw, at, weights.get(usize::try_from(at).unwrap_or(0)).copied()))
        .collect();
    let mut all = format!("{{\"key\":\"{key}\",\"variations\":[{}]{}", variations.join(","), common(draw));
    if draw.percent(50) {
        all.push_str(&format!(",\"coverage\":{}", share(draw)));
    }
    if draw.percent(20) {
        let ranges: Vec<String> = (0..count).map(|_| range(draw)).collect();
        all.push_str(&format!(",\"ranges\":[{}]", ranges.join(",")));
    }
    if draw.percent(15) {
        let weights: Vec<String> = (0..count).map(|_| share(draw)).collect();
        let when = condition(draw, 1);
        all.push_str(&format!(
            ",\"contexts\":[{{\"leaf\":7,\"when\":{when},\"weights\":[{}]}}]",
            weights.join(",")
        ));
    }
    if draw.percent(20) {
        all.push_str(&format!(",\"layer\":{{\"key\":\"l{}\",\"range\":{}}}", draw.below(2), range(draw)));
    }
    if draw.percent(15) {
        all.push_str(&format!(",\"filters\":[{}]", draw.list(2, filter)));
    }
    if draw.percent(25) {
        let version = draw.below(4);
        all.push_str(&format!(
            ",\"sticky\":true,\"bucketVersion\":{version},\"minBucketVersion\":{}",
            draw.below(version + 1)
        ));
    }
    if draw.percent(20) {
        all.push_str(&format!(",\"hashVersion\":1,\"seed\":\"sèed-{}\"", draw.below(3)));
    }
    if draw.percent(30) {
        all.push_str(&format!(",\"unit\":\"{}\",\"fallbackUnit\":\"{}\"", unit(draw), unit(draw)));
    }
    all.push('}');
    all
}

fn variation(draw: &mut Draw, at: u64, weight: Option<&str>) -> String {
    let mut all = format!("{{\"key\":\"v{at}\"");
    if let Some(weight) = weight {
        all.push_str(&format!(",\"weight\":{weight}"));
    }
    if draw.percent(40) {
        all.push_str(&format!(",\"value\":{}", value(draw, 2)));
    }
    if draw.percent(30) {
        all.push_str(&format!(",\"changes\":[{}]", change(draw)));
    } else if draw.percent(10) {
        let to = draw.pick(&["/other?a=1", "https://shop.test/new", "javascript:x"]);
        all.push_str(&format!(",\"redirect\":{{\"to\":\"{to}\",\"keepQuery\":true}}"));
    }
    all.push('}');
    all
}

fn change(draw: &mut Draw) -> String {
    let template = draw.pick(&[
        "Hi",
        "{{ plan | friend }}",
        "{{geo.city}} & {{ n | 0 }}",
        "{{ open",
        "}}{{ | }}",
        "<b>{{ email | é }}</b>",
        "{{ tags.0 | {{ }}",
        "{{ lastTouch.referrer }}",
    ]);
    match draw.below(7) {
        0 => format!("{{\"selector\":\"h1\",\"text\":\"{template}\"}}"),
        1 => format!("{{\"selector\":\"#hero\",\"html\":\"{template}\"}}"),
        2 => format!("{{\"selector\":\"a\",\"attribute\":{{\"name\":\"title\",\"value\":\"{template}\"}}}}"),
        3 => "{\"selector\":\"p\",\"class\":{\"add\":[\"x\"],\"remove\":[\"y\"]}}".to_owned(),
        4 => format!("{{\"selector\":\"p\",\"insert\":{{\"position\":\"after\",\"html\":\"{template}\"}}}}"),
        5 => "{\"selector\":\"p\",\"style\":{\"color\":\"red\"}}".to_owned(),
        _ => "{\"css\":\"h1 { color: red }\"}".to_owned(),
    }
}

fn personalization(draw: &mut Draw, at: u64) -> String {
    let mut all = format!("{{\"key\":\"p{at}\",\"changes\":[{}]{}", change(draw), common(draw));
    all.push_str(&format!(",\"slot\":\"s{}\",\"priority\":{}", draw.below(2), draw.below(3)));
    if draw.percent(50) {
        all.push_str(&format!(",\"holdout\":{},\"unit\":\"{}\"", share(draw), unit(draw)));
    }
    if draw.percent(30) {
        all.push_str(&format!(",\"value\":{}", value(draw, 1)));
    }
    if draw.percent(20) {
        let (times, per) = (draw.below(3), draw.pick(&["session", "day", "lifetime"]));
        all.push_str(&format!(",\"cap\":{{\"times\":{times},\"per\":\"{per}\"}}"));
    }
    if draw.percent(20) {
        all.push_str(&format!(",\"cooldown\":\"{}\"", draw.pick(&["30m", "7d", "36h", "12h"])));
    }
    all.push('}');
    all
}

fn feature(draw: &mut Draw, at: u64) -> String {
    let rules = draw.list(3, |draw| rule(draw, at));
    format!("{{\"key\":\"f{at}\",\"default\":{},\"rules\":[{rules}]}}", value(draw, 1))
}

fn rule(draw: &mut Draw, feature: u64) -> String {
    let mut all = match draw.below(6) {
        0 => "{\"experiment\":\"e0\"".to_owned(),
        1 => {
            let key = format!("r{feature}-{}", draw.below(1000));
            format!("{{\"run\":{}", experiment(draw, &key))
        }
        _ => format!("{{\"value\":{}", value(draw, 1)),
    };
    if draw.percent(50) {
        all.push_str(&format!(",\"when\":{}", condition(draw, 1)));
    }
    if draw.percent(25) {
        all.push_str(&format!(",\"prerequisites\":[{}]", prerequisite(draw)));
    }
    if draw.percent(25) {
        all.push_str(&format!(",\"coverage\":{},\"unit\":\"{}\"", share(draw), unit(draw)));
    }
    if draw.percent(10) {
        all.push_str(&format!(",\"range\":{},\"hashVersion\":{}", range(draw), 1 + draw.below(2)));
    }
    if draw.percent(10) {
        all.push_str(&format!(",\"start\":\"{}\"", date(draw)));
    }
    if draw.percent(10) {
        all.push_str(&format!(",\"filters\":[{}]", filter(draw)));
    }
    all.push('}');
    all
}

//! The law of the decide-only build: what it does not defer, it decides as the script does on the same page.

use splitlight_engine::attributes::from_page;
use splitlight_engine::{Facts, Program, Reason, Visitor, bytes, decide, lean};
use splitlight_protocol::{Timestamp, Value};

const PERSON: &str = "Mozilla/5.0 (Linux; Android 16) Chrome/140 Mobile";
const MACHINE: &str = "Mozilla/5.0 (compatible; Somebot/2.1)";
const REFERRER: &str = "https://search.test/?q=shoes";
const LANGUAGE: &str = "es-ES";

/// The first item that is decided otherwise in a browser, where `facts` has the site's own attributes.
pub(crate) fn difference(program: &Program, facts: &Facts, now: Timestamp) -> Option<String> {
    let agent = if facts.bot { MACHINE } else { PERSON };
    let mut attributes = from_page(&facts.url, REFERRER, agent, LANGUAGE);
    for (name, value) in facts.attributes.iter() {
        attributes.insert(name.to_owned(), value.clone());
    }
    let history = Some(facts.history.clone().unwrap_or_default());
    let (partial, forced) = (false, Vec::new());
    let visitor = Visitor::new(Facts { attributes, history, partial, forced, ..facts.clone() });
    let decisions = decide(program, &visitor, now);
    let known = |id: &Option<String>| Value::from(id.as_deref().unwrap_or_default());
    let texts = [known(&facts.id), known(&facts.user), facts.url.as_str().into()];
    let said = [REFERRER, agent, LANGUAGE].map(Value::from);
    let mut input = Vec::new();
    let site = [Value::Object(facts.attributes.clone())];
    bytes::value(&Value::Array([&texts[..], &said, &site].concat()), &mut input);
    let (code, mut otherwise) = (program.to_bytes(), None);
    // In the order of the program, and not by key: keys that are written twice are told twice.
    let mut all = decisions.iter(program).filter(|(item, _)| !item.variations().is_empty());
    lean::decide(&code, &input, facts.consent, now, &mut |answer| {
        let made = all.next();
        let same = made.is_some_and(|(item, decision)| {
            let variation = &item.variations()[decision.variation].key;
            let told = (answer.key, answer.variation, answer.reason);
            let left = answer.reason == Reason::Deferred && answer.key == item.key();
            left || told == (item.key(), variation, decision.reason)
        });
        if !same {
            otherwise = Some(format!("the decide-only build has {answer:?}, not {:?}", made.map(|it| it.1)));
        }
    });
    otherwise.or_else(|| all.next().map(|(item, _)| format!("the decide-only build has no {}", item.key())))
}

//! The tables themselves.

use super::facts::facts;
use super::json::{code, plain, quoted};
use super::{Kind, Order, vectors};
use serde_json::Value;
use splitlight_engine::Reason;
use std::collections::BTreeSet;

/// Where the files of decisions are, for an example of every reason.
const DECISIONS: [&str; 9] = [
    "engine/decide/experiments.json",
    "engine/decide/personalizations.json",
    "engine/decide/caps.json",
    "engine/decide/holdouts.json",
    "engine/decide/features.json",
    "engine/decide/partial.json",
    "engine/decide/refused.json",
    "engine/decide/history.json",
    "engine/decide/time.json",
];

/// How many visitors a condition's cell shows.
const VISITORS: usize = 3;

/// The members of an item that say nothing of whom it is for.
const UNSAID: [&str; 3] = ["key", "changes", "variations"];

pub(crate) fn make(order: &Order) -> Result<String, String> {
    if order.table == Kind::Reasons {
        return reasons();
    }
    let document = vectors(&order.file)?;
    match order.table {
        Kind::Conditions => conditions(order, &document),
        Kind::Decisions => decisions(order, &document),
        Kind::Hash => rows(order, &document, &["seed", "id", "hash version", "place"], |case| {
            Some(vec![code(&case[0]), code(&case[1]), code(&case[2]), code(&case[3])])
        }),
        Kind::Pages => rows(order, &document, &["address", "pages", "takes part"], |case| {
            Some(vec![quoted(case[0].as_str()?), code(&case[1]), answer(case[2].as_bool()?)])
        }),
        Kind::Models => models(order, &document),
        Kind::Reasons => Err("it is of no file".to_owned()),
    }
}

fn answer(yes: bool) -> String {
    if yes { "**yes**".to_owned() } else { "no".to_owned() }
}

/// A row a line.
fn grid(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let under = line(&vec!["---".to_owned(); head.len()]);
    let rows: String = rows.iter().map(|row| line(row)).collect();
    line(head) + &under + &rows
}

/// Where the rest is.
fn rest(order: &Order, shown: usize, document: &Value) -> Result<String, String> {
    let (all, file) = (cases(document)?.len(), &order.file);
    let shown = if shown == all { format!("All {all}") } else { format!("{shown} of the {all}") };
    Ok(format!("\n{shown} cases in `tests/vectors/{file}`.\n"))
}

fn cases(document: &Value) -> Result<&Vec<Value>, String> {
    document["cases"].as_array().ok_or_else(|| "the file has no cases".to_owned())
}

/// A table of cases that are lists, chosen by their numbers when `cases` has any.
fn rows(
    order: &Order,
    document: &Value,
    head: &[&str],
    row: impl Fn(&Value) -> Option<Vec<String>>,
) -> Result<String, String> {
    let all = cases(document)?;
    let chosen: Vec<&Value> = if order.cases.is_empty() {
        all.iter().take(order.most.unwrap_or(all.len())).collect()
    } else {
        let by_number = |number: &String| number.parse().ok().and_then(|at: usize| all.get(at));
        let chosen = order.cases.iter().map(|number| by_number(number).ok_or(number));
        chosen.collect::<Result<_, _>>().map_err(|number| format!("there is no case {number}"))?
    };
    let rows: Option<Vec<_>> = chosen.iter().map(|case| row(case)).collect();
    let rows = rows.ok_or("a case has another shape")?;
    let head: Vec<String> = head.iter().map(|&name| name.to_owned()).collect();
    Ok(grid(&head, &rows) + &rest(order, rows.len(), document)?)
}

/// The items of a config with their kinds, and its features.
fn items(document: &Value) -> Vec<&Value> {
    let config = &document["config"];
    let sections = ["experiments", "personalizations", "features"];
    sections.iter().flat_map(|section| config[section].as_array().into_iter().flatten()).collect()
}

fn chosen<'v>(order: &Order, document: &'v Value) -> Result<Vec<&'v Value>, String> {
    let all = items(document);
    if order.items.is_empty() {
        return Ok(all);
    }
    let find = |key: &String| all.iter().find(|item| item["key"] == **key).copied();
    let found = order.items.iter().map(|key| find(key).ok_or(key));
    found.collect::<Result<_, _>>().map_err(|key| format!("there is no item {key}"))
}

fn told<'c>(case: &'c Value, key: &str) -> Option<&'c Value> {
    case["expect"].get(key).or_else(|| case["features"].get(key))
}

fn conditions(order: &Order, document: &Value) -> Result<String, String> {
    let all = cases(document)?;
    let (mut rows, mut shown) = (Vec::new(), BTreeSet::new());
    for item in chosen(order, document)? {
        let key = item["key"].as_str().unwrap_or_default();
        if !all.iter().any(|case| told(case, key).is_some()) {
            return Err(format!("no case is about {key}"));
        }
        let mut cell = |holds: bool| {
            let fits = |case: &Value| told(case, key).is_some_and(|it| (it[1] == "assigned") == holds);
            let fitting = all.iter().enumerate().filter(|(_, case)| fits(case));
            let fitting: Vec<(usize, &Value)> = fitting.take(order.most.unwrap_or(VISITORS)).collect();
            shown.extend(fitting.iter().map(|(at, _)| *at));
            let visitors = fitting.iter().map(|(_, case)| visitor(case, order.names_only));
            visitors.collect::<Vec<String>>().join("<br>")
        };
        rows.push(vec![code(&item["when"]), cell(true), cell(false)]);
    }
    let head = ["condition", "holds for", "does not hold for"].map(str::to_owned);
    Ok(grid(&head, &rows) + &rest(order, shown.len(), document)?)
}

fn visitor(case: &Value, name_only: bool) -> String {
    if name_only {
        return plain(case["name"].as_str().unwrap_or_default());
    }
    let parts = facts(case, false);
    if parts.is_empty() { "`{}`".to_owned() } else { parts.join(", ") }
}

fn decisions(order: &Order, document: &Value) -> Result<String, String> {
    let all = cases(document)?;
    let items = chosen(order, document)?;
    let keys: Vec<&str> = items.iter().filter_map(|item| item["key"].as_str()).collect();
    let about: Vec<&Value> =
        all.iter().filter(|case| keys.iter().any(|key| told(case, key).is_some())).collect();
    let picked: Vec<&Value> = if order.cases.is_empty() {
        about.iter().copied().take(order.most.unwrap_or(about.len())).collect()
    } else {
        let picked =
            order.cases.iter().map(|name| all.iter().find(|case| case["name"] == **name).ok_or(name));
        picked.collect::<Result<_, _>>().map_err(|name| format!("there is no case {name:?}"))?
    };
    let mut out = String::new();
    for item in &items {
        let mut said = (*item).clone();
        if let Some(members) = said.as_object_mut() {
            members.retain(|name, _| !UNSAID.contains(&name.as_str()));
        }
        let said = if said.as_object().is_some_and(serde_json::Map::is_empty) {
            String::new()
        } else {
            format!(": {}", code(&said))
        };
        let key = quoted(item["key"].as_str().unwrap_or_default());
        out.extend(["* ", &key, &said, "\n"]);
    }
    let dated = picked.iter().any(|case| case["now"] != picked[0]["now"]);
    let mut head = vec!["case".to_owned()];
    if !order.names_only {
        head.push("what is known".to_owned());
    }
    head.extend(keys.iter().map(|key| quoted(key)));
    let rows: Vec<Vec<String>> = picked
        .iter()
        .map(|case| {
            let mut row = vec![plain(case["name"].as_str().unwrap_or_default())];
            if !order.names_only {
                row.push(facts(case, dated).join("<br>"));
            }
            row.extend(keys.iter().map(|key| decision(document, case, key)));
            row
        })
        .collect();
    Ok(out + "\n" + &grid(&head, &rows) + &rest(order, rows.len(), document)?)
}

/// What a case decides of an item: the answer and the reason.
fn decision(document: &Value, case: &Value, key: &str) -> String {
    if let Some(answer) = case["features"].get(key) {
        return format!("{}, {}", code(&answer[0]), plain(answer[1].as_str().unwrap_or_default()));
    }
    let Some(answer) = case["expect"].get(key) else { return String::new() };
    let (variation, reason) =
        (answer[0].as_str().unwrap_or_default(), answer[1].as_str().unwrap_or_default());
    let is_rule =
        document["config"]["personalizations"].as_array().into_iter().flatten().any(|it| it["key"] == *key);
    let open = Reason::from_name(reason).is_some_and(Reason::is_open);
    match (is_rule, open) {
        (true, true) if variation == "shown" => "**shown**".to_owned(),
        (true, true) => format!("held out, {}", plain(reason)),
        (true, false) => format!("no, {}", plain(reason)),
        (false, true) => format!("**{}**, {}", plain(variation), plain(reason)),
        (false, false) => format!("{}, {}", plain(variation), plain(reason)),
    }
}

fn models(order: &Order, document: &Value) -> Result<String, String> {
    let features = |name: &str| document["models"][name]["features"].clone();
    let names: Vec<String> =
        document["models"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    let mut out = String::new();
    for name in &names {
        out.extend(["* ", &quoted(name), " looks at ", &code(&features(name)), "\n"]);
    }
    let head: Vec<&str> =
        core::iter::once("what it looks at").chain(names.iter().map(String::as_str)).collect();
    let table = rows(order, document, &head, |case| {
        let mut row = vec![code(&case["input"])];
        row.extend(names.iter().map(|name| quoted(case["expect"][name].as_str().unwrap_or_default())));
        Some(row)
    })?;
    Ok(out + "\n" + &table)
}

/// An example of every reason, in the order of [`Reason::ALL`].
fn reasons() -> Result<String, String> {
    let documents = DECISIONS.map(|file| vectors(file).map(|document| (file, document)));
    let documents: Vec<(&str, Value)> = documents.into_iter().collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    for reason in Reason::ALL {
        let example = documents.iter().find_map(|(file, document)| {
            let case = cases(document).ok()?.iter().find_map(|case| {
                let about = ["expect", "features"]
                    .iter()
                    .flat_map(|part| case[part].as_object().into_iter().flatten());
                let (key, _) = about.into_iter().find(|(_, answer)| answer[1] == reason.name())?;
                Some((key, case["name"].as_str()?))
            })?;
            Some((*file, case.0.clone(), case.1.to_owned()))
        });
        let (file, key, name) = example.ok_or_else(|| format!("no case has the reason {}", reason.name()))?;
        let file = file.trim_start_matches("engine/decide/");
        rows.push(vec![
            quoted(reason.name()),
            format!("{} in the case “{}” of {}", quoted(&key), plain(&name), quoted(file)),
        ]);
    }
    let head = ["reason", "for example"].map(str::to_owned);
    Ok(grid(&head, &rows) + "\nThe files are in `tests/vectors/engine/decide`.\n")
}

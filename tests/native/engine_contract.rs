//! The contract's conditions through the engine alone.

use splitlight_engine::Targeting;
use splitlight_protocol::config::Audience;
use splitlight_protocol::{Map, Value};

#[test]
fn conditions() {
    let home = std::env::var("HOME").unwrap();
    let dir =
        std::fs::read_dir(format!("{home}/.cargo/registry/src")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(dir.join("growthbook-rust-0.4.0/tests/cases/cases.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let mut failed = 0;
    for section in [&["evalCondition"][..], &["savedGroupReferencesV2", "evalCondition"]] {
        let Some(Value::Array(cases)) = all.at(section) else { panic!() };
        for case in cases {
            let Value::Array(case) = case else { panic!() };
            let mut audiences = Vec::new();
            if let Some(Value::Object(groups)) = case.get(4) {
                for (key, group) in groups.iter() {
                    let mut audience = Audience {
                        key: key.to_owned(),
                        name: None,
                        when: None,
                        attribute: None,
                        values: None,
                    };
                    match group {
                        Value::Array(values) => audience.values = Some(values.clone()),
                        group => match group.at(&["type"]).and_then(Value::as_str) {
                            Some("list") => {
                                audience.attribute =
                                    group.at(&["attributeKey"]).and_then(Value::as_str).map(str::to_owned);
                                if let Some(Value::Array(values)) = group.at(&["values"]) {
                                    audience.values = Some(values.clone())
                                }
                            }
                            Some("condition") => audience.when = group.at(&["condition"]).cloned(),
                            _ => {}
                        },
                    }
                    audiences.push(audience);
                }
            }
            let (targeting, _) = Targeting::compile(&case[1], &audiences);
            let Value::Object(attributes) = &case[2] else { panic!() };
            let _: &Map = attributes;
            let found = targeting.holds(attributes) == Some(true);
            if Value::Bool(found) != case[3] {
                failed += 1;
                println!(
                    "{:?}: {found}\n  {}\n  {}",
                    case[0],
                    serde_json::to_string(&case[1]).unwrap(),
                    serde_json::to_string(&case[2]).unwrap()
                );
            }
        }
    }
    println!("{failed} failed");
}

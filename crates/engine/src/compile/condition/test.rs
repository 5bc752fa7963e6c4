//! Reads tests of one value: operators, or a plain value, which is equality.

use super::{Scope, scalars};
use crate::compile::regex::{self, Refused};
use crate::condition::{Orders, Test, Type};
use crate::nfa::Nfa;
use crate::program::Digits;
use crate::version::padded;
use splitlight_protocol::issue::did_you_mean;
use splitlight_protocol::{Code, Issue, Map, Value};

const OPERATORS: [&str; 29] = [
    "$eq",
    "$ne",
    "$lt",
    "$lte",
    "$gt",
    "$gte",
    "$in",
    "$nin",
    "$ini",
    "$nini",
    "$all",
    "$alli",
    "$elemMatch",
    "$size",
    "$exists",
    "$type",
    "$regex",
    "$regexi",
    "$notRegex",
    "$notRegexi",
    "$notInGroup",
    "$not",
    "$veq",
    "$vne",
    "$vgt",
    "$vgte",
    "$vlt",
    "$vlte",
    "$inGroup",
];

impl Scope<'_, '_> {
    /// A test: operators, or a plain value, which is equality.
    pub(in crate::compile) fn test(&mut self, pointer: &str, written: &Value) -> Test {
        let Value::Object(members) = written else { return Test::Equal(written.clone()) };
        // The contract lets an empty object pass always; one that is not all operators is compared as a value.
        if !members.iter().all(|(name, _)| name.starts_with('$')) {
            return Test::Equal(written.clone());
        }
        self.operators(pointer, members)
    }

    fn operators(&mut self, pointer: &str, members: &Map) -> Test {
        let tests =
            members.iter().map(|(name, value)| self.operator(&format!("{pointer}/{name}"), name, value));
        let mut tests: Vec<Test> = tests.collect();
        if tests.len() == 1 { tests.remove(0) } else { Test::All(tests) }
    }

    fn operator(&mut self, pointer: &str, name: &str, value: &Value) -> Test {
        let not = |test| Test::Not(Box::new(test));
        match name {
            "$eq" => strictly(value),
            "$ne" => not(strictly(value)),
            "$lt" => self.ordered(pointer, value, Test::Less),
            "$lte" => self.ordered(pointer, value, Test::LessOrEqual),
            "$gt" => self.ordered(pointer, value, Test::Greater),
            "$gte" => self.ordered(pointer, value, Test::GreaterOrEqual),
            "$in" => self.within(pointer, value, |test| test),
            "$nin" => self.within(pointer, value, not),
            "$ini" => self.within_any_case(pointer, value, |test| test),
            "$nini" => self.within_any_case(pointer, value, not),
            "$all" => self.every(pointer, value, Self::test),
            "$alli" => self.every(pointer, value, |scope, pointer, value| match value {
                Value::String(text) => scope.pattern(pointer, regex::same_in_lower_case(&[text])),
                other => scope.test(pointer, other),
            }),
            "$elemMatch" => Test::Element(Box::new(self.element(pointer, value))),
            "$size" => Test::Size(Box::new(self.test(pointer, value))),
            "$exists" => Test::Exists(!matches!(value, Value::Bool(false) | Value::Null)),
            "$type" => self.of_type(pointer, value),
            "$regex" => self.regex(pointer, value, false),
            "$regexi" => self.regex(pointer, value, true),
            "$notRegex" | "$notRegexi" => match self.regex(pointer, value, name == "$notRegexi") {
                // What is no pattern is not found nowhere.
                Test::Never => Test::Never,
                test => not(test),
            },
            "$not" if *value == Value::Null => {
                self.issues.push(Issue::error(pointer, "there is nothing to negate", "write a test"));
                Test::Unsupported
            }
            "$not" => not(self.test(pointer, value)),
            "$veq" => self.version(pointer, value, [false, true, false]),
            "$vne" => self.version(pointer, value, [true, false, true]),
            "$vlt" => self.version(pointer, value, [true, false, false]),
            "$vlte" => self.version(pointer, value, [true, true, false]),
            "$vgt" => self.version(pointer, value, [false, false, true]),
            "$vgte" => self.version(pointer, value, [false, true, true]),
            "$inGroup" => self.in_group(pointer, value, |test| test),
            "$notInGroup" => self.in_group(pointer, value, not),
            "$or" | "$and" | "$nor" => {
                self.never_passes(pointer, "a value has no such operator", "write it around the attribute")
            }
            _ => self.unknown_operator(pointer, name),
        }
    }

    fn unknown_operator(&mut self, pointer: &str, name: &str) -> Test {
        let fix = match did_you_mean(name, &OPERATORS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of {}", OPERATORS.join(", ")),
        };
        let issue = Issue::error(pointer, format!("`{name}` is not an operator of this release"), fix);
        self.issues.push(issue.coded(Code::UnknownOperator));
        Test::Unsupported
    }

    fn never_passes(&mut self, pointer: &str, reason: &str, fix: &str) -> Test {
        self.issues.push(Issue::error(pointer, reason, fix));
        Test::Never
    }

    fn ordered(&mut self, pointer: &str, value: &Value, test: impl Fn(Value) -> Test) -> Test {
        match value {
            Value::Number(_) | Value::String(_) => test(value.clone()),
            _ => {
                let fix = "write a number or a string";
                self.never_passes(pointer, "only numbers and strings have an order", fix)
            }
        }
    }

    fn items<'v>(&mut self, pointer: &str, value: &'v Value) -> Option<&'v [Value]> {
        if let Value::Array(items) = value {
            return Some(items);
        }
        self.issues.push(Issue::error(pointer, "this is not a list", "write [\"a\", \"b\"]"));
        None
    }

    fn within(&mut self, pointer: &str, value: &Value, wrap: impl Fn(Test) -> Test) -> Test {
        match self.items(pointer, value) {
            Some(items) => wrap(Test::In(scalars(items))),
            None => Test::Never,
        }
    }

    fn within_any_case(&mut self, pointer: &str, value: &Value, wrap: impl Fn(Test) -> Test) -> Test {
        let Some(items) = self.items(pointer, value) else { return Test::Never };
        let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
        let mut others = scalars(items);
        others.retain(|value| value.as_str().is_none());
        let mut ways = vec![Test::In(others)];
        if !texts.is_empty() {
            ways.push(self.pattern(pointer, regex::same_in_lower_case(&texts)));
        }
        wrap(Test::Member(Box::new(Test::Any(ways))))
    }

    /// Every one of these has to be passed by an element.
    fn every(
        &mut self,
        pointer: &str,
        value: &Value,
        mut test: impl FnMut(&mut Self, &str, &Value) -> Test,
    ) -> Test {
        let Some(items) = self.items(pointer, value) else { return Test::Never };
        let mut tests = vec![Test::Type(Type::Array)];
        for (at, item) in items.iter().enumerate() {
            tests.push(Test::Member(Box::new(test(self, &format!("{pointer}/{at}"), item))));
        }
        Test::All(tests)
    }

    fn element(&mut self, pointer: &str, value: &Value) -> Test {
        let Value::Object(members) = value else {
            self.issues.push(Issue::error(pointer, "this is not an object", "write { \"$gt\": 3 }"));
            return Test::Unsupported;
        };
        let about_fields = |name: &str| {
            !name.starts_with('$') || matches!(name, "$or" | "$and" | "$nor" | "$savedGroup" | "$audience")
        };
        if members.iter().any(|(name, _)| about_fields(name)) {
            Test::Fields(Box::new(self.condition(pointer, value)))
        } else {
            self.operators(pointer, members)
        }
    }

    fn of_type(&mut self, pointer: &str, value: &Value) -> Test {
        Test::Type(match value.as_str() {
            Some("null") => Type::Null,
            Some("boolean") => Type::Boolean,
            Some("number") => Type::Number,
            Some("string") => Type::String,
            Some("array") => Type::Array,
            Some("object") => Type::Object,
            _ => {
                let fix = "write string, number, boolean, array, object or null";
                return self.never_passes(pointer, "this is not a type", fix);
            }
        })
    }

    fn regex(&mut self, pointer: &str, value: &Value, ignore_case: bool) -> Test {
        match value.as_str() {
            Some(pattern) => self.pattern(pointer, regex::compile(pattern, ignore_case)),
            None => self.never_passes(pointer, "this is not a pattern", "write a text such as \"^/shop/\""),
        }
    }

    fn pattern(&mut self, pointer: &str, compiled: Result<Nfa, Refused>) -> Test {
        compiled.map_or_else(
            |refused| {
                self.issues.push(refused.issue(pointer));
                match refused {
                    Refused::Invalid(_) => Test::Never,
                    Refused::Unsupported(_) => Test::Unsupported,
                }
            },
            Test::Finds,
        )
    }

    fn version(&mut self, pointer: &str, value: &Value, [less, equal, greater]: [bool; 3]) -> Test {
        let orders = Orders { less, equal, greater };
        match padded(value, Digits::default()) {
            Some(version) => Test::Version(orders, version, matches!(value, Value::Number(_))),
            None if less && greater => Test::All(Vec::new()),
            None => self.never_passes(pointer, "this is not a version", "write a text such as \"1.4.0\""),
        }
    }

    /// Whether the value is in a list that is an audience's; a group that is not there has nobody in it.
    fn in_group(&mut self, pointer: &str, value: &Value, wrap: impl Fn(Test) -> Test) -> Test {
        let key = value.as_str().unwrap_or_default();
        match self.audiences.position(key) {
            None => {
                let reason = format!("there is no audience `{key}`");
                let issue = Issue::error(pointer, reason, "add it to `audiences`, with `values`");
                self.issues.push(issue.coded(Code::UnknownReference));
                wrap(Test::In(Vec::new()))
            }
            Some(at) => match self.audiences.list(at) {
                Some(values) => wrap(Test::In(scalars(values))),
                None if self.audiences.is_strange(at) => Test::Unsupported,
                None => {
                    let reason = format!("the audience `{key}` is not a list");
                    self.never_passes(pointer, &reason, "use $audience")
                }
            },
        }
    }
}

impl Test {
    /// A list of one is that one, so that a list of values is not taken apart.
    fn alone(self) -> Self {
        match self {
            Self::In(values) => match <[Value; 1]>::try_from(values) {
                Ok([value]) => Self::Equal(value),
                Err(_) => Self::Never,
            },
            other => other,
        }
    }
}

/// Equality as JavaScript's `===`: lists and objects are never the same.
fn strictly(value: &Value) -> Test {
    Test::In(scalars(core::slice::from_ref(value))).alone()
}

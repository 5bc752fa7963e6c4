//! Reads `$near`.

use super::condition::object;
use crate::condition::Condition;
use crate::place::Near;
use splitlight_protocol::{Issue, Value};

const SHAPE: &str = "write { \"latitude\": 40.4, \"longitude\": -3.7, \"km\": 25 }";

/// Reads a position in degrees and a distance in kilometers.
pub(super) fn near(pointer: &str, written: &Value) -> Result<Condition, Issue> {
    let members = object(pointer, written, SHAPE)?;
    if let Some((name, _)) = members.iter().find(|(name, _)| !["latitude", "longitude", "km"].contains(name))
    {
        return Err(Issue::error(
            format!("{pointer}/{name}"),
            format!("`{name}` is not known in `$near`"),
            SHAPE,
        ));
    }
    let number = |name: &str, least: f64, most: f64| match members.get(name) {
        Some(Value::Number(number)) if (least..=most).contains(number) => Ok(*number),
        _ => {
            let fix = format!("write a number from {least} to {most}");
            Err(Issue::error(
                format!("{pointer}/{name}"),
                format!("`{name}` is missing or out of range"),
                fix,
            ))
        }
    };
    let (latitude, longitude) = (number("latitude", -90.0, 90.0)?, number("longitude", -180.0, 180.0)?);
    Ok(Condition::Near(Near::new(latitude, longitude, number("km", 0.0, 20_038.0)?)))
}

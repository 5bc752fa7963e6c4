//! Conversions that come as a file, from a CRM or a till: CSV or NDJSON, one line each.

use crate::event::{Event, EventId, Kind};
use crate::{Map, Timestamp};
use serde::Deserialize;

/// A conversion of a file, with the line that it begins on.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Counted from 1.
    pub number: usize,
    /// Whose conversion it is and what, or why the line is none.
    pub conversion: Result<(String, Event), String>,
}

/// A line as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    visitor: String,
    name: String,
    time: i64,
    value: Option<i64>,
    id: Option<EventId>,
    #[serde(default)]
    properties: Map,
}

/// Reads NDJSON: `{"visitor", "name", "time", "value"?, "id"?, "properties"?}` on each line; empty lines are none.
///
/// A conversion without an id gets one by `id_of` its line's text, so that a file imported twice counts once.
///
/// ```
/// use splitlight_protocol::event::EventId;
/// use splitlight_protocol::import::ndjson;
/// let text = "{\"visitor\": \"v-1\", \"name\": \"purchase\", \"time\": 0, \"value\": 4900}\n\n{}\n";
/// let lines = ndjson(text, |_| EventId::from_bytes([7; 16]));
/// assert_eq!((lines[0].number, lines[0].conversion.is_ok()), (1, true));
/// assert_eq!((lines[1].number, lines[1].conversion.is_ok()), (3, false));
/// ```
pub fn ndjson(text: &str, id_of: impl Fn(&str) -> EventId) -> Vec<Line> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let written = serde_json::from_str(line).map_err(|error| error.to_string());
            Line { number, conversion: written.and_then(|written| conversion(written, || id_of(line))) }
        })
        .collect()
}

/// Reads CSV (RFC 4180) whose first line names the columns: `visitor`, `name`, `time`, and if there are such `value`,
/// `id`; every other column is a property.
///
/// ```
/// use splitlight_protocol::event::{EventId, Kind};
/// use splitlight_protocol::import::csv;
/// let text = "visitor,name,time,value,shop\nv-1,purchase,0,4900,\"Madrid, \"\"Sol\"\"\"\n";
/// let lines = csv(text, |_| EventId::from_bytes([7; 16]))?;
/// let (visitor, event) = lines[0].conversion.as_ref().map_err(|why| why.clone())?;
/// assert_eq!((lines[0].number, visitor.as_str()), (2, "v-1"));
/// assert!(matches!(&event.kind, Kind::Conversion { properties, .. }
///     if properties.get("shop").and_then(|shop| shop.as_str()) == Some("Madrid, \"Sol\"")));
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// What is wrong with the first line.
pub fn csv(text: &str, id_of: impl Fn(&str) -> EventId) -> Result<Vec<Line>, String> {
    let mut rows = rows(text.trim_start_matches('\u{feff}')).into_iter();
    let (_, columns) = rows.next().ok_or("the first line names the columns")?;
    for needed in ["visitor", "name", "time"] {
        if columns.iter().filter(|column| *column == needed).count() != 1 {
            return Err(format!("the first line names the columns, `{needed}` once among them"));
        }
    }
    let line = |(number, fields): (usize, Vec<String>)| {
        let conversion =
            row(&columns, &fields).and_then(|written| conversion(written, || id_of(&fields.join("\u{1f}"))));
        Line { number, conversion }
    };
    Ok(rows.map(line).collect())
}

fn row(columns: &[String], fields: &[String]) -> Result<Written, String> {
    if columns.len() != fields.len() {
        return Err(format!("{} fields, the first line names {}", fields.len(), columns.len()));
    }
    let whole = |name: &str, field: &str| {
        field.parse::<i64>().map_err(|_| format!("`{name}` is `{field}`, not a whole number"))
    };
    let (visitor, name) = (String::new(), String::new());
    let mut written = Written { visitor, name, time: 0, value: None, id: None, properties: Map::new() };
    for (column, field) in columns.iter().zip(fields) {
        match column.as_str() {
            "visitor" => written.visitor.clone_from(field),
            "name" => written.name.clone_from(field),
            "time" => written.time = whole("time", field)?,
            _ if field.is_empty() => {}
            "value" => written.value = Some(whole("value", field)?),
            "id" => written.id = Some(EventId::parse(field).ok_or("an event id is a UUID")?),
            _ => drop(written.properties.insert(column.clone(), field.as_str().into())),
        }
    }
    Ok(written)
}

fn conversion(written: Written, id: impl FnOnce() -> EventId) -> Result<(String, Event), String> {
    let Written { visitor, name, time, value, id: given, properties } = written;
    let kind = Kind::Conversion { name, value, properties };
    let event = Event { id: given.unwrap_or_else(id), time: Timestamp::from_ms(time), page: None, kind };
    event.check_alone(&visitor).map_err(|error| error.to_string())?;
    Ok((visitor, event))
}

/// The records of a CSV text with the lines they begin on; empty lines are none.
fn rows(text: &str) -> Vec<(usize, Vec<String>)> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut line, mut begun) = (false, 1, 1);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        line += usize::from(character == '\n');
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted && characters.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push((begun, std::mem::take(&mut row)));
                begun = line;
            }
            other => field.push(other),
        }
    }
    row.push(field);
    rows.push((begun, row));
    rows.retain(|(_, row)| row.iter().any(|field| !field.is_empty()));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(_: &str) -> EventId {
        EventId::from_bytes([7; 16])
    }

    #[test]
    fn each_line_that_is_none_says_why() {
        let text = "visitor,name,time,value,id\r\nv,buy,0,,\r\n,buy,0,,\r\nv,buy,soon,,\r\nv,buy,0,1.5,\r\n\
            v,buy,0,1,x\r\nv,buy,0\r\n";
        let lines = csv(text, id).expect("columns");
        let why: Vec<String> =
            lines.into_iter().map(|line| line.conversion.err().unwrap_or_default()).collect();
        let parts = ["", "an id has 1 to", "`time` is `soon`", "`value` is `1.5`", "UUID", "3 fields"];
        assert_eq!(why.len(), parts.len());
        for (why, part) in why.iter().zip(parts) {
            assert!(why.contains(part), "{why}: {part}");
        }
    }

    #[test]
    fn quotes_hold_commas_lines_and_quotes() {
        let found = rows("a,\"b\n\"\"c\"\",\"\n\nd,\"\"\n");
        let text = |row: &[&str]| row.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>();
        assert_eq!(found, [(1, text(&["a", "b\n\"c\","])), (4, text(&["d", ""]))]);
    }

    #[test]
    fn the_columns_are_needed() {
        for text in ["", "visitor,name\n", "visitor,visitor,name,time\n"] {
            assert!(csv(text, id).is_err(), "{text}");
        }
    }
}

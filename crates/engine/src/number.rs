//! tmp
pub(crate) fn js_number(number: f64) -> String {
    number.to_string()
}

//! tmp
pub(crate) fn js_number(number: f64) -> String {
    crate::template::whole(number).unwrap_or_default()
}

//! Lists, without what would bring the printing of numbers into the script tag.

/// Takes an entry out. Unlike `Vec::remove` it has no message with numbers for a place that is not there.
pub(crate) fn leave_out<T>(list: &mut Vec<T>, place: usize) {
    let mut at = 0;
    list.retain(|_| {
        at += 1;
        at - 1 != place
    });
}

#[cfg(test)]
mod tests {
    use super::leave_out;

    #[test]
    fn one_entry_is_left_out_or_none() {
        let mut list = vec!['a', 'b', 'c'];
        leave_out(&mut list, 1);
        assert_eq!(list, ['a', 'c']);
        leave_out(&mut list, 2);
        assert_eq!(list, ['a', 'c']);
    }
}

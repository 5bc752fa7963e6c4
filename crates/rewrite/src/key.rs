//! What a tag has to have, or a selector cannot match it: the selectors of one word that most changes have.

use crate::tag::{Tag, attributes};

/// The one thing that a selector asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Id(String),
    Class(String),
    Name(String),
}

impl Key {
    /// The key of a selector; `None` when it asks for more, or in other words.
    pub(crate) fn of(selector: &str) -> Option<Self> {
        let selector = selector.trim();
        let key = match selector.as_bytes().first()? {
            b'#' => Self::Id(selector[1..].to_owned()),
            b'.' => Self::Class(selector[1..].to_owned()),
            _ => Self::Name(selector.to_owned()),
        };
        let (Self::Id(word) | Self::Class(word) | Self::Name(word)) = &key;
        let is_name = matches!(key, Self::Name(_));
        let is_of_word =
            |c: char| c.is_ascii_alphanumeric() || c == '-' || !is_name && (c == '_' || !c.is_ascii());
        let is_word = word.chars().all(is_of_word) && !word.is_empty();
        (is_word && (!is_name || word.starts_with(|c: char| c.is_ascii_alphabetic()))).then_some(key)
    }
}

/// Whether a start tag, with which the page goes on, has any of the keys.
pub(crate) fn has_any<'k>(page: &[u8], tag: &Tag, keys: &(impl Iterator<Item = &'k Key> + Clone)) -> bool {
    let name = tag.name(page);
    let is_named = |key: &Key| matches!(key, Key::Name(own) if name.eq_ignore_ascii_case(own.as_bytes()));
    keys.clone().any(is_named)
        || attributes(page, tag).any(|(name, value)| {
            if name.eq_ignore_ascii_case(b"id") {
                keys.clone().any(|key| matches!(key, Key::Id(id) if id.as_bytes() == value))
            } else if name.eq_ignore_ascii_case(b"class") {
                let mut words = value.split(u8::is_ascii_whitespace);
                words.any(|word| {
                    keys.clone().any(|key| matches!(key, Key::Class(own) if own.as_bytes() == word))
                })
            } else {
                false
            }
        })
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn selectors_of_one_word_have_a_key() {
        assert_eq!(Key::of(" #hero "), Some(Key::Id("hero".into())));
        assert_eq!(Key::of(".é_1"), Some(Key::Class("é_1".into())));
        assert_eq!(Key::of("my-Tag"), Some(Key::Name("my-Tag".into())));
        for other in ["", "#", "*", "a b", "a,b", "a:hover", "#a.b", "a[b]", "#a\\:b", "a>b"] {
            assert_eq!(Key::of(other), None, "{other}");
        }
    }
}

//! The one error of all tasks: a line that says what failed and how to fix it.

use std::fmt;

/// What failed, and the fix, in one line.
#[derive(Debug)]
pub(crate) struct Error(String);

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Puts what was being done in front of a lower error.
pub(crate) trait Context<T> {
    fn context(self, doing: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.map_err(|source| Error(format!("{doing}: {source}")))
    }
}

/// `Err` of a formatted line, which is how most checks end.
macro_rules! fail {
    ($($line:tt)*) => { return Err($crate::error::Error::new(format!($($line)*))) };
}
pub(crate) use fail;

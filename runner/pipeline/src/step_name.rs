//! Names of steps (rules R3, R4, R6).

/// The name of a step.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepName(String);

/// The most characters of a name, in UTF-16 code units (rule R4).
pub(crate) const MAX_LENGTH: usize = 150;

/// The name of the step whose directory is every later step's default (rules R7, G2).
pub const MAIN_CLONE: &str = "main_clone";

impl StepName {
    /// Checks a name.
    ///
    /// # Errors
    /// Empty, longer than 150 characters, or with a character that references could not hold.
    pub fn new(name: &str) -> Result<Self, StepNameError> {
        if name.is_empty() {
            Err(StepNameError::Empty)
        } else if name.contains(['.', '#', '$', '[', ']']) {
            Err(StepNameError::Character)
        } else if name.encode_utf16().count() > MAX_LENGTH {
            Err(StepNameError::Length)
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// The name of the implicit clone.
    #[must_use]
    pub fn main_clone() -> Self {
        Self(MAIN_CLONE.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `main_clone`.
    #[must_use]
    pub fn is_main_clone(&self) -> bool {
        self.0 == MAIN_CLONE
    }
}

impl std::fmt::Display for StepName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not the name of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StepNameError {
    /// It is empty.
    #[error("step name is not allowed to be empty")]
    Empty,
    /// It holds a character that is not allowed (rule R3).
    #[error("step name cannot contain \".\", \"#\", \"$\", \"[\", or \"]\"")]
    Character,
    /// It is too long (rule R4).
    #[error("step name length is limited to 150")]
    Length,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r3_some_characters_are_not_allowed() {
        for name in ["a.b", "a#", "$a", "a[0", "a]"] {
            assert_eq!(StepName::new(name), Err(StepNameError::Character), "{name}");
        }
    }

    #[test]
    fn r4_a_name_has_at_most_150_characters() {
        assert!(StepName::new(&"a".repeat(150)).is_ok());
        assert_eq!(StepName::new(&"a".repeat(151)), Err(StepNameError::Length));
        assert!(StepName::new(&"é".repeat(150)).is_ok());
    }

    #[test]
    fn r6_other_characters_are_allowed_and_empty_names_are_not() {
        for name in ["a b", "a/b", "a:b", "a-b", "é", "123", "A_b"] {
            assert!(StepName::new(name).is_ok(), "{name}");
        }
        assert_eq!(StepName::new(""), Err(StepNameError::Empty));
    }

    #[test]
    fn r7_main_clone_is_special() {
        assert!(StepName::new("main_clone").is_ok_and(|name| name.is_main_clone()));
        assert!(StepName::new("Main_clone").is_ok_and(|name| !name.is_main_clone()));
    }
}

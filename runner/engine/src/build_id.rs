//! The name of a build.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A build: 24 hexadecimal digits, of which the first eight are the time, so that names sort by it (rule V16).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BuildId(String);

impl BuildId {
    /// A name that no other build has.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub(crate) fn generate(now: SystemTime) -> std::io::Result<Self> {
        let mut random = [0; 8];
        let mut filled = 0;
        while filled < random.len() {
            filled += rustix::rand::getrandom(&mut random[filled..], rustix::rand::GetRandomFlags::empty())?;
        }
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Ok(Self(format!("{:08x}{:016x}", seconds & 0xffff_ffff, u64::from_be_bytes(random))))
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 24 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        digits.then(|| Self(text.to_owned()))
    }

    /// The second in which it was made, as the digits that the name begins with.
    pub(crate) fn second(&self) -> &str {
        &self.0[..8]
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for BuildId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for BuildId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for BuildId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("the name of a build has 24 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v16_a_build_has_a_name_of_24_digits_of_its_own() {
        let now = SystemTime::now();
        let (one, other) = (BuildId::generate(now).expect("random"), BuildId::generate(now).expect("random"));
        assert_ne!(one, other);
        assert_eq!(BuildId::parse(one.as_str()), Some(one));
        assert_eq!(BuildId::parse("../../etc"), None);
        assert!(serde_json::from_str::<BuildId>("\"../../etc\"").is_err());
    }
}

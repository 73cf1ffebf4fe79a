use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::{BadAmount, Limit, Per};

/// The limits that somebody asks for: `memory: 512MiB` and its like in a file, `memory=512MiB` on a command line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wanted(BTreeMap<Limit, u64>);

/// A limit that cannot be asked for so.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadLimit {
    /// There is none of this name.
    #[error("there is no limit `{name}`{}", .like.map(|like| format!(" (did you mean `{like}`?)")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: String,
        /// What was meant.
        like: Option<Limit>,
    },
    /// The amount is none.
    #[error("the limit `{0}`: {1}")]
    Amount(Limit, BadAmount),
    /// Less than anything could run with.
    #[error("the limit `{limit}` cannot be less than {}", .limit.show(.limit.least()))]
    TooSmall {
        /// Which.
        limit: Limit,
    },
    /// More than there is.
    #[error("the limit `{limit}` cannot be more than {}", .limit.show(.limit.most()))]
    TooLarge {
        /// Which.
        limit: Limit,
    },
    /// No `=`.
    #[error("`{0}` sets no limit: write NAME=AMOUNT")]
    NoAmount(String),
    /// It is not for a project to set.
    #[error("the limit `{0}` is the host's, not the project's: the user or the owner of the host sets it")]
    NotYours(Limit),
}

impl Wanted {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a limit by its name.
    ///
    /// # Errors
    /// Where there is none of this name, or the amount cannot be.
    pub fn set(&mut self, name: &str, amount: &str) -> Result<(), BadLimit> {
        let limit = named(name)?;
        self.0.insert(limit, value(limit, amount)?);
        Ok(())
    }

    /// Asks for a limit as `NAME=AMOUNT`.
    ///
    /// # Errors
    /// See [`Wanted::set`].
    pub fn assign(&mut self, text: &str) -> Result<(), BadLimit> {
        let (name, amount) = text.split_once('=').ok_or_else(|| BadLimit::NoAmount(text.chars().take(40).collect()))?;
        self.set(name, amount)
    }

    /// Asks for a limit by its value, which is brought between the least and the most that can be.
    pub fn insert(&mut self, limit: Limit, value: u64) {
        self.0.insert(limit, value.clamp(limit.least(), limit.most()));
    }

    /// What is asked for of one.
    pub fn get(&self, limit: Limit) -> Option<u64> {
        self.0.get(&limit).copied()
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is asked for, in the order of the reference.
    pub fn iter(&self) -> impl Iterator<Item = (Limit, u64)> {
        self.0.iter().map(|(limit, value)| (*limit, *value))
    }

    /// The same; where `other` says something about a limit too, that counts.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        self.0.extend(other.iter());
        self
    }

    /// The same; of what both say the stricter counts.
    #[must_use]
    pub fn strictest(mut self, other: &Self) -> Self {
        for (limit, value) in other.iter() {
            let ours = self.0.entry(limit).or_insert(value);
            if limit.is_stricter(value, *ours) {
                *ours = value;
            }
        }
        self
    }

    /// An error where it has something that a project cannot set.
    ///
    /// # Errors
    /// [`BadLimit::NotYours`].
    pub fn of_project(&self) -> Result<(), BadLimit> {
        match self.iter().find(|(limit, _)| limit.per() == Per::Host) {
            Some((limit, _)) => Err(BadLimit::NotYours(limit)),
            None => Ok(()),
        }
    }
}

fn named(name: &str) -> Result<Limit, BadLimit> {
    let name = name.trim();
    let unknown = || BadLimit::Unknown { name: name.chars().take(40).collect(), like: Limit::like(name) };
    Limit::named(name).ok_or_else(unknown)
}

fn value(limit: Limit, amount: &str) -> Result<u64, BadLimit> {
    let value = limit.unit().parse(amount).map_err(|error| BadLimit::Amount(limit, error))?;
    if value < limit.least() {
        return Err(BadLimit::TooSmall { limit });
    }
    // No bound is as much as there is.
    let value = if value == u64::MAX { limit.most() } else { value };
    if value > limit.most() { Err(BadLimit::TooLarge { limit }) } else { Ok(value) }
}

/// A limit as a key of a file. Errors are made where it is read, so that they have its place.
struct Name(Limit);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a limit")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
                named(name).map(Name).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

/// How much of a limit: a number or a text.
struct Amount(Limit);

impl<'de> DeserializeSeed<'de> for Amount {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Amount {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount, such as 64, 512MiB or 10m")
    }

    fn visit_u64<E: Error>(self, amount: u64) -> Result<u64, E> {
        self.visit_str(&amount.to_string())
    }

    fn visit_f64<E: Error>(self, amount: f64) -> Result<u64, E> {
        self.visit_str(&amount.to_string())
    }

    fn visit_str<E: Error>(self, amount: &str) -> Result<u64, E> {
        value(self.0, amount).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Wanted;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("limits, such as `memory: 512MiB`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wanted, A::Error> {
                let mut wanted = Wanted::new();
                while let Some(Name(limit)) = map.next_key()? {
                    wanted.0.insert(limit, map.next_value_seed(Amount(limit))?);
                }
                Ok(wanted)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_limits_and_amounts() {
        let wanted: Wanted = serde_yaml::from_str("memory: 512MiB\ncommands: 10\nstep-time: 1.5h\n").expect("right");
        let got: Vec<_> = wanted.iter().collect();
        assert_eq!(got, [(Limit::Memory, 512 << 20), (Limit::StepTime, 5400), (Limit::Commands, 10)]);
        assert_eq!(wanted.of_project(), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, expected) in [
            ("memory: 1GiB\n  memry: 1", "limits: there is no limit `memry` at line 3 column 3"),
            ("open_files: 1", "limits: there is no limit `open_files` (did you mean `open-files`?) at line 2 column 3"),
            (
                "memory: lots",
                "limits.memory: the limit `memory`: `lots` is no size, such as `512MiB` at line 2 column 11",
            ),
            (
                "commands: -1",
                "limits.commands: invalid type: integer `-1`, expected an amount, such as 64, 512MiB or 10m at line 2 column 13",
            ),
            ("memory: 8GiB", "limits.memory: the limit `memory` cannot be more than 4 GiB at line 2 column 11"),
            ("memory: 1", "limits.memory: the limit `memory` cannot be less than 16 MiB at line 2 column 11"),
            (
                "[memory]",
                "limits: invalid type: sequence, expected limits, such as `memory: 512MiB` at line 2 column 3",
            ),
        ] {
            let text = format!("limits:\n  {text}");
            let error = serde_yaml::from_str::<BTreeMap<String, Wanted>>(&text).expect_err("refused");
            assert_eq!(error.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_project_sets_no_limit_of_the_host() {
        let mut wanted = Wanted::new();
        wanted.assign("builds=3").expect("a limit");
        assert_eq!(wanted.of_project(), Err(BadLimit::NotYours(Limit::Builds)));
        assert_eq!(
            wanted.assign("builds").map_err(|error| error.to_string()),
            Err("`builds` sets no limit: write NAME=AMOUNT".to_owned())
        );
    }
}

use serde::{Deserialize, Serialize};

use crate::{Limit, Per, Wanted};

/// Who has set a limit.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Setter {
    /// Nobody: it is the default.
    Default,
    /// The project, in `stepbox.yaml`.
    Project,
    /// The user, by a flag or in the configuration.
    User,
    /// The owner of the host, in the policy.
    Owner,
}

/// A limit as it holds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Setting {
    /// Which.
    pub limit: Limit,
    /// How much; `u64::MAX` for no bound.
    pub value: u64,
    /// Who has said so.
    pub setter: Setter,
}

impl Setting {
    /// In words: its name, its value, and how it is changed.
    pub fn words(&self) -> String {
        let Self { limit, value, setter } = *self;
        let per = match limit.per() {
            Per::Command => " for one command",
            Per::Step => " for one step",
            Per::Build => " for one build",
            Per::Host => " for this host",
        };
        let change = match setter {
            Setter::Default | Setter::User if value >= limit.most() => "the most there is".to_owned(),
            Setter::Default | Setter::User => format!("`--limit {limit}=…` changes it"),
            Setter::Project => "set in `stepbox.yaml`".to_owned(),
            Setter::Owner => "set by the policy of this host".to_owned(),
        };
        format!("the limit `{limit}` of {}{per} ({change})", limit.show(value))
    }
}

/// All limits as they hold.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Limits([Setting; Limit::ALL.len()]);

/// What came of what several have asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settled {
    /// What holds.
    pub limits: Limits,
    /// What was asked for and is not given, in words.
    pub refused: Vec<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self(std::array::from_fn(|number| {
            let limit = Limit::ALL[number];
            Setting { limit, value: limit.unset(), setter: Setter::Default }
        }))
    }
}

impl Limits {
    /// How one stands.
    pub fn setting(&self, limit: Limit) -> Setting {
        self.0[limit as usize]
    }

    /// How much of one there is; `u64::MAX` for no bound.
    pub fn get(&self, limit: Limit) -> u64 {
        self.setting(limit).value
    }

    /// The same, for what is counted in memory.
    pub fn count(&self, limit: Limit) -> usize {
        usize::try_from(self.get(limit)).unwrap_or(usize::MAX)
    }

    /// The same limits with one set by the user.
    #[must_use]
    pub fn with(mut self, limit: Limit, value: u64) -> Self {
        self.0[limit as usize] = Setting { limit, value, setter: Setter::User };
        self
    }

    /// The same limits, where `wanted` binds more.
    #[must_use]
    pub fn within(mut self, wanted: &Wanted, setter: Setter) -> Self {
        for (limit, value) in wanted.iter() {
            let setting = &mut self.0[limit as usize];
            if limit.is_stricter(value, setting.value) {
                *setting = Setting { limit, value, setter };
            }
        }
        self
    }

    /// What holds: the user's word, else the default; where the project wants less, that; and never more than the owner of
    /// the host lets anybody have. `trusted` projects get more than the default too, where the user says nothing.
    pub fn settle(project: &Wanted, trusted: bool, user: &Wanted, owner: &Wanted) -> Settled {
        let mut limits = Self::default();
        for (limit, value) in user.iter() {
            limits.0[limit as usize] = Setting { limit, value, setter: Setter::User };
        }
        let mut refused = vec![];
        for (limit, value) in project.iter().filter(|(limit, _)| limit.per() != Per::Host) {
            let setting = &mut limits.0[limit as usize];
            let more = limit.is_stricter(setting.value, value);
            if limit.is_stricter(value, setting.value) || more && trusted && setting.setter == Setter::Default {
                *setting = Setting { limit, value, setter: Setter::Project };
            } else if more && setting.setter == Setter::Default {
                refused.push(format!(
                    "`stepbox.yaml` asks for `{limit}` of {}, and it stays at {}: `--limit {limit}={}` or `stepbox trust` \
                     allows it",
                    limit.show(value),
                    limit.show(setting.value),
                    limit.show(value).replace(' ', ""),
                ));
            }
        }
        for (limit, value) in owner.iter() {
            let setting = limits.setting(limit);
            if setting.setter != Setter::Default && limit.is_stricter(value, setting.value) {
                refused.push(format!(
                    "`{limit}` of {} is not given: the policy of this host allows {}",
                    limit.show(setting.value),
                    limit.show(value)
                ));
            }
        }
        Settled { limits: limits.within(owner, Setter::Owner), refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(texts: &[&str]) -> Wanted {
        let mut wanted = Wanted::new();
        texts.iter().for_each(|text| wanted.assign(text).expect("a limit"));
        wanted
    }

    fn memory(project: &[&str], trusted: bool, user: &[&str], owner: &[&str]) -> (String, Vec<String>) {
        let settled = Limits::settle(&wanted(project), trusted, &wanted(user), &wanted(owner));
        (settled.limits.setting(Limit::Memory).words(), settled.refused)
    }

    #[test]
    fn the_smaller_wins_and_the_word_of_the_owner_is_final() {
        let of = |value: &str, how: &str| format!("the limit `memory` of {value} for one command ({how})");
        let nothing: Vec<String> = vec![];
        let flag = "`--limit memory=…` changes it";
        assert_eq!(memory(&[], false, &[], &[]), (of("1 GiB", flag), nothing.clone()));
        assert_eq!(memory(&[], false, &["memory=2GiB"], &[]), (of("2 GiB", flag), nothing.clone()));
        assert_eq!(
            memory(&["memory=64MiB"], false, &["memory=2GiB"], &[]),
            (of("64 MiB", "set in `stepbox.yaml`"), nothing.clone())
        );
        assert_eq!(
            memory(&["memory=64MiB"], false, &[], &["memory=32MiB"]),
            (
                of("32 MiB", "set by the policy of this host"),
                vec!["`memory` of 64 MiB is not given: the policy of this host allows 32 MiB".to_owned()]
            )
        );
        assert_eq!(memory(&[], false, &[], &["memory=2GiB"]), (of("1 GiB", flag), nothing.clone()));
        assert_eq!(
            memory(&[], false, &[], &["memory=32MiB"]),
            (of("32 MiB", "set by the policy of this host"), nothing.clone())
        );
    }

    #[test]
    fn a_project_that_asks_for_more_gets_it_when_it_is_trusted_and_nobody_says_otherwise() {
        let (words, refused) = memory(&["memory=2GiB"], false, &[], &[]);
        assert!(words.contains("of 1 GiB"), "{words}");
        let told = "`stepbox.yaml` asks for `memory` of 2 GiB, and it stays at 1 GiB: `--limit memory=2GiB` or `stepbox trust` allows it";
        assert_eq!(refused, [told]);
        let (words, refused) = memory(&["memory=2GiB"], true, &[], &[]);
        assert_eq!((words.contains("of 2 GiB"), refused), (true, vec![]));
        let (words, _) = memory(&["memory=2GiB"], true, &["memory=1536MiB"], &[]);
        assert!(words.contains("of 1536 MiB"), "{words}");
        let (words, _) = memory(&["memory=2GiB"], true, &[], &["memory=64MiB"]);
        assert!(words.contains("of 64 MiB"), "{words}");
    }

    #[test]
    fn of_niceness_the_greater_one_holds() {
        let settled = Limits::settle(&wanted(&["niceness=5"]), false, &Wanted::new(), &wanted(&["niceness=10"]));
        assert_eq!(settled.limits.get(Limit::Niceness), 10);
        let settled = Limits::settle(&Wanted::new(), false, &wanted(&["niceness=15"]), &wanted(&["niceness=10"]));
        assert_eq!((settled.limits.get(Limit::Niceness), settled.refused), (15, vec![]));
    }

    #[test]
    fn limits_travel_whole() {
        let limits = Limits::default().with(Limit::Memory, 64 << 20);
        let bytes = postcard::to_stdvec(&limits).expect("writes");
        assert_eq!(postcard::from_bytes::<Limits>(&bytes).expect("reads"), limits);
        for (number, limit) in Limit::ALL.iter().enumerate() {
            assert_eq!((*limit as usize, Limit::named(limit.name())), (number, Some(*limit)));
            assert!(limit.unset() >= limit.least(), "{limit}");
        }
    }
}

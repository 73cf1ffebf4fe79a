//! The variables that Stepbox sets (rule V16): `CF_…` as far as they can be known without a server, and `CI`.

use crate::working_directory::VOLUME_PATH;

/// Every variable that Codefresh sets (section 3.3 of the specification), whether or not it can be known here.
pub(crate) const KNOWN: [&str; 48] = [
    "CI",
    "CF_REPO_OWNER",
    "CF_REPO_NAME",
    "CF_BRANCH",
    "CF_BRANCH_TAG_NORMALIZED",
    "CF_BRANCH_TAG_NORMALIZED_LOWER_CASE",
    "CF_BRANCH_VERSION_NORMALIZED",
    "CF_BASE_BRANCH",
    "CF_REVISION",
    "CF_SHORT_REVISION",
    "CF_COMMIT_AUTHOR",
    "CF_COMMIT_URL",
    "CF_COMMIT_MESSAGE",
    "CF_COMMIT_MESSAGE_ESCAPED",
    "CF_PULL_REQUEST_ACTION",
    "CF_PULL_REQUEST_ID",
    "CF_PULL_REQUEST_NUMBER",
    "CF_PULL_REQUEST_TARGET",
    "CF_PULL_REQUEST_LABELS",
    "CF_PULL_REQUEST_TITLE",
    "CF_PULL_REQUEST_TITLE_ESCAPED",
    "CF_PULL_REQUEST_COMMENT",
    "CF_PULL_REQUEST_COMMENT_AUTHOR",
    "CF_PULL_REQUEST_MERGED",
    "CF_PULL_REQUEST_HEAD_BRANCH",
    "CF_PULL_REQUEST_MERGED_COMMIT_SHA",
    "CF_PULL_REQUEST_HEAD_COMMIT_SHA",
    "CF_GERRIT_CHANGE_TOPIC",
    "CF_RELEASE_NAME",
    "CF_RELEASE_TAG",
    "CF_RELEASE_ID",
    "CF_PRERELEASE_FLAG",
    "CF_BUILD_ID",
    "CF_BUILD_URL",
    "CF_BUILD_TIMESTAMP",
    "CF_BUILD_TRIGGER",
    "CF_BUILD_INITIATOR",
    "CF_PIPELINE_NAME",
    "CF_STEP_NAME",
    "CF_ACCOUNT",
    "CF_URL",
    "CF_VOLUME_PATH",
    "CF_VOLUME_NAME",
    "CF_KUBECONFIG_PATH",
    "CF_CURRENT_ATTEMPT",
    "CF_MAX_ATTEMPTS",
    "CF_OUTPUT_URL",
    "CF_SKIP_MAIN_CLONE",
];

/// What is known of a build. What is `None` stays undefined, never empty: pipelines test whether it exists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildFacts {
    /// The owner of the repository.
    pub repo_owner: Option<String>,
    /// The name of the repository.
    pub repo_name: Option<String>,
    /// The branch or tag.
    pub branch: Option<String>,
    /// The full hash of the commit.
    pub revision: Option<String>,
    /// The author of the commit.
    pub commit_author: Option<String>,
    /// The message of the commit.
    pub commit_message: Option<String>,
    /// The address of the commit.
    pub commit_url: Option<String>,
    /// The build.
    pub build_id: Option<String>,
    /// When the build was made, in milliseconds since 1970.
    pub build_timestamp: Option<u64>,
    /// Who started the build.
    pub build_initiator: Option<String>,
    /// The pipeline.
    pub pipeline_name: Option<String>,
}

/// The system variables of a build, in a stable order.
#[must_use]
pub fn system_variables(facts: &BuildFacts) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            all.push((name.to_owned(), value));
        }
    };
    set("CI", Some("true".to_owned()));
    set("CF_VOLUME_PATH", Some(VOLUME_PATH.to_owned()));
    set("CF_BUILD_TRIGGER", Some("build".to_owned()));
    set("CF_REPO_OWNER", facts.repo_owner.clone());
    set("CF_REPO_NAME", facts.repo_name.clone());
    set("CF_BRANCH", facts.branch.clone());
    let normalized = facts.branch.as_deref().map(normalize_tag);
    set("CF_BRANCH_TAG_NORMALIZED_LOWER_CASE", normalized.as_deref().map(str::to_lowercase));
    set("CF_BRANCH_TAG_NORMALIZED", normalized);
    set("CF_REVISION", facts.revision.clone());
    set("CF_SHORT_REVISION", facts.revision.as_deref().map(|revision| revision.chars().take(7).collect()));
    set("CF_COMMIT_AUTHOR", facts.commit_author.clone());
    set("CF_COMMIT_MESSAGE", facts.commit_message.as_deref().map(escape_quotes));
    set("CF_COMMIT_MESSAGE_ESCAPED", facts.commit_message.as_deref().map(escape_all));
    set("CF_COMMIT_URL", facts.commit_url.clone());
    set("CF_BUILD_ID", facts.build_id.clone());
    set("CF_BUILD_TIMESTAMP", facts.build_timestamp.map(|milliseconds| milliseconds.to_string()));
    set("CF_BUILD_INITIATOR", facts.build_initiator.clone());
    set("CF_PIPELINE_NAME", facts.pipeline_name.clone());
    all
}

/// A branch as the tag of an image: what a tag may not hold becomes `_`.
fn normalize_tag(branch: &str) -> String {
    branch.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') { c } else { '_' }).collect()
}

fn escape_quotes(text: &str) -> String {
    text.replace('\'', "\\'").replace('"', "\\\"")
}

/// A backslash before whatever means something to a shell; a line break becomes `\n`.
fn escape_all(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if c.is_ascii_punctuation() && !matches!(c, '_' | '-' | '.' | ',' | '/' | ':' | '@' | '%' | '+') => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(facts: &BuildFacts, name: &str) -> Option<String> {
        system_variables(facts).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    fn facts() -> BuildFacts {
        BuildFacts {
            repo_owner: Some("octo".into()),
            repo_name: Some("app".into()),
            branch: Some("Feature/Äx#1".into()),
            revision: Some("0123456789abcdef".into()),
            commit_author: Some("Ann".into()),
            commit_message: Some("Say \"hi\", don't\nstop $(now)".into()),
            commit_url: None,
            build_id: Some("5f".into()),
            build_timestamp: Some(1_700_000_000_123),
            build_initiator: None,
            pipeline_name: Some("p/q".into()),
        }
    }

    #[test]
    fn v16_what_git_and_the_build_say() {
        for (name, expected) in [
            ("CI", "true"),
            ("CF_VOLUME_PATH", "/codefresh/volume"),
            ("CF_BUILD_TRIGGER", "build"),
            ("CF_REPO_OWNER", "octo"),
            ("CF_REPO_NAME", "app"),
            ("CF_BRANCH", "Feature/Äx#1"),
            ("CF_BRANCH_TAG_NORMALIZED", "Feature__x_1"),
            ("CF_BRANCH_TAG_NORMALIZED_LOWER_CASE", "feature__x_1"),
            ("CF_REVISION", "0123456789abcdef"),
            ("CF_SHORT_REVISION", "0123456"),
            ("CF_COMMIT_AUTHOR", "Ann"),
            ("CF_COMMIT_MESSAGE", "Say \\\"hi\\\", don\\'t\nstop $(now)"),
            ("CF_COMMIT_MESSAGE_ESCAPED", "Say \\\"hi\\\", don\\'t\\nstop \\$\\(now\\)"),
            ("CF_BUILD_ID", "5f"),
            ("CF_BUILD_TIMESTAMP", "1700000000123"),
            ("CF_PIPELINE_NAME", "p/q"),
        ] {
            assert_eq!(value(&facts(), name).as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn v16_what_is_not_known_stays_undefined() {
        for name in ["CF_COMMIT_URL", "CF_BUILD_URL", "CF_PULL_REQUEST_ID", "CF_KUBECONFIG_PATH"] {
            assert_eq!(value(&facts(), name), None, "{name}");
        }
        let names: Vec<String> = system_variables(&BuildFacts::default()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["CI", "CF_VOLUME_PATH", "CF_BUILD_TRIGGER"]);
    }
}

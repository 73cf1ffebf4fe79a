//! Where a step runs (rules W1-W9).

use crate::references::References;
use crate::substitute::{SubstituteError, resolve};
use crate::template::Template;
use crate::variables::Variables;

/// The path of the volume in every step.
pub const VOLUME_PATH: &str = "/codefresh/volume";

/// Says: the directory that the image was made with (rule W7).
pub const IMAGE_WORK_DIR: &str = "IMAGE_WORK_DIR";

/// Where a step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingDirectory {
    /// An absolute path without `.` and `..`.
    pub path: String,
    /// Whether it lies on the volume: then it is made if it is missing, else it must be there (rule W9). Links are
    /// not looked at here.
    pub on_volume: bool,
}

impl WorkingDirectory {
    fn new(base: &str, path: &str) -> Self {
        let path = join(base, path);
        let on_volume = path.strip_prefix(VOLUME_PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        Self { path, on_volume }
    }
}

/// The directory of a built-in step. `image_directory` is what the image declares.
///
/// # Errors
/// Where something in the text is not defined: it never becomes the name of a directory.
pub fn working_directory(
    template: Option<&Template>,
    variables: &Variables,
    references: &References,
    image_directory: Option<&str>,
) -> Result<WorkingDirectory, SubstituteError> {
    let base = references.main_clone().unwrap_or(VOLUME_PATH);
    let Some(template) = template else { return Ok(WorkingDirectory::new(VOLUME_PATH, base)) };
    let text = resolve(template, "the working directory", variables, references)?;
    Ok(match text.trim() {
        IMAGE_WORK_DIR => WorkingDirectory::new(VOLUME_PATH, image_directory.unwrap_or(VOLUME_PATH)),
        path => WorkingDirectory::new(&join(VOLUME_PATH, base), path),
    })
}

/// The directory below which a git-clone step makes its clone: the volume unless it says otherwise (rule G1).
///
/// # Errors
/// Where something in the text is not defined.
pub fn clone_parent(
    template: Option<&Template>,
    variables: &Variables,
    references: &References,
) -> Result<WorkingDirectory, SubstituteError> {
    let Some(template) = template else { return Ok(WorkingDirectory::new(VOLUME_PATH, "")) };
    let text = resolve(template, "the working directory", variables, references)?;
    Ok(WorkingDirectory::new(VOLUME_PATH, text.trim()))
}

/// The name of the folder that a repository is cloned into (rule G1): the last part of its address without `.git`.
/// `None` where that is no name for a folder.
#[must_use]
pub fn repository_name(repo: &str) -> Option<&str> {
    let repo = repo.trim().trim_end_matches('/');
    let last = repo.rsplit(['/', ':']).next().unwrap_or(repo);
    let name = last.strip_suffix(".git").unwrap_or(last);
    let bad = name.is_empty() || name == "." || name == ".." || name.contains(['\0', '\\']);
    (!bad).then_some(name)
}

/// Joins and cleans two paths, as the names stand: `..` at the root stays there.
fn join(base: &str, path: &str) -> String {
    let base = if path.starts_with('/') { "" } else { base };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::references::StepFacts;

    fn facts(name: &str, type_name: &str, directory: &str) -> StepFacts {
        StepFacts {
            name: name.into(),
            type_name: type_name.into(),
            working_directory: Some(directory.into()),
            ..StepFacts::default()
        }
    }

    fn at(text: Option<&str>, references: &References, image: Option<&str>) -> (String, bool) {
        let template = text.map(Template::literal);
        let found = working_directory(template.as_ref(), &Variables::new(), references, image).expect("defined");
        (found.path, found.on_volume)
    }

    fn clones() -> References {
        let mut references = References::new();
        references.insert(facts("main_clone", "git-clone", "/codefresh/volume/app"));
        references.insert(facts("clone", "git-clone", "/codefresh/volume/other"));
        references.insert(facts("build", "freestyle", "/codefresh/volume/app/target"));
        references
    }

    #[test]
    fn w1_the_default_is_the_directory_of_main_clone() {
        assert_eq!(at(None, &clones(), None), ("/codefresh/volume/app".into(), true));
    }

    #[test]
    fn w2_without_main_clone_it_is_the_volume() {
        assert_eq!(at(None, &References::new(), None), (VOLUME_PATH.into(), true));
    }

    #[test]
    fn w3_a_clone_step_stands_for_its_directory_and_has_sub_paths() {
        assert_eq!(at(Some("${{clone}}"), &clones(), None).0, "/codefresh/volume/other");
        assert_eq!(at(Some("${{clone}}/sub/dir"), &clones(), None).0, "/codefresh/volume/other/sub/dir");
    }

    #[test]
    fn w4_another_step_stands_for_where_it_ran() {
        assert_eq!(at(Some("${{build}}"), &clones(), None).0, "/codefresh/volume/app/target");
    }

    #[test]
    fn w5_an_absolute_path_is_used_as_it_is() {
        assert_eq!(at(Some("/opt/tool/./x/../y"), &clones(), None), ("/opt/tool/y".into(), false));
        assert_eq!(at(Some("/../.."), &clones(), None), ("/".into(), false));
    }

    #[test]
    fn w6_a_relative_path_begins_at_the_clone_or_the_volume() {
        assert_eq!(at(Some("./sub"), &clones(), None).0, "/codefresh/volume/app/sub");
        assert_eq!(at(Some("sub"), &References::new(), None).0, "/codefresh/volume/sub");
        assert_eq!(at(Some("."), &clones(), None).0, "/codefresh/volume/app");
    }

    #[test]
    fn w7_image_work_dir_is_what_the_image_says() {
        assert_eq!(at(Some("IMAGE_WORK_DIR"), &clones(), Some("/srv")), ("/srv".into(), false));
        assert_eq!(at(Some("IMAGE_WORK_DIR"), &clones(), None).0, VOLUME_PATH);
    }

    #[test]
    fn w8_a_reference_to_parent_steps_outside_of_a_hook_is_an_error() {
        let template = Template::literal("${{parentSteps.clone}}");
        assert!(working_directory(Some(&template), &Variables::new(), &clones(), None).is_err());
        let found = working_directory(Some(&template), &Variables::new(), &clones().for_hook(), None);
        assert_eq!(found.expect("in a hook").path, "/codefresh/volume/other");
    }

    #[test]
    fn w9_what_lies_on_the_volume_is_told() {
        assert!(at(Some("/codefresh/volume"), &clones(), None).1);
        assert!(!at(Some("/codefresh/volume2"), &clones(), None).1);
        assert!(!at(Some("../../x"), &References::new(), None).1);
    }

    #[test]
    fn w3_an_undefined_reference_is_an_error_and_no_directory() {
        let template = Template::literal("${{later}}");
        let error = working_directory(Some(&template), &Variables::new(), &clones(), None).expect_err("undefined");
        assert_eq!(error.to_string(), "`${{later}}` is not defined, so the working directory is not known");
    }

    #[test]
    fn g1_a_clone_lands_below_the_volume_or_its_working_directory() {
        let none = (Variables::new(), References::new());
        let parent = |text: Option<&str>| {
            clone_parent(text.map(Template::literal).as_ref(), &none.0, &none.1).expect("defined").path
        };
        assert_eq!(parent(None), VOLUME_PATH);
        assert_eq!(parent(Some("deep/er")), "/codefresh/volume/deep/er");
        assert_eq!(parent(Some("/abs")), "/abs");
    }

    #[test]
    fn g1_the_folder_is_named_like_the_repository() {
        for (repo, name) in [
            ("owner/name", Some("name")),
            ("https://host/a/b/name.git", Some("name")),
            ("git@host:owner/name.git/", Some("name")),
            ("git@host:name", Some("name")),
            ("owner/..", None),
            ("/", None),
            ("owner/.git", None),
        ] {
            assert_eq!(repository_name(repo), name, "{repo}");
        }
    }
}

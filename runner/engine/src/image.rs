//! What stands for an image (rule F11). In this version that is the toolbox or nobody.

use crate::error::{EngineError, EngineErrorKind};

/// Base images whose steps use nothing but the standard commands, any tag and digest of them.
const ORDINARY: [&str; 22] = [
    "alpine",
    "alpine/git",
    "almalinux",
    "amazonlinux",
    "archlinux",
    "bash",
    "buildpack-deps",
    "busybox",
    "centos",
    "debian",
    "fedora",
    "ghcr.io/jqlang/jq",
    "mikefarah/yq",
    "opensuse/leap",
    "opensuse/tumbleweed",
    "oraclelinux",
    "photon",
    "redhat/ubi8",
    "redhat/ubi9",
    "rockylinux",
    "stedolan/jq",
    "ubuntu",
];

/// Where those images are also called for.
const REGISTRIES: [&str; 6] = [
    "docker.io/",
    "index.docker.io/",
    "registry-1.docker.io/",
    "registry.hub.docker.com/",
    "public.ecr.aws/docker/",
    "mirror.gcr.io/",
];

/// What provides the commands of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Image {
    /// What runs where the step has no commands, before its `cmd` (rule F9).
    pub(crate) entry_point: &'static [&'static str],
    /// What runs where the step has neither commands nor `cmd`.
    pub(crate) command: &'static [&'static str],
    /// What it adds to the environment of its commands.
    pub(crate) environment: &'static [(&'static str, &'static str)],
}

/// Which `yq` an image has: the toolbox knows three programs of that name (`runner/toolbox/data/src/yq`).
const YQ_3: [(&str, &str); 1] = [("STEPBOX_YQ", "3")];
const YQ_4: [(&str, &str); 1] = [("STEPBOX_YQ", "4")];

/// Why an image is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoImage {
    /// Somebody maps it to what is not a target.
    Target {
        /// The name or glob that fits.
        name: String,
        /// What it is mapped to.
        target: String,
    },
    /// It is empty.
    Empty,
    /// Nobody provides it.
    Nobody,
}

/// Finds what stands for an image. `mapped` are names or globs with their targets; the first that fits counts.
pub(crate) fn find(image: &str, mapped: &[(String, String)]) -> Result<Image, NoImage> {
    let image = image.trim();
    if image.is_empty() {
        return Err(NoImage::Empty);
    }
    let name = name_of(image);
    for (pattern, target) in mapped {
        if [image, without_tag(image), name].into_iter().any(|text| matches(pattern, text)) {
            return match target.as_str() {
                "toolbox" => Ok(toolbox(image, name)),
                _ => Err(NoImage::Target { name: pattern.clone(), target: target.clone() }),
            };
        }
    }
    // A name of our own: `image: toolbox`.
    if name == "toolbox" || ORDINARY.contains(&name) { Ok(toolbox(image, name)) } else { Err(NoImage::Nobody) }
}

/// Whether something stands for an image without a pipeline around it.
///
/// # Errors
/// [`EngineErrorKind::Usage`] where nothing does.
pub fn check_image(image: &str) -> Result<(), EngineError> {
    match find(image, &[]) {
        Ok(_) => Ok(()),
        Err(_) => Err(EngineError::new(EngineErrorKind::Usage, format!("nobody provides the image `{image}`"))
            .hint("leave `--image` out for the commands of the toolbox")),
    }
}

fn toolbox(image: &str, name: &str) -> Image {
    let (entry_point, command): (&[_], &[_]) = match name {
        "alpine/git" => (&["git"], &["--help"]),
        "bash" => (&[], &["bash"]),
        "ghcr.io/jqlang/jq" | "stedolan/jq" => (&["jq"], &[]),
        "mikefarah/yq" => (&["yq"], &[]),
        _ => (&[], &["/bin/sh"]),
    };
    let tag = image.strip_prefix(without_tag(image)).unwrap_or_default();
    let environment: &[_] = match name {
        "mikefarah/yq" if tag.starts_with(":3") => &YQ_3,
        "mikefarah/yq" => &YQ_4,
        _ => &[],
    };
    Image { entry_point, command, environment }
}

/// The image without digest and tag.
fn without_tag(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let start = image.rfind('/').map_or(0, |slash| slash + 1);
    image[start..].find(':').map_or(image, |colon| &image[..start + colon])
}

/// The image without digest, tag, and the registry that everybody means.
fn name_of(image: &str) -> &str {
    let mut name = without_tag(image);
    for registry in REGISTRIES {
        name = name.strip_prefix(registry).unwrap_or(name);
    }
    name.strip_prefix("library/").unwrap_or(name)
}

/// `*` is any text, `?` any character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, seen)) => {
                    star = Some((at, seen + 1));
                    p = at + 1;
                    t = seen + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, target)| ((*name).to_owned(), (*target).to_owned())).collect()
    }

    #[test]
    fn f11_the_toolbox_answers_for_ordinary_base_images() {
        for image in [
            "alpine",
            "alpine:3.9",
            "alpine@sha256:00",
            "alpine:3.9@sha256:00",
            "docker.io/library/alpine:latest",
            "library/ubuntu",
            "debian:bookworm-slim",
            "busybox:1",
            "bash:5",
            "alpine/git:v2",
            "public.ecr.aws/docker/library/debian:12",
            " buildpack-deps:curl ",
            "stedolan/jq",
        ] {
            assert!(find(image, &[]).is_ok(), "{image}");
        }
        for image in ["node", "node:18", "me/alpine", "ghcr.io/alpine", "localhost:5000/alpine", "alpine/helm", ":3"] {
            assert_eq!(find(image, &[]), Err(NoImage::Nobody), "{image}");
        }
        assert_eq!(find(" ", &[]), Err(NoImage::Empty));
    }

    #[test]
    fn f11_the_image_says_which_yq_it_has() {
        let mapped = mapped(&[("mikefarah/*", "toolbox")]);
        for (image, dialect) in [
            ("mikefarah/yq:3", "3"),
            ("mikefarah/yq:3.4.1", "3"),
            ("mikefarah/yq", "4"),
            ("docker.io/mikefarah/yq:4", "4"),
        ] {
            for images in [&[][..], &mapped] {
                let found = find(image, images).expect("known");
                assert_eq!(
                    (found.environment, found.entry_point),
                    (&[("STEPBOX_YQ", dialect)][..], &["yq"][..]),
                    "{image}"
                );
            }
        }
        assert_eq!(find("alpine", &[]).expect("known").environment, &[]);
    }

    #[test]
    fn f11_the_first_name_or_glob_that_fits_counts() {
        let all =
            mapped(&[("node:18*", "toolbox"), ("node", "x.wasm"), ("gcr.io/*/tool", "toolbox"), ("p?", "toolbox")]);
        assert!(find("node:18.2", &all).is_ok());
        assert_eq!(find("node:20", &all), Err(NoImage::Target { name: "node".into(), target: "x.wasm".into() }));
        assert!(find("gcr.io/a/b/tool:1", &all).is_ok());
        assert!(find("py:3", &all).is_ok());
        assert_eq!(find("python", &all), Err(NoImage::Nobody));
        assert!(matches("*a*b", "xxayyab") && !matches("*a*b", "xxayyabc") && matches("**", ""));
    }

    #[test]
    fn f9_an_image_says_what_runs_without_commands() {
        assert_eq!(find("alpine/git", &[]).map(|image| image.entry_point), Ok(&["git"][..]));
        assert_eq!(find("alpine", &[]).map(|image| image.command), Ok(&["/bin/sh"][..]));
    }
}

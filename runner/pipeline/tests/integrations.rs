//! Documents against what an account has.

use std::collections::BTreeMap;

use stepbox_pipeline::{GitIntegration, Integrations, RegistryIntegration, Severity, check_integrations};

fn registry(name: &str, kind: &str) -> RegistryIntegration {
    let (name, kind) = (name.to_owned(), kind.to_owned());
    RegistryIntegration { name, provider: kind.clone(), domain: format!("{kind}.example"), kind, default: false }
}

fn account() -> Integrations {
    Integrations {
        git: vec![GitIntegration { name: "hub".to_owned(), default: true }],
        registries: vec![registry("gcr", "google"), registry("gar", "google"), registry("aws", "ecr")],
        clusters: vec!["prod".to_owned()],
        variables: BTreeMap::from([("KNOWN".to_owned(), String::new())]),
        auto_push: false,
        disable_push: false,
    }
}

fn said(step: &str, account: &Integrations) -> Vec<(Severity, String)> {
    let text = format!("version: 1\nsteps:\n  p:\n    type: parallel\n    steps:\n      jim: {step}\n");
    check_integrations(&text, account).into_iter().map(|one| (one.severity, one.message)).collect()
}

#[test]
fn integrations_that_are_named_must_exist() {
    use Severity::{Error, Warning};
    for (step, expected) in [
        ("{type: git-clone, git: hub}", None),
        ("{type: git-clone, git: CF-default}", None),
        ("{type: git-clone, git: other}", Some((Error, "Git 'other' does not exist."))),
        ("{type: git-clone}", Some((Warning, "You are using the default Git integration 'hub'."))),
        ("{type: git-clone, git: '${{KNOWN}}'}", None),
        (
            "{type: git-clone, git: '${{G}}'}",
            Some((
                Warning,
                "Your Git integration uses a variable 'G' that is not configured and will fail without defining it.",
            )),
        ),
        ("{type: push, registry: gcr}", None),
        ("{type: push, registry: a.example}", None),
        ("{type: push, registry: other}", Some((Error, "Registry 'other' does not exist."))),
        ("{type: push, registry: aws, region: us-east-1}", None),
        ("{type: push, registry: aws, region: '${{R}}'}", None),
        ("{type: push, registry: aws, region: here}", Some((Error, "aws region is invalid"))),
        (
            "{type: push, registry: gcr, region: us-east-1}",
            Some((Error, "Unable to specify region with a registry of type: google")),
        ),
        ("{type: build, image_name: a}", Some((Error, "'registry' is required"))),
        ("{type: build, image_name: a, disable_push: true}", None),
        ("{type: build, image_name: A, registry: gcr}", Some((Warning, "\"image_name\" should be in lowercase."))),
        ("{type: build, image_name: 'a/${{B}}', registry: gcr}", None),
        (
            "{type: build, registry: gcr, registry_contexts: [gcr, aws, gar]}",
            Some((Error, "Registry contexts contains registries with same domain 'google.example'")),
        ),
        ("{image: a, registry_context: other}", Some((Error, "Registry 'other' does not exist."))),
        ("{type: deploy, cluster: prod}", None),
        ("{type: deploy, cluster: test}", Some((Error, "Cluster 'test' does not exist."))),
        ("{type: deploy}", Some((Warning, "You are using the default cluster integration."))),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|(severity, text)| (severity, text.to_owned())).collect();
        assert_eq!(said(step, &account()), expected, "{step}");
    }
}

#[test]
fn an_account_without_integrations_says_so() {
    let nothing = Integrations { auto_push: true, ..Integrations::default() };
    for (step, expected) in [
        ("{type: git-clone, git: a}", "You have not added a Git integration."),
        ("{type: push, registry: a}", "You have not added a registry integration."),
        ("{type: deploy, cluster: a}", "You have not added a Kubernetes cluster."),
        ("{type: build, image_name: a}", "The image that will be built will not be pushed"),
        (
            "{type: build, registry: a.b, provider: {type: gcb, arguments: {}}}",
            "provider.arguments.google_app_creds is required",
        ),
    ] {
        let all: Vec<_> = said(step, &nothing).into_iter().map(|(_, message)| message).collect();
        assert_eq!(all, [expected], "{step}");
    }
    assert_eq!(said("{type: build, image_name: a}", &Integrations { disable_push: true, ..nothing }), []);
}

#[test]
fn findings_have_their_step_and_place_and_other_texts_give_none() {
    let text = "version: 1\nsteps:\n  a:\n    type: git-clone\n    arguments: {repo: a/b, git: other}\n";
    let found = check_integrations(text, &account());
    let found: Vec<_> =
        found.iter().map(|one| (one.step.as_deref(), one.path.as_str(), one.place.map(|place| place.line))).collect();
    assert_eq!(found, [(Some("a"), "steps.a.git", Some(5))]);
    for text in ["", "[", "steps: 5", "kind: pipeline"] {
        assert_eq!(check_integrations(text, &account()), [], "{text}");
    }
}

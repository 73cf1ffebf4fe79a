//! From a freestyle step to what the worker runs.

use stepbox_pipeline::{
    CustomVolume, Freestyle, References, Script, Shell, SubstituteError, Template, Unresolved, Variables, Words,
    substitute, working_directory,
};
use stepbox_protocol::{CustomMount, ShellKind, Work};

use crate::image::Image;

/// A freestyle step that can be sent.
pub(crate) struct Prepared {
    /// What it runs.
    pub(crate) work: Work,
    /// Its commands as they run, where it has some.
    pub(crate) script: Option<Script>,
    /// Where it runs.
    pub(crate) directory: String,
    /// Folders of the volume that it sees elsewhere.
    pub(crate) volumes: Vec<CustomMount>,
    /// What is not defined in its commands, and where; it stays as it is (rule V4).
    pub(crate) undefined: Vec<(String, stepbox_pipeline::Place)>,
}

/// Replaces the variables of a step. Its environment must be in `variables` already.
///
/// # Errors
/// In words, where the working directory is not known, a text becomes too long, or a custom volume cannot be. `told` words the
/// errors of texts.
pub(crate) fn prepare(
    step: &Freestyle,
    image: Image,
    variables: &Variables,
    references: &References,
    told: impl Fn(&SubstituteError) -> String,
) -> Result<Prepared, String> {
    let told = |error| told(&error);
    let directory = working_directory(step.working_directory.as_ref(), variables, references, None);
    let directory = directory.map_err(told)?.path;
    let mut texts = Texts { variables, references, undefined: vec![] };
    let mut script = None;
    let work = match &step.commands {
        Some(commands) => {
            let commands = texts.all(commands).map_err(told)?;
            let shell = match step.shell {
                Shell::Sh => ShellKind::Sh,
                Shell::Bash => ShellKind::Bash,
            };
            let script = script.insert(Script::from_commands(commands));
            Work::Script { shell, text: script.text().as_bytes().to_vec() }
        }
        None => Work::Program(program(step, image, &mut texts).map_err(told)?),
    };
    let volumes = texts.all(&step.volumes).map_err(told)?;
    let volumes = CustomVolume::parse_all(volumes.iter().map(String::as_str)).map_err(|error| error.to_string())?;
    let volumes = volumes.into_iter().map(|volume| CustomMount {
        source: volume.source.into_bytes(),
        target: volume.target.into_bytes(),
        read_only: volume.read_only,
    });
    Ok(Prepared { work, script, directory, volumes: volumes.collect(), undefined: texts.undefined })
}

/// What runs without commands (rule F9), as docker puts entry point and command together: a text is for a shell, and an
/// entry point that is a text takes no arguments.
fn program(step: &Freestyle, image: Image, texts: &mut Texts<'_>) -> Result<Vec<Vec<u8>>, SubstituteError> {
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let mut words = match &step.entry_point {
        Some(Words::Text(text)) => return Ok(bytes(vec!["/bin/sh".into(), "-c".into(), texts.one(text)?])),
        Some(Words::List(list)) => texts.all(list)?,
        None => own(image.entry_point),
    };
    match &step.cmd {
        Some(Words::Text(text)) => words.extend(["/bin/sh".into(), "-c".into(), texts.one(text)?]),
        Some(Words::List(list)) => words.extend(texts.all(list)?),
        // A new entry point forgets the image's command.
        None if step.entry_point.is_none() => words.extend(own(image.command)),
        None => {}
    }
    if words.is_empty() {
        words = own(image.command);
    }
    Ok(bytes(words))
}

fn bytes(words: Vec<String>) -> Vec<Vec<u8>> {
    words.into_iter().map(String::into_bytes).collect()
}

struct Texts<'a> {
    variables: &'a Variables,
    references: &'a References,
    undefined: Vec<(String, stepbox_pipeline::Place)>,
}

impl Texts<'_> {
    fn one(&mut self, template: &Template) -> Result<String, SubstituteError> {
        let done = substitute(template, self.variables, self.references)?;
        for Unresolved { name, offset } in done.unresolved {
            self.undefined.push((name, template.place_of_offset(offset)));
        }
        Ok(done.text)
    }

    fn all(&mut self, templates: &[Template]) -> Result<Vec<String>, SubstituteError> {
        templates.iter().map(|template| self.one(template)).collect()
    }
}

#[cfg(test)]
mod tests {
    use stepbox_pipeline::{Pipeline, StepKind};

    use super::*;

    fn work(fields: &str) -> Work {
        let text = format!("version: '1.0'\nsteps:\n  a:\n    image: alpine\n{fields}");
        let reading = Pipeline::read(&text);
        let pipeline = reading.pipeline.unwrap_or_else(|| panic!("{:?}", reading.diagnostics));
        let StepKind::Freestyle(step) = &pipeline.steps[0].kind else { panic!("freestyle") };
        let image = crate::image::find("alpine/git", &[]).expect("known");
        let prepared = prepare(step, image, &Variables::new(), &References::new(), ToString::to_string);
        prepared.expect("defined").work
    }

    fn words(list: &[&str]) -> Work {
        Work::Program(list.iter().map(|word| word.as_bytes().to_vec()).collect())
    }

    #[test]
    fn f5_f8_commands_are_one_script() {
        let expected = Work::Script { shell: ShellKind::Bash, text: b"cd x\npwd ${{NOPE}}\n".to_vec() };
        assert_eq!(work("    shell: bash\n    commands: [cd x, 'pwd ${{NOPE}}']\n"), expected);
    }

    #[test]
    fn f9_entry_point_and_cmd_without_commands() {
        assert_eq!(work(""), words(&["git", "--help"]));
        assert_eq!(work("    cmd: [clone, x]\n"), words(&["git", "clone", "x"]));
        assert_eq!(work("    entry_point: [echo, Hello]\n"), words(&["echo", "Hello"]));
        assert_eq!(work("    entry_point: [echo]\n    cmd: [a, b]\n"), words(&["echo", "a", "b"]));
        assert_eq!(work("    entry_point: echo $HOME\n    cmd: [a]\n"), words(&["/bin/sh", "-c", "echo $HOME"]));
    }
}

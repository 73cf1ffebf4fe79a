//! The terminal in front of a shell inside a build (`run --shell-at`, `--shell-on-failure`).

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use stepbox_engine::{Console, OpenShell, ShellQuestion, Typed};
use stepbox_worker::{Line, LineEditor};

use crate::line_editor::Prompt;
use crate::sanitize::Sanitizer;

/// Asks the person for what the shell wants, on a thread of its own.
#[derive(Clone, Debug)]
pub(crate) struct ShellConsole(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    prompt: Prompt,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    shell: Option<OpenShell>,
    /// What nobody has begun to ask.
    question: Option<ShellQuestion>,
    /// Whether somebody is being asked.
    asking: bool,
    /// Whether the thread runs.
    listens: bool,
}

impl ShellConsole {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared { prompt: Prompt::default(), state: Mutex::default(), changed: Condvar::new() }))
    }

    /// Takes a Ctrl-C, where a shell is open: it is for what that executes.
    pub(crate) fn interrupt(&self) -> bool {
        let state = self.0.lock();
        let Some(shell) = &state.shell else { return false };
        shell.interrupt();
        self.0.prompt.interrupt();
        true
    }
}

impl Console for ShellConsole {
    fn open(&self, shell: OpenShell) {
        let mut state = self.0.lock();
        state.shell = Some(shell);
        if !state.listens {
            let shared = Arc::clone(&self.0);
            // It ends with the program.
            let started = std::thread::Builder::new().name("console".to_owned()).spawn(move || shared.listen());
            state.listens = started.is_ok();
        }
    }

    fn ask(&self, question: ShellQuestion) {
        let mut state = self.0.lock();
        if !state.listens
            && let Some(shell) = &state.shell
        {
            // Nobody can be asked: the shell ends, and the build goes on.
            return shell.answer(&question, Typed::End);
        }
        self.0.withdraw(&mut state);
        state.question = Some(question);
        self.0.changed.notify_all();
    }

    fn close(&self) {
        let mut state = self.0.lock();
        state.shell = None;
        self.0.withdraw(&mut state);
        // What is printed next finds the terminal as it was.
        while state.asking {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn withdraw(&self, state: &mut State) {
        state.question = None;
        if state.asking {
            self.prompt.withdraw();
        }
    }

    fn listen(&self) {
        let mut prompt = self.prompt.clone();
        loop {
            let mut state = self.lock();
            let (question, shell) = loop {
                if let (Some(question), Some(shell)) = (state.question.take(), state.shell.clone()) {
                    break (question, shell);
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            };
            state.asking = true;
            prompt.welcome();
            drop(state);
            let typed = match &question.prompt {
                Some(text) => prompt.line(Sanitizer::default().feed(text).as_bytes()).map(|line| match line {
                    Line::Text(text) => Typed::Text(text),
                    Line::Interrupted => Typed::Interrupted,
                    Line::End => Typed::End,
                }),
                None => prompt.input(),
            };
            // A terminal that fails is one without a person.
            shell.answer(&question, typed.unwrap_or(Typed::End));
            self.lock().asking = false;
            self.changed.notify_all();
        }
    }
}

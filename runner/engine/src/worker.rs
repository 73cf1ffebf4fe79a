//! The worker, seen from the supervisor: started, spoken to, and what became of it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use stepbox_limits::{Limit, Limits};
use stepbox_protocol::{Connection, Event, Receiver, Request, Sender};

use crate::approval::{Answer, Answers, Reply};
use crate::bounds::Bounds;
use crate::error::{EngineError, EngineErrorKind};
use crate::interrupt::Interrupt;
use crate::repository::{Cloned, Told};
use stepbox_volume::io_text;

/// How the worker is started.
#[derive(Clone, Debug)]
pub enum WorkerLaunch {
    /// As a process with an empty environment, the socket as its standard input.
    Process {
        /// The program, an absolute path.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<OsString>,
        /// Whether it locks itself.
        lockdown: Lockdown,
    },
    /// As a thread of this process. For tests: nothing is walled off.
    InProcess(fn(UnixStream)),
}

/// Whether the worker has the kernel keep it from the host (`stepbox_lockdown`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Lockdown {
    /// As far as the kernel can; what it lacks is told once.
    #[default]
    On,
    /// Where the kernel lacks any of it, nothing runs.
    Required,
    /// Not at all, to look for faults.
    Off,
}

impl WorkerLaunch {
    /// Whether the worker is to lock itself. A thread of this process cannot.
    pub(crate) fn lockdown(&self) -> Lockdown {
        match self {
            Self::Process { lockdown, .. } => *lockdown,
            Self::InProcess(_) => Lockdown::Off,
        }
    }
}

/// What the supervisor waits for.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// The worker said something.
    Event(Event),
    /// A thread that clones for a step said something.
    Clone(usize, CloneNews),
    /// Somebody has answered the question about a step.
    Answered(usize, Answer),
    /// The worker is gone: why.
    Gone(String),
    /// The build is to end; how often that was said.
    Interrupted(u32),
    /// The time is up.
    TimedOut,
}

/// What a thread that clones says.
#[derive(Debug)]
pub(crate) enum CloneNews {
    /// On the way.
    Told(Told),
    /// At its end, errors in words.
    Done(Result<Cloned, String>),
}

/// Where threads that clone say something.
pub(crate) struct Mailbox(mpsc::SyncSender<Message>);

impl Mailbox {
    /// Says something about a step. Waits while many things are unheard.
    pub(crate) fn send(&self, step: usize, news: CloneNews) {
        // Nobody is left to listen only where the build is over.
        let _ = self.0.send(Message::Clone(step, news));
    }
}

/// A longer line of the worker's standard error is cut.
const MAX_COMPLAINT: u64 = 4096;

/// How many lines of the worker's standard error are kept.
const MAX_COMPLAINTS: usize = 100;

/// How many events of the worker wait to be heard; then the worker waits.
const QUEUE: usize = 256;

/// How long a worker that was told to end may take.
const PATIENCE: Duration = Duration::from_secs(10);

enum Message {
    Event(Event),
    Clone(usize, CloneNews),
    /// There is an answer to be taken.
    Answered,
    Closed(Option<String>),
    Interrupted(u32),
}

/// A running worker.
pub(crate) struct Worker {
    sender: Sender,
    messages: mpsc::Receiver<Message>,
    queue: mpsc::SyncSender<Message>,
    answers: Answers,
    interrupt: Interrupt,
    child: Option<Child>,
    complaints: Option<thread::JoinHandle<Vec<String>>>,
    gone: Option<String>,
    /// Whether its end is known, and only threads that clone are listened to.
    given_up: bool,
}

impl Worker {
    /// Starts a worker.
    ///
    /// # Errors
    /// [`EngineErrorKind::Worker`].
    pub(crate) fn start(launch: &WorkerLaunch, limits: &Limits, interrupt: &Interrupt) -> Result<Self, EngineError> {
        let broken = |what: &str, error: &std::io::Error| {
            EngineError::new(EngineErrorKind::Worker, format!("cannot start the worker: {what}: {}", io_text(error)))
        };
        let (ours, theirs) = UnixStream::pair().map_err(|error| broken("no socket", &error))?;
        let Connection { sender, receiver } = Connection::new(ours)
            .map_err(|error| EngineError::new(EngineErrorKind::Worker, format!("cannot start the worker: {error}")))?;
        let (mut child, mut complaints) = (None, None);
        match launch {
            WorkerLaunch::Process { program, arguments, lockdown: _ } => {
                // What this process was given itself is not for the worker.
                close_fds::set_fds_cloexec(3, &[]);
                let mut started = Command::new(program)
                    .args(arguments)
                    .env_clear()
                    .current_dir("/")
                    .stdin(Stdio::from(OwnedFd::from(theirs)))
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    // A Ctrl-C is for the supervisor, which ends the worker in order.
                    .process_group(0)
                    .spawn()
                    .map_err(|error| broken(&program.display().to_string(), &error))?;
                if let Some(stderr) = started.stderr.take() {
                    complaints =
                        thread::Builder::new().name("complaints".into()).spawn(move || read_complaints(stderr)).ok();
                }
                child = Some(started);
            }
            WorkerLaunch::InProcess(serve) => {
                let serve = *serve;
                thread::Builder::new()
                    .name("worker".into())
                    .spawn(move || serve(theirs))
                    .map_err(|error| broken("no thread", &error))?;
            }
        }
        // Bounded: a worker that prints faster than anybody listens must wait. Interrupts go another way round a full
        // queue: they block their own thread only as long as the queue is full.
        let (queue, messages) = mpsc::sync_channel(QUEUE);
        let bounds = Bounds::new(limits.get(Limit::Output));
        let interrupts = queue.clone();
        let mailbox = queue.clone();
        thread::Builder::new()
            .name("events".into())
            .spawn(move || forward(receiver, bounds, &queue))
            .map_err(|error| broken("no thread", &error))?;
        interrupt.listen(move |count| {
            // Where the queue is full the count is seen at the next event.
            let _ = interrupts.try_send(Message::Interrupted(count));
        });
        let (interrupt, queue) = (interrupt.clone(), mailbox);
        let answers = Answers::default();
        Ok(Self { sender, messages, queue, answers, interrupt, child, complaints, gone: None, given_up: false })
    }

    /// Sends a request with directories. A worker that is gone is noticed when its answer is waited for.
    pub(crate) fn send(&self, request: &Request, handles: &[&dyn AsFd]) {
        let handles: Vec<BorrowedFd<'_>> = handles.iter().map(|handle| handle.as_fd()).collect();
        let _ = self.sender.send_with(request, &handles);
    }

    /// The way to it for whoever sits before a shell.
    pub(crate) fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Waits for what comes next, at most until `deadline`. `heard` is the number of interrupts that the caller knows of.
    pub(crate) fn next(&mut self, heard: u32, deadline: Option<Instant>) -> Incoming {
        loop {
            let count = self.interrupt.count();
            if count > heard {
                return Incoming::Interrupted(count);
            }
            if let Some((step, answer)) = self.answers.take() {
                return Incoming::Answered(step, answer);
            }
            if let Some(reason) = self.gone.as_ref().filter(|_| !self.given_up) {
                return Incoming::Gone(reason.clone());
            }
            // Asked first: a worker that never falls silent must not outlive its time.
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Incoming::TimedOut;
            }
            let message = match deadline {
                None => self.messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(deadline) => self.messages.recv_timeout(deadline.saturating_duration_since(Instant::now())),
            };
            match message {
                Ok(Message::Event(_)) if self.given_up => {}
                Ok(Message::Event(event)) => return Incoming::Event(event),
                Ok(Message::Clone(step, news)) => return Incoming::Clone(step, news),
                Ok(Message::Interrupted(count)) if count > heard => return Incoming::Interrupted(count),
                // Answers are looked for before anything else.
                Ok(Message::Interrupted(_) | Message::Answered) => {}
                Ok(Message::Closed(error)) => self.gone = Some(self.reason(error)),
                Err(RecvTimeoutError::Timeout) => return Incoming::TimedOut,
                Err(RecvTimeoutError::Disconnected) => self.gone = Some(self.reason(None)),
            }
        }
    }

    /// Where threads that clone say what they do.
    pub(crate) fn mailbox(&self) -> Mailbox {
        Mailbox(self.queue.clone())
    }

    /// Opens the question about a step; the answer comes among everything else.
    pub(crate) fn question(&self, step: usize) -> Reply {
        let queue = self.queue.clone();
        // Where the queue is full the answer is seen at the next event.
        self.answers.open(step, move || drop(queue.try_send(Message::Answered)))
    }

    /// Closes it: a late answer is not heard.
    pub(crate) fn close_question(&self, step: usize) {
        self.answers.close(step);
    }

    /// Ends the worker at once; from now on only threads that clone are heard.
    pub(crate) fn give_up(&mut self) {
        self.kill();
        self.given_up = true;
    }

    /// Ends the worker at once.
    pub(crate) fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let _ = child.kill();
        }
    }

    /// Ends the worker in order, and gives what it said on its standard error.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.send(&Request::Shutdown, &[]);
        let deadline = Instant::now() + PATIENCE;
        while self.gone.is_none() {
            match self.next(u32::MAX, Some(deadline)) {
                Incoming::TimedOut => {
                    self.kill();
                    break;
                }
                Incoming::Event(_)
                | Incoming::Clone(..)
                | Incoming::Answered(..)
                | Incoming::Gone(_)
                | Incoming::Interrupted(_) => {}
            }
        }
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
        self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }

    /// Why the worker is gone.
    fn reason(&mut self, error: Option<String>) -> String {
        if let Some(error) = error {
            // It speaks nonsense: a worker that is broken, or taken over.
            self.kill();
            return format!("the worker broke the protocol: {error}");
        }
        let Some(child) = &mut self.child else { return "the worker ended".to_owned() };
        // The socket is closed, so that nothing is lost.
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                Ok(None) => {
                    let _ = child.kill();
                    return "the worker closed its connection and did not end".to_owned();
                }
                Err(error) => return format!("the worker died: {}", io_text(&error)),
            }
        };
        match (status.signal(), status.code()) {
            (Some(signal), _) => format!("the worker died: signal {signal}"),
            (None, code) => format!("the worker ended with status {}", code.unwrap_or_default()),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.interrupt.forget();
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn forward(mut receiver: Receiver, mut bounds: Bounds, queue: &mpsc::SyncSender<Message>) {
    loop {
        let message = match receiver.receive::<Event>() {
            Ok(Some((event, handles))) => match bounds.check(&event, handles.len()) {
                Ok(()) => Message::Event(event),
                Err(error) => Message::Closed(Some(error)),
            },
            Ok(None) => Message::Closed(None),
            Err(error) => Message::Closed(Some(error.to_string())),
        };
        let last = matches!(message, Message::Closed(_));
        if queue.send(message).is_err() || last {
            return;
        }
    }
}

/// Reads all of a pipe, so that its writer never waits, and keeps the first lines.
fn read_complaints(pipe: impl Read) -> Vec<String> {
    let mut pipe = BufReader::new(pipe);
    let mut lines = vec![];
    loop {
        let mut line = vec![];
        match pipe.by_ref().take(MAX_COMPLAINT).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return lines,
            Ok(_) if lines.len() < MAX_COMPLAINTS => {
                let line = String::from_utf8_lossy(&line);
                if !line.trim().is_empty() {
                    lines.push(line.trim_end().to_owned());
                }
            }
            Ok(_) => {}
        }
    }
}

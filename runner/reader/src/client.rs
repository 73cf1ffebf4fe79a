use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use stepbox_pipeline::yaml::{Node, YamlError, parse};
use stepbox_protocol::{Connection, ProtocolError};

use crate::flat::{FlatNode, rebuild};
use crate::places::Places;
use crate::wire::{Answer, FlatError, Question, WrongSettings};

/// How long one answer may take. Texts are bounded, and so is what it takes to read them.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why something could not be read apart. None of it says anything about the text.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The process cannot be started or spoken to.
    #[error("the process that reads YAML {0}")]
    Process(String),
    /// What it says makes no sense.
    #[error("the process that reads YAML speaks nonsense: {0}")]
    Nonsense(String),
    /// It cannot be locked.
    #[error("the process that reads YAML cannot be locked: {0}")]
    Lockdown(String),
}

impl From<ProtocolError> for ReaderError {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::Io(error) => Self::Process(format!("does not answer: {error}")),
            other => Self::Nonsense(other.to_string()),
        }
    }
}

/// What is wrong with settings, and where.
#[derive(Debug, Eq, PartialEq)]
pub struct SettingsError {
    /// In words.
    pub message: String,
    /// From 1, a line of the text.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

/// How the process is started.
#[derive(Clone, Debug)]
pub struct Way {
    /// The program, an absolute path.
    pub program: PathBuf,
    /// Its arguments; it is to call [`crate::serve`].
    pub arguments: Vec<OsString>,
    /// Whether it locks itself.
    pub lockdown: bool,
    /// Whether it must be able to, in full.
    pub required: bool,
}

/// Reads foreign YAML: apart, or for tests in this process.
#[derive(Clone, Default)]
pub struct Reader {
    apart: Option<Arc<Apart>>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.apart.is_some() { "Reader(apart)" } else { "Reader(here)" })
    }
}

/// The process, while there is one.
struct Apart {
    way: Way,
    running: Mutex<Option<Running>>,
}

/// It ends with this.
struct Running {
    connection: Connection,
    child: Child,
    /// Whether it has said what stands of the wall.
    ready: bool,
}

impl Reader {
    /// Reads in this process, which is right for texts that are trusted as the program itself is.
    #[must_use]
    pub fn here() -> Self {
        Self::default()
    }

    /// Starts a process that reads. It is not waited for until something is to be read.
    ///
    /// # Errors
    /// [`ReaderError::Process`].
    pub fn apart(way: Way) -> Result<Self, ReaderError> {
        let running = Mutex::new(Some(Running::start(&way)?));
        Ok(Self { apart: Some(Arc::new(Apart { way, running })) })
    }

    /// Ends the process, until there is something to read again.
    pub fn rest(&self) {
        if let Some(apart) = &self.apart {
            *apart.running() = None;
        }
    }

    /// Reads a document: the tree, or what is wrong with the text.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn document(&self, text: &str) -> Result<Result<Node, YamlError>, ReaderError> {
        let Some(apart) = &self.apart else { return Ok(parse(text)) };
        match apart.ask(&Question::Document { text: text.to_owned() })? {
            Answer::Document(Ok(flat)) => tree(text, flat).map(Ok),
            Answer::Document(Err(error)) => wrong(text, error).map(Err),
            _ => Err(ReaderError::Nonsense("another answer than was asked for".to_owned())),
        }
    }

    /// Reads settings, which are those that the process was made for.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn settings<T: DeserializeOwned>(&self, text: &str) -> Result<Result<T, SettingsError>, ReaderError> {
        let Some(apart) = &self.apart else {
            return Ok(serde_yaml::from_str(text).map_err(|error| {
                let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
                let message = error.to_string();
                SettingsError {
                    message: message.split(" at line ").next().unwrap_or_default().to_owned(),
                    line,
                    column,
                }
            }));
        };
        match apart.ask(&Question::Settings { text: text.to_owned() })? {
            Answer::Settings(Ok(json)) => {
                serde_json::from_str(&json).map(Ok).map_err(|error| ReaderError::Nonsense(error.to_string()))
            }
            Answer::Settings(Err(WrongSettings { message, line, column })) => {
                let (line, column) = (line as usize, column as usize);
                // Where it is no place of the text, the beginning will do.
                let inside = text.lines().nth(line.wrapping_sub(1)).is_some_and(|found| column <= found.len() + 1);
                let (line, column) = if inside && column > 0 { (line, column) } else { (1, 1) };
                Ok(Err(SettingsError { message, line, column }))
            }
            _ => Err(ReaderError::Nonsense("another answer than was asked for".to_owned())),
        }
    }
}

fn tree(text: &str, flat: Vec<FlatNode>) -> Result<Node, ReaderError> {
    rebuild(text, flat).map_err(|error| ReaderError::Nonsense(error.to_string()))
}

fn wrong(text: &str, error: FlatError) -> Result<YamlError, ReaderError> {
    let places = Places::new(text);
    let place =
        |stretch| places.at(stretch).ok_or_else(|| ReaderError::Nonsense("a place outside of the text".to_owned()));
    Ok(YamlError { kind: error.kind, place: place(error.place)?, other: error.other.map(place).transpose()? })
}

impl Apart {
    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, question: &Question) -> Result<Answer, ReaderError> {
        let mut place = self.running();
        let mut running = match place.take() {
            Some(running) => running,
            None => Running::start(&self.way)?,
        };
        if !running.ready {
            running.ready(&self.way)?;
        }
        running.connection.sender.send(question)?;
        let answer = running.receive()?;
        // One that failed is not asked again.
        *place = Some(running);
        Ok(answer)
    }
}

impl Running {
    fn start(way: &Way) -> Result<Self, ReaderError> {
        let failed = |error: std::io::Error| ReaderError::Process(format!("cannot be started: {error}"));
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        ours.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        ours.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        // What this process was given itself is not for it.
        close_fds::set_fds_cloexec(3, &[]);
        let child = Command::new(&way.program)
            .args(&way.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let running = Self { connection: Connection::new(ours)?, child, ready: false };
        running.connection.sender.send(&Question::Begin { lockdown: way.lockdown })?;
        Ok(running)
    }

    /// Looks whether it has locked itself as it must.
    fn ready(&mut self, way: &Way) -> Result<(), ReaderError> {
        match (self.receive()?, way.lockdown) {
            (Answer::Ready(Some(Some(missing))), true) if way.required => {
                return Err(ReaderError::Lockdown(format!("the kernel lacks {missing}")));
            }
            (Answer::Ready(None), true) => return Err(ReaderError::Lockdown("it has not done so".to_owned())),
            (Answer::Ready(_), _) => self.ready = true,
            _ => return Err(ReaderError::Nonsense("it spoke before it was ready".to_owned())),
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<Answer, ReaderError> {
        match self.connection.receiver.receive::<Answer>()? {
            Some((answer, handles)) if handles.is_empty() => Ok(answer),
            Some(_) => Err(ReaderError::Nonsense("an answer with handles".to_owned())),
            None => {
                let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
                Err(ReaderError::Process(format!("has died: {status}")))
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It holds nothing that could be lost.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

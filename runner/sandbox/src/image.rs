use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Mutex;

use stepbox_system::VirtualPath;

/// The directories in which the image's commands stand, as `PATH` names them in a container.
pub const COMMAND_DIRECTORIES: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Opens the compiled module.
type OpenCompiled = Box<dyn FnOnce() -> std::io::Result<File> + Send>;

/// What a step's `image:` names: here, one module that is all of its commands, chosen by their name in `argv[0]`.
pub struct Image {
    commands: BTreeSet<&'static str>,
    /// The compiled module, until it is loaded.
    pub(crate) compiled: Mutex<Option<OpenCompiled>>,
    /// The module itself, for a host that does not take the compiled one.
    pub(crate) wasm: Box<dyn Fn() -> std::io::Result<Vec<u8>> + Send + Sync>,
}

impl Image {
    /// An image of one module: compiled code (see [`stepbox_codegen::load`] for what that promises), which is asked for at most
    /// once, when the first command runs; the module
    /// to compile where the host refuses it, and the names of its commands.
    pub fn new(
        compiled: impl FnOnce() -> std::io::Result<File> + Send + 'static,
        wasm: impl Fn() -> std::io::Result<Vec<u8>> + Send + Sync + 'static,
        commands: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        Self {
            commands: commands.into_iter().collect(),
            compiled: Mutex::new(Some(Box::new(compiled))),
            wasm: Box::new(wasm),
        }
    }

    /// An image of one module that is no set of commands, to be compiled when it is first run.
    pub fn of_module(wasm: Vec<u8>) -> Self {
        Self { commands: BTreeSet::new(), compiled: Mutex::new(None), wasm: Box::new(move || Ok(wasm.clone())) }
    }

    /// An image without commands.
    pub(crate) fn empty() -> Self {
        Self {
            commands: BTreeSet::new(),
            compiled: Mutex::new(None),
            wasm: Box::new(|| Err(std::io::ErrorKind::NotFound.into())),
        }
    }

    /// The names of its commands, sorted.
    pub fn commands(&self) -> &BTreeSet<&'static str> {
        &self.commands
    }

    /// The command that stands at `path` (normalized), if one does.
    pub(crate) fn command_at(&self, path: &VirtualPath) -> Option<&'static str> {
        let name = std::str::from_utf8(path.file_name()?).ok()?;
        if !is_command_directory(&path.parent()) {
            return None;
        }
        self.commands.get(name).copied()
    }
}

/// Whether the image's commands stand in `directory` (normalized).
pub(crate) fn is_command_directory(directory: &VirtualPath) -> bool {
    COMMAND_DIRECTORIES.iter().any(|known| known.as_bytes() == directory.as_bytes())
}

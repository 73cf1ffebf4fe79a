use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Mutex;

use stepbox_system::VirtualPath;

/// The directories in which the image's commands stand, as `PATH` names them in a container.
pub const COMMAND_DIRECTORIES: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Opens the compiled module.
type OpenCompiled = Box<dyn FnOnce() -> std::io::Result<File> + Send>;

/// What a step's `image:` names: modules, each of them all of its commands, chosen by their name in `argv[0]`.
pub struct Image {
    /// The commands, and which module each is in.
    commands: BTreeMap<&'static str, usize>,
    pub(crate) modules: Vec<ImageModule>,
}

/// A module of an image.
pub(crate) struct ImageModule {
    /// The compiled module, until it is loaded.
    pub(crate) compiled: Mutex<Option<OpenCompiled>>,
    /// The module itself, for a host that does not take the compiled one.
    pub(crate) wasm: Box<dyn Fn() -> std::io::Result<Vec<u8>> + Send + Sync>,
}

impl Image {
    /// An image of one module: see [`Image::with`].
    pub fn new(
        compiled: impl FnOnce() -> std::io::Result<File> + Send + 'static,
        wasm: impl Fn() -> std::io::Result<Vec<u8>> + Send + Sync + 'static,
        commands: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        Self::empty().with(compiled, wasm, commands)
    }

    /// Adds a module: compiled code (see [`stepbox_codegen::load`] for what that promises), which is asked for at most
    /// once, when the first command of it runs; the module to compile where the host refuses it, and the names of its commands.
    #[must_use]
    pub fn with(
        mut self,
        compiled: impl FnOnce() -> std::io::Result<File> + Send + 'static,
        wasm: impl Fn() -> std::io::Result<Vec<u8>> + Send + Sync + 'static,
        commands: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        self.commands.extend(commands.into_iter().map(|name| (name, self.modules.len())));
        self.modules.push(ImageModule { compiled: Mutex::new(Some(Box::new(compiled))), wasm: Box::new(wasm) });
        self
    }

    /// An image of one module that is no set of commands, to be compiled when it is first run.
    pub fn of_module(wasm: Vec<u8>) -> Self {
        let module = ImageModule { compiled: Mutex::new(None), wasm: Box::new(move || Ok(wasm.clone())) };
        Self { commands: BTreeMap::new(), modules: vec![module] }
    }

    /// An image without commands.
    pub fn empty() -> Self {
        Self { commands: BTreeMap::new(), modules: vec![] }
    }

    /// The names of its commands, sorted.
    pub fn commands(&self) -> impl Iterator<Item = &'static str> {
        self.commands.keys().copied()
    }

    /// The command that stands at `path` (normalized), if one does, and its module.
    pub(crate) fn command_at(&self, path: &VirtualPath) -> Option<(&'static str, usize)> {
        let name = std::str::from_utf8(path.file_name()?).ok()?;
        if !is_command_directory(&path.parent()) {
            return None;
        }
        self.commands.get_key_value(name).map(|(name, module)| (*name, *module))
    }
}

/// Whether the image's commands stand in `directory` (normalized).
pub(crate) fn is_command_directory(directory: &VirtualPath) -> bool {
    COMMAND_DIRECTORIES.iter().any(|known| known.as_bytes() == directory.as_bytes())
}

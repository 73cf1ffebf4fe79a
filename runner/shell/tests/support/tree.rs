//! A file tree in memory.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use stepbox_system::{
    Access, CancelToken, DirEntry, FileKind, FileObject, Metadata, NullFile, OpenFile, OpenOptions, Vfs, VirtualPath,
};

const ENOENT: i32 = 2;
const EEXIST: i32 = 17;
const ENOTDIR: i32 = 20;
const EISDIR: i32 = 21;
const EINVAL: i32 = 22;
const ENOTEMPTY: i32 = 39;
const ELOOP: i32 = 40;

fn code(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

#[derive(Clone)]
struct Node {
    content: Content,
    mode: u32,
    inode: u64,
    modified: u64,
}

#[derive(Clone)]
enum Content {
    File(Arc<Mutex<Vec<u8>>>),
    Directory,
    Symlink(Vec<u8>),
    Null,
}

/// The tree: normalized paths and what stands there.
pub struct Tree(Mutex<State>);

struct State {
    nodes: BTreeMap<Vec<u8>, Node>,
    /// Counts what was made, for inodes and times.
    made: u64,
}

impl Tree {
    /// `/`, `/bin`, `/dev/null`, `/home`, `/tmp` and `/work`.
    pub fn new() -> Arc<Self> {
        let tree = Self(Mutex::new(State { nodes: BTreeMap::new(), made: 0 }));
        for directory in ["/", "/bin", "/dev", "/home", "/tmp", "/work"] {
            tree.put(directory.as_bytes(), Content::Directory, 0o755);
        }
        tree.put(b"/dev/null", Content::Null, 0o666);
        Arc::new(tree)
    }

    fn put(&self, path: &[u8], content: Content, mode: u32) {
        let mut state = self.0.lock().unwrap();
        state.made += 1;
        let (inode, modified) = (state.made, state.made);
        state.nodes.insert(path.to_vec(), Node { content, mode, inode, modified });
    }

    /// Makes a file, and the directories above it.
    pub fn file(&self, path: &str, data: &[u8], mode: u32) {
        let path = VirtualPath::new(path).unwrap().normalized();
        let mut above = path.parent();
        while !self.0.lock().unwrap().nodes.contains_key(above.as_bytes()) {
            self.put(above.as_bytes(), Content::Directory, 0o755);
            above = above.parent();
        }
        self.put(path.as_bytes(), Content::File(Arc::new(Mutex::new(data.to_vec()))), mode);
    }

    pub fn symlink(&self, path: &VirtualPath, target: &[u8]) -> io::Result<()> {
        let path = self.locate(path, false)?;
        if self.0.lock().unwrap().nodes.contains_key(path.as_bytes()) {
            return Err(code(EEXIST));
        }
        self.put(path.as_bytes(), Content::Symlink(target.to_vec()), 0o777);
        Ok(())
    }

    pub fn make_directory(&self, path: &VirtualPath, mode: u32) -> io::Result<()> {
        let path = self.locate(path, false)?;
        if self.0.lock().unwrap().nodes.contains_key(path.as_bytes()) {
            return Err(code(EEXIST));
        }
        self.put(path.as_bytes(), Content::Directory, mode);
        Ok(())
    }

    pub fn change_mode(&self, path: &VirtualPath, mode: u32) -> io::Result<()> {
        let path = self.locate(path, true)?;
        self.0.lock().unwrap().nodes.get_mut(path.as_bytes()).ok_or_else(|| code(ENOENT))?.mode = mode;
        Ok(())
    }

    pub fn remove(&self, path: &VirtualPath) -> io::Result<()> {
        let path = self.locate(path, false)?;
        let mut state = self.0.lock().unwrap();
        let below = [path.as_bytes(), b"/"].concat();
        if state.nodes.keys().any(|known| known.starts_with(&below)) {
            return Err(code(ENOTEMPTY));
        }
        state.nodes.remove(path.as_bytes()).map(drop).ok_or_else(|| code(ENOENT))
    }

    /// The contents of a file, for a test's look afterwards.
    pub fn contents(&self, path: &str) -> Option<Vec<u8>> {
        match &self.0.lock().unwrap().nodes.get(path.as_bytes())?.content {
            Content::File(data) => Some(data.lock().unwrap().clone()),
            _ => None,
        }
    }

    /// Where a path leads: every link but (without `follow`) the last one is followed.
    fn locate(&self, path: &VirtualPath, follow: bool) -> io::Result<VirtualPath> {
        let state = self.0.lock().unwrap();
        let mut open: Vec<Vec<u8>> = path.components().map(<[u8]>::to_vec).collect();
        open.reverse();
        let mut at = VirtualPath::root();
        let mut hops = 0;
        while let Some(part) = open.pop() {
            if part == b".." {
                at = at.parent();
                continue;
            }
            match state.nodes.get(at.as_bytes()).map(|node| &node.content) {
                Some(Content::Directory) => {}
                Some(_) => return Err(code(ENOTDIR)),
                None => return Err(code(ENOENT)),
            }
            let next = at.join(&part).unwrap();
            match state.nodes.get(next.as_bytes()).map(|node| &node.content) {
                Some(Content::Symlink(target)) if follow || !open.is_empty() || path.has_trailing_slash() => {
                    hops += 1;
                    if hops > 40 {
                        return Err(code(ELOOP));
                    }
                    if target.starts_with(b"/") {
                        at = VirtualPath::root();
                    }
                    let parts = target.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
                    open.extend(parts.map(<[u8]>::to_vec).collect::<Vec<_>>().into_iter().rev());
                }
                _ => at = next,
            }
        }
        Ok(at)
    }

    fn node(&self, path: &VirtualPath, follow: bool) -> io::Result<Node> {
        let at = self.locate(path, follow)?;
        let node = self.0.lock().unwrap().nodes.get(at.as_bytes()).cloned().ok_or_else(|| code(ENOENT))?;
        if path.has_trailing_slash() && !matches!(node.content, Content::Directory) {
            return Err(code(ENOTDIR));
        }
        Ok(node)
    }
}

impl Node {
    fn metadata(&self) -> Metadata {
        let (kind, size) = match &self.content {
            Content::File(data) => (FileKind::File, data.lock().unwrap().len()),
            Content::Directory => (FileKind::Directory, 4096),
            Content::Symlink(target) => (FileKind::Symlink, target.len()),
            Content::Null => (FileKind::CharacterDevice, 0),
        };
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(self.modified);
        let mode = self.mode;
        Metadata { kind, size: size as u64, mode, links: 1, device: 1, inode: self.inode, modified, accessed: modified }
    }
}

impl Vfs for Tree {
    fn open(&self, path: &VirtualPath, options: &OpenOptions) -> io::Result<OpenFile> {
        let at = self.locate(path, true)?;
        let found = self.0.lock().unwrap().nodes.get(at.as_bytes()).cloned();
        let node = match found {
            Some(_) if options.create_new => return Err(code(EEXIST)),
            Some(node) => node,
            None if options.create || options.create_new => {
                self.node(&at.parent(), true)?;
                self.put(at.as_bytes(), Content::File(Arc::default()), options.mode);
                self.node(&at, true)?
            }
            None => return Err(code(ENOENT)),
        };
        match &node.content {
            Content::Null => Ok(OpenFile::new(NullFile)),
            Content::Directory if options.write => Err(code(EISDIR)),
            Content::Directory | Content::Symlink(_) => Ok(OpenFile::new(OpenDirectory(node.metadata()))),
            Content::File(data) => {
                if options.truncate {
                    data.lock().unwrap().clear();
                }
                let append = options.append;
                let (data, metadata) = (Arc::clone(data), node.metadata());
                Ok(OpenFile::new(Handle { data, offset: Mutex::new(0), append, metadata }))
            }
        }
    }

    fn metadata(&self, path: &VirtualPath, follow: bool) -> io::Result<Metadata> {
        Ok(self.node(path, follow)?.metadata())
    }

    fn read_dir(&self, path: &VirtualPath) -> io::Result<Vec<DirEntry>> {
        let at = self.locate(path, true)?;
        match self.node(&at, true)?.content {
            Content::Directory => {}
            _ => return Err(code(ENOTDIR)),
        }
        let state = self.0.lock().unwrap();
        let entries = state.nodes.iter().filter_map(|(known, node)| {
            let name = VirtualPath::new(known.clone()).unwrap().strip_prefix(&at)?.to_vec();
            let direct = !name.is_empty() && !name.contains(&b'/');
            direct.then(|| DirEntry { name, kind: node.metadata().kind })
        });
        Ok(entries.collect())
    }

    fn read_link(&self, path: &VirtualPath) -> io::Result<Vec<u8>> {
        match self.node(path, false)?.content {
            Content::Symlink(target) => Ok(target),
            _ => Err(code(EINVAL)),
        }
    }

    fn canonicalize(&self, path: &VirtualPath) -> io::Result<VirtualPath> {
        self.node(path, true)?;
        self.locate(path, true)
    }

    fn access(&self, path: &VirtualPath, access: Access) -> bool {
        self.node(path, true).is_ok_and(|node| access != Access::Execute || node.mode & 0o111 != 0)
    }
}

struct OpenDirectory(Metadata);

impl FileObject for OpenDirectory {
    fn read(&self, _: &mut [u8], _: &CancelToken) -> io::Result<usize> {
        Err(code(EISDIR))
    }

    fn write(&self, _: &[u8], _: &CancelToken) -> io::Result<usize> {
        Err(code(9))
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(self.0.clone())
    }

    fn kind(&self) -> FileKind {
        FileKind::Directory
    }
}

struct Handle {
    data: Arc<Mutex<Vec<u8>>>,
    offset: Mutex<usize>,
    append: bool,
    metadata: Metadata,
}

impl FileObject for Handle {
    fn read(&self, buffer: &mut [u8], _: &CancelToken) -> io::Result<usize> {
        let (data, mut offset) = (self.data.lock().unwrap(), self.offset.lock().unwrap());
        let rest = data.get(*offset..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        *offset += count;
        Ok(count)
    }

    fn write(&self, bytes: &[u8], _: &CancelToken) -> io::Result<usize> {
        let (mut data, mut offset) = (self.data.lock().unwrap(), self.offset.lock().unwrap());
        let at = if self.append { data.len() } else { *offset };
        if data.len() < at + bytes.len() {
            data.resize(at + bytes.len(), 0);
        }
        data[at..at + bytes.len()].copy_from_slice(bytes);
        *offset = at + bytes.len();
        Ok(bytes.len())
    }

    fn seek(&self, position: io::SeekFrom) -> io::Result<u64> {
        let (data, mut offset) = (self.data.lock().unwrap(), self.offset.lock().unwrap());
        let to = match position {
            io::SeekFrom::Start(to) => i64::try_from(to).unwrap(),
            io::SeekFrom::End(by) => i64::try_from(data.len()).unwrap() + by,
            io::SeekFrom::Current(by) => i64::try_from(*offset).unwrap() + by,
        };
        *offset = usize::try_from(to).map_err(|_| code(EINVAL))?;
        Ok(to.cast_unsigned())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata { size: self.data.lock().unwrap().len() as u64, ..self.metadata.clone() })
    }

    fn kind(&self) -> FileKind {
        FileKind::File
    }
}

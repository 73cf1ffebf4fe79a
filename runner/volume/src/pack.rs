use std::fs::File;
use std::io::Read;

use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use sha2::{Digest as _, Sha256};

use crate::error::Context;
use crate::index::{Entry, Index, Kind, in_order};
use crate::layer::{FRAME, LARGE_FRAME, LayerWriter, Written};
use crate::tar::{BLOCK, Member, TRAILER, header};
use crate::walk::{Found, FoundKind, asked_mode, walk};
use crate::{Digest, StoreFs, VolumeError, VolumeErrorKind};

/// The names of what [`pack`] leaves in the staging directory.
const LAYER: &str = "layer";
const INDEX: &str = "index";

/// How to pack.
#[derive(Clone, Debug)]
pub struct PackOptions {
    /// Names at the volume's top that are left out.
    pub exclude: Vec<Vec<u8>>,
    /// Level of zstd.
    pub level: i32,
    /// Threads that compress.
    pub threads: usize,
}

impl Default for PackOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(16);
        Self { exclude: vec![], level: 3, threads }
    }
}

/// A file in the staging directory that is to become a blob.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StagedBlob {
    /// Its name there.
    pub name: String,
    /// Its sha256.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Something that a snapshot cannot keep.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// Where it is, relative to the volume.
    pub path: Vec<u8>,
    /// What it is.
    pub why: String,
}

/// A packed volume, still in the staging directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Packed {
    /// The base layer.
    pub layer: StagedBlob,
    /// The index.
    pub index: StagedBlob,
    /// Digests of layer and index as they are when they are unpacked.
    pub diff_ids: [Digest; 2],
    /// Identity of the volume's state: equal for equal states, however they are stored.
    pub tree_digest: Digest,
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of file contents.
    pub raw_bytes: u64,
    /// What could not be kept.
    pub skipped: Vec<Skipped>,
}

/// Packs the volume `workspace` into `staging`, as two files. The same state gives the same bytes. Nothing may write to
/// the volume meanwhile; `stop` is asked now and then whether to give up.
pub fn pack(
    fs: &dyn StoreFs,
    workspace: &Dir,
    staging: &Dir,
    options: &PackOptions,
    stop: &dyn Fn() -> bool,
) -> Result<Packed, VolumeError> {
    let (found, skipped) = walk(workspace, &options.exclude, stop)?;
    for name in [LAYER, INDEX] {
        fs.remove("pack.clear", staging, name).context("cannot clear the staging directory")?;
    }
    let file = fs.create("pack.layer.create", staging, LAYER).context("cannot make the layer")?;
    let (entries, written) = std::thread::scope(|scope| -> Result<(Vec<Entry>, Written), VolumeError> {
        let (writer, result) = LayerWriter::start(scope, fs, file, options.level, options.threads.max(1));
        let mut stream = Stream { writer, buffer: Vec::with_capacity(2 * FRAME), offset: 0 };
        let entries = stream.entries(workspace, found, stop);
        let ended = stream.end();
        drop(stream);
        let written = result.recv().unwrap_or_else(|_| Err(VolumeError::corrupt("the layer's writer has died")));
        // What went wrong first counts: the reader notices a failed writer only as a closed door.
        match (entries, written) {
            (Ok(entries), Ok(written)) => ended.map(|()| (entries, written)),
            (Err(error), _) if error.kind() != VolumeErrorKind::Cancelled || stop() => Err(error),
            (_, Err(error)) => Err(error),
            (Err(error), Ok(_)) => Err(error),
        }
    })?;
    let index = Index::new(written.digest, written.frames, entries);
    let (blob, index_diff_id) = index.encode()?;
    let mut file = fs.create("pack.index.create", staging, INDEX).context("cannot make the index")?;
    fs.write("pack.index.write", &mut file, &blob).context("cannot write the index")?;
    fs.sync("pack.index.sync", &file).context("cannot write the index")?;
    Ok(Packed {
        layer: StagedBlob { name: LAYER.to_owned(), digest: written.digest, size: written.size },
        index: StagedBlob { name: INDEX.to_owned(), digest: Digest::of(&blob), size: blob.len() as u64 },
        diff_ids: [written.diff_id, index_diff_id],
        tree_digest: index.tree_digest(),
        entries: index.entries.len() as u64,
        raw_bytes: index.raw_bytes(),
        skipped,
    })
}

/// Opens a file that the walk has found.
fn open(root: &Dir, path: &[u8]) -> Result<File, VolumeError> {
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    // Not blocking: something that is no regular file any more must not hold us.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat2(root, path, flags, Mode::empty(), inside);
    Ok(File::from(file.context(format_args!("cannot read `{}`", String::from_utf8_lossy(path)))?))
}

/// The tar stream while it is made: cut into frames at the edges of entries.
struct Stream {
    writer: LayerWriter,
    buffer: Vec<u8>,
    /// Bytes of the stream before the buffer.
    offset: u64,
}

impl Stream {
    fn entries(&mut self, root: &Dir, found: Vec<Found>, stop: &dyn Fn() -> bool) -> Result<Vec<Entry>, VolumeError> {
        let mut entries: Vec<Entry> = Vec::with_capacity(found.len());
        for found in found {
            if stop() {
                return Err(VolumeError::cancelled());
            }
            let Found { path, mut mode, mtime, kind } = found;
            let kind = match kind {
                FoundKind::File { size } => {
                    let file = open(root, &path)?;
                    mode = asked_mode(&file, mode);
                    self.buffer.extend_from_slice(&header(&path, Member::File { size }, mode, mtime));
                    let (digest, offset) = self.contents(file, &path, size, stop)?;
                    Kind::File { size, digest, offset }
                }
                FoundKind::Directory => {
                    self.buffer.extend_from_slice(&header(&path, Member::Directory, mode, mtime));
                    Kind::Directory
                }
                FoundKind::Symlink { target } => {
                    self.buffer.extend_from_slice(&header(&path, Member::Symlink { target: &target }, mode, mtime));
                    Kind::Symlink { target }
                }
                FoundKind::HardLink { target } => {
                    // One file, one mode: that of the entry that holds the contents.
                    let first = entries.binary_search_by(|entry| in_order(&entry.path, &target));
                    mode = first.ok().and_then(|at| entries.get(at)).map_or(mode, |entry| entry.mode);
                    self.buffer.extend_from_slice(&header(&path, Member::HardLink { target: &target }, mode, mtime));
                    Kind::HardLink { target }
                }
            };
            entries.push(Entry { path, mode, mtime, kind });
            if self.buffer.len() >= FRAME {
                self.cut()?;
            }
        }
        Ok(entries)
    }

    /// Appends a file; its digest, and where it begins.
    fn contents(
        &mut self,
        mut file: File,
        path: &[u8],
        size: u64,
        stop: &dyn Fn() -> bool,
    ) -> Result<(Digest, u64), VolumeError> {
        let shown = || format!("cannot read `{}`", String::from_utf8_lossy(path));
        let large = size > LARGE_FRAME as u64;
        if large {
            // A large file begins a frame of its own.
            self.cut()?;
        }
        let offset = self.offset + self.buffer.len() as u64;
        let mut hasher = Sha256::new();
        let mut left = size;
        while left > 0 {
            if stop() {
                return Err(VolumeError::cancelled());
            }
            let begin = self.buffer.len();
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(LARGE_FRAME - if large { begin } else { 0 });
            let count = (&mut file).take(want as u64).read_to_end(&mut self.buffer).context(shown())?;
            if count == 0 {
                let message = format!("`{}` became shorter while it was read", String::from_utf8_lossy(path));
                return Err(VolumeError::new(VolumeErrorKind::Io, message));
            }
            hasher.update(&self.buffer[begin..]);
            left -= count as u64;
            if large && self.buffer.len() >= LARGE_FRAME {
                self.cut()?;
            }
        }
        let end = self.offset + self.buffer.len() as u64;
        let padding = (end.next_multiple_of(BLOCK as u64) - end) as usize;
        self.buffer.resize(self.buffer.len() + padding, 0);
        if large {
            self.cut()?;
        }
        Ok((Digest::finish(hasher), offset))
    }

    /// Closes the frame.
    fn cut(&mut self) -> Result<(), VolumeError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let raw = std::mem::replace(&mut self.buffer, Vec::with_capacity(2 * FRAME));
        self.offset += raw.len() as u64;
        if self.writer.frame(raw) { Ok(()) } else { Err(VolumeError::cancelled()) }
    }

    fn end(&mut self) -> Result<(), VolumeError> {
        self.buffer.extend_from_slice(&TRAILER);
        self.cut()
    }
}

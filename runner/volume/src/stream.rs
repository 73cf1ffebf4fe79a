//! The tar stream of a layer while it is made: cut into frames at the edges of entries.

use std::fs::File;
use std::io::Read;

use cap_std::fs::Dir;
use sha2::{Digest as _, Sha256};

use crate::changes::Source;
use crate::error::Context;
use crate::index::{Entry, Kind, Place, in_order};
use crate::layer::{FRAME, LARGE_FRAME, LayerWriter};
use crate::pack::{open, shorter};
use crate::tar::{BLOCK, Member, TRAILER, header, whiteout};
use crate::walk::{FoundKind, Tree, asked_mode};
use crate::{Digest, VolumeError};

/// What a layer is made from.
pub(crate) struct Contents<'a> {
    pub(crate) root: &'a Dir,
    pub(crate) tree: &'a Tree,
    /// Where each entry comes from; a whole layer has none from a base.
    pub(crate) sources: &'a [Source],
    /// The entries of the base.
    pub(crate) base: &'a [Entry],
    /// Those of them that are removed.
    pub(crate) gone: &'a [usize],
    /// The number of the layer that is made.
    pub(crate) layer: u32,
}

pub(crate) struct Stream {
    writer: LayerWriter,
    buffer: Vec<u8>,
    /// Bytes of the stream before the buffer.
    offset: u64,
}

impl Stream {
    pub(crate) fn new(writer: LayerWriter) -> Self {
        Self { writer, buffer: Vec::with_capacity(2 * FRAME), offset: 0 }
    }

    /// Writes what is read anew and what is removed; all entries of the volume, with their places.
    pub(crate) fn write(
        &mut self,
        contents: &Contents<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Entry>, VolumeError> {
        let mut entries: Vec<Entry> = Vec::with_capacity(contents.tree.found.len());
        // Removals come first: what has a new name in this layer is never taken away by it.
        for gone in contents.gone {
            self.put(&whiteout(&contents.base[*gone].path))?;
        }
        for (found, source) in contents.tree.found.iter().zip(contents.sources) {
            if stop() {
                return Err(VolumeError::cancelled());
            }
            if let Source::Base(number) = source {
                entries.push(contents.base[*number].clone());
                continue;
            }
            let (path, mut mode, mtime) = (&found.path, found.mode, found.mtime);
            let kind = match &found.kind {
                FoundKind::File { size, sparse } => {
                    let file = open(contents.root, path)?;
                    mode = asked_mode(&file, mode);
                    self.buffer.extend_from_slice(&header(path, Member::File { size: *size }, mode, mtime));
                    let (digest, offset) = self.file(file, path, *size, stop)?;
                    let place = Place { layer: contents.layer, offset };
                    Kind::File { size: *size, digest, place, sparse: *sparse }
                }
                FoundKind::Directory => {
                    self.buffer.extend_from_slice(&header(path, Member::Directory, mode, mtime));
                    Kind::Directory
                }
                FoundKind::Symlink { target } => {
                    self.buffer.extend_from_slice(&header(path, Member::Symlink { target }, mode, mtime));
                    Kind::Symlink { target: target.clone() }
                }
                FoundKind::HardLink { target } => {
                    // One file, one mode: that of the entry that holds the contents.
                    let first = entries.binary_search_by(|entry| in_order(&entry.path, target));
                    mode = first.ok().and_then(|at| entries.get(at)).map_or(mode, |entry| entry.mode);
                    self.buffer.extend_from_slice(&header(path, Member::HardLink { target }, mode, mtime));
                    Kind::HardLink { target: target.clone() }
                }
            };
            entries.push(Entry { path: path.clone(), mode, mtime, kind });
            self.put(&[])?;
        }
        Ok(entries)
    }

    /// Appends blocks of an entry; behind them a frame may end.
    pub(crate) fn put(&mut self, head: &[u8]) -> Result<(), VolumeError> {
        self.buffer.extend_from_slice(head);
        if self.buffer.len() >= FRAME { self.cut() } else { Ok(()) }
    }

    /// Appends a file of the volume; its digest, and where it begins.
    fn file(
        &mut self,
        file: File,
        path: &[u8],
        size: u64,
        stop: &dyn Fn() -> bool,
    ) -> Result<(Digest, u64), VolumeError> {
        let shown = || format!("cannot read `{}`", String::from_utf8_lossy(path));
        let mut hasher = Sha256::new();
        let offset = self.contents(size, |buffer, want| {
            if stop() {
                return Err(VolumeError::cancelled());
            }
            let begin = buffer.len();
            if (&file).take(want).read_to_end(buffer).context(shown())? == 0 {
                return Err(shorter(path));
            }
            hasher.update(&buffer[begin..]);
            Ok(())
        })?;
        Ok((Digest::finish(hasher), offset))
    }

    /// Appends the contents of a file, which `more` appends to the buffer: at most as many bytes as it is told, and at
    /// least one. Where they begin.
    pub(crate) fn contents(
        &mut self,
        size: u64,
        mut more: impl FnMut(&mut Vec<u8>, u64) -> Result<(), VolumeError>,
    ) -> Result<u64, VolumeError> {
        let large = size > LARGE_FRAME as u64;
        if large {
            // A large file begins a frame of its own.
            self.cut()?;
        }
        let offset = self.offset + self.buffer.len() as u64;
        let mut left = size;
        while left > 0 {
            let begin = self.buffer.len();
            more(&mut self.buffer, left.min((LARGE_FRAME - if large { begin } else { 0 }) as u64))?;
            left -= (self.buffer.len() - begin) as u64;
            if large && self.buffer.len() >= LARGE_FRAME {
                self.cut()?;
            }
        }
        self.pad();
        if large {
            self.cut()?;
        }
        Ok(offset)
    }

    /// Fills the last block of a file.
    fn pad(&mut self) {
        let end = self.offset + self.buffer.len() as u64;
        let padding = (end.next_multiple_of(BLOCK as u64) - end) as usize;
        self.buffer.resize(self.buffer.len() + padding, 0);
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

    /// Appends the head of an entry whose contents follow.
    pub(crate) fn head(&mut self, head: &[u8]) {
        self.buffer.extend_from_slice(head);
    }

    pub(crate) fn end(&mut self) -> Result<(), VolumeError> {
        self.buffer.extend_from_slice(&TRAILER);
        self.cut()
    }
}

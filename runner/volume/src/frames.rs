//! A layer that is read: any place of its tar stream, from the one frame that holds it.

use std::fs::File;

use crate::error::Context;
use crate::index::Layer;
use crate::layer::first_frame;
use crate::{StoreFs, VolumeError};

/// An open layer; one of which nothing is needed has no file.
pub(crate) struct LayerReader<'a> {
    layer: &'a Layer,
    file: Option<File>,
    /// Where each frame begins in the tar stream, and in the blob.
    raw: Vec<u64>,
    stored: Vec<u64>,
}

/// The frame that a thread has in memory.
pub(crate) struct Scratch {
    decoder: zstd::bulk::Decompressor<'static>,
    current: Option<usize>,
    packed: Vec<u8>,
    data: Vec<u8>,
}

impl Scratch {
    pub(crate) fn new() -> Result<Self, VolumeError> {
        let decoder = zstd::bulk::Decompressor::new().context("cannot decompress")?;
        Ok(Self { decoder, current: None, packed: vec![], data: vec![] })
    }
}

impl<'a> LayerReader<'a> {
    pub(crate) fn new(layer: &'a Layer, file: Option<File>) -> Self {
        let (mut raw, mut stored) = (vec![0], vec![first_frame()]);
        for frame in &layer.frames {
            raw.push(raw[raw.len() - 1] + u64::from(frame.raw));
            stored.push(stored[stored.len() - 1] + u64::from(frame.stored));
        }
        Self { layer, file, raw, stored }
    }

    pub(crate) fn damaged(&self) -> VolumeError {
        VolumeError::corrupt(format!("blob {} is damaged", self.layer.digest))
    }

    /// The blob, for messages.
    pub(crate) fn shown(&self) -> String {
        format!("blob {}", self.layer.digest)
    }

    /// Bytes of the tar stream.
    pub(crate) fn stream_length(&self) -> u64 {
        self.raw[self.raw.len() - 1]
    }

    /// The frame that holds a place.
    pub(crate) fn frame_of(&self, at: u64) -> usize {
        self.raw.partition_point(|begin| *begin <= at).saturating_sub(1)
    }

    /// What the stream has from `at` on, up to `end` or the end of the frame; never empty.
    pub(crate) fn part<'s>(
        &self,
        fs: &dyn StoreFs,
        scratch: &'s mut Scratch,
        at: u64,
        end: u64,
    ) -> Result<&'s [u8], VolumeError> {
        let frame = self.frame_of(at);
        if scratch.current != Some(frame) {
            self.read(fs, frame, scratch)?;
        }
        let (Some(first), Some(last)) = (self.raw.get(frame), self.raw.get(frame + 1)) else {
            return Err(self.damaged());
        };
        let begin = usize::try_from(at - first).unwrap_or(usize::MAX);
        let stop = usize::try_from(end.min(*last) - first).unwrap_or(usize::MAX);
        scratch.data.get(begin..stop).filter(|part| !part.is_empty()).ok_or_else(|| self.damaged())
    }

    fn read(&self, fs: &dyn StoreFs, number: usize, scratch: &mut Scratch) -> Result<(), VolumeError> {
        scratch.current = None;
        let frame = self.layer.frames.get(number).ok_or_else(|| self.damaged())?;
        let file = self.file.as_ref().ok_or_else(|| self.damaged())?;
        scratch.packed.resize(frame.stored as usize, 0);
        match fs.read_frame("unpack.frame.read", file, &mut scratch.packed, self.stored[number]) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(self.damaged()),
            Err(error) => return Err(VolumeError::io(format!("cannot read blob {}", self.layer.digest), error)),
        }
        scratch.data.clear();
        scratch.data.reserve(frame.raw as usize);
        match scratch.decoder.decompress_to_buffer(&scratch.packed, &mut scratch.data) {
            Ok(count) if count == frame.raw as usize => {
                scratch.current = Some(number);
                Ok(())
            }
            _ => Err(self.damaged()),
        }
    }
}

//! A layer: a tar stream as independent zstd frames between two skippable ones, written in order while threads compress.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use sha2::{Digest as _, Sha256};

use crate::error::Context;
use crate::index::Frame;
use crate::{Digest, VolumeError};

/// How much of the tar stream a frame holds: it is closed at the next edge of an entry (measured: 6 % more than one
/// stream, where 256 KiB cost 18 %).
pub(crate) const FRAME: usize = 1 << 20;
/// How much of a large file a frame holds.
pub(crate) const LARGE_FRAME: usize = 4 << 20;
/// The most that a frame may hold, which bounds what a reader must have in memory.
pub(crate) const MAX_FRAME: u32 = 64 << 20;

/// Numbers of skippable frames (the format reserves sixteen).
const HEAD_MAGIC: u32 = 0x184D_2A5B;
const TABLE_MAGIC: u32 = 0x184D_2A5C;
const HEAD: &[u8] = b"stepbox-layer-1\n";

/// What a written layer is.
pub(crate) struct Written {
    pub(crate) digest: Digest,
    pub(crate) diff_id: Digest,
    pub(crate) size: u64,
    pub(crate) frames: Vec<Frame>,
}

/// A frame on its way through a thread that compresses, and back: its raw bytes and what is stored of it.
type Compressed = (Vec<u8>, std::io::Result<Vec<u8>>);

/// Takes raw frames in order; they are compressed and written meanwhile. What is on its way is bounded: a few frames a
/// thread.
pub(crate) struct LayerWriter {
    jobs: SyncSender<(Vec<u8>, SyncSender<Compressed>)>,
    /// Where each frame will come out, in the order of the stream.
    order: SyncSender<Receiver<Compressed>>,
}

impl LayerWriter {
    /// Starts the threads. The result comes out of the receiver when the writer is dropped.
    pub(crate) fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        sink: impl Sink + Send + 'env,
        level: i32,
        threads: usize,
    ) -> (Self, Receiver<Result<Written, VolumeError>>) {
        let (jobs, queue) = sync_channel(1);
        let (order, finished) = sync_channel(threads + 1);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            scope.spawn(move || compress(&queue, level));
        }
        let (result, receiver) = sync_channel(1);
        scope.spawn(move || {
            // Nobody listens where packing has failed already.
            let _ = result.send(write_all(sink, &finished));
        });
        (Self { jobs, order }, receiver)
    }

    /// Hands a frame over; false where writing has failed and nothing more is wanted.
    pub(crate) fn frame(&mut self, raw: Vec<u8>) -> bool {
        let (reply, receiver) = sync_channel(1);
        self.order.send(receiver).is_ok() && self.jobs.send((raw, reply)).is_ok()
    }
}

fn compress(queue: &Mutex<Receiver<(Vec<u8>, SyncSender<Compressed>)>>, level: i32) {
    let mut compressor = zstd::bulk::Compressor::new(level);
    if let Ok(compressor) = &mut compressor
        && let Err(error) = compressor.include_checksum(true)
    {
        // Without its checksum no frame is written.
        return drop(error);
    }
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((raw, reply)) = job else { return };
        let stored = match &mut compressor {
            Ok(compressor) => compressor.compress(&raw),
            Err(error) => Err(std::io::Error::other(error.to_string())),
        };
        // The writer may have failed and gone.
        let _ = reply.send((raw, stored));
    }
}

/// Where the bytes of a layer go.
pub(crate) trait Sink {
    fn write(&mut self, data: &[u8]) -> Result<(), VolumeError>;
    /// All bytes are written.
    fn end(&mut self) -> Result<(), VolumeError>;
}

/// Writes the frames in their order.
fn write_all(mut sink: impl Sink, finished: &Receiver<Receiver<Compressed>>) -> Result<Written, VolumeError> {
    let mut hasher = Sha256::new();
    let mut stream = Sha256::new();
    let mut size = 0u64;
    let mut frames: Vec<Frame> = vec![];
    let mut put = |data: &[u8], size: &mut u64| -> Result<(), VolumeError> {
        sink.write(data)?;
        hasher.update(data);
        *size += data.len() as u64;
        Ok(())
    };
    put(&skippable(HEAD_MAGIC, HEAD), &mut size)?;
    while let Ok(frame) = finished.recv() {
        let (raw, stored) = frame.recv().map_err(|_| VolumeError::corrupt("a thread that compresses has died"))?;
        let stored = stored.context("cannot compress the layer")?;
        stream.update(&raw);
        put(&stored, &mut size)?;
        frames.push(Frame { raw: length(raw.len())?, stored: length(stored.len())? });
    }
    put(&skippable(TABLE_MAGIC, &table(&frames)), &mut size)?;
    sink.end()?;
    Ok(Written { digest: Digest::finish(hasher), diff_id: Digest::finish(stream), size, frames })
}

fn length(bytes: usize) -> Result<u32, VolumeError> {
    u32::try_from(bytes).map_err(|_| VolumeError::corrupt("a frame is larger than 4 GiB"))
}

/// The frame table: for each frame its raw and its stored length, as little-endian 32-bit numbers.
fn table(frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(|frame| [frame.raw.to_le_bytes(), frame.stored.to_le_bytes()]).flatten().collect()
}

fn skippable(magic: u32, data: &[u8]) -> Vec<u8> {
    let mut out = magic.to_le_bytes().to_vec();
    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
    out.extend_from_slice(data);
    out
}

/// Where the first frame begins in a layer.
pub(crate) fn first_frame() -> u64 {
    8 + HEAD.len() as u64
}

/// What a layer has before its frames, and behind them.
pub(crate) fn ends(frames: &[Frame]) -> (Vec<u8>, Vec<u8>) {
    (skippable(HEAD_MAGIC, HEAD), skippable(TABLE_MAGIC, &table(frames)))
}

/// The size of a layer with these frames.
pub(crate) fn layer_size(frames: &[Frame]) -> u64 {
    let stored: u64 = frames.iter().map(|frame| u64::from(frame.stored)).sum();
    first_frame() + stored + 8 + 8 * frames.len() as u64
}

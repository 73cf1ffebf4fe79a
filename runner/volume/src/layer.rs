//! A layer: a tar stream as independent zstd frames between two skippable ones, written in order while threads compress.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use sha2::{Digest as _, Sha256};

use crate::index::Frame;
use crate::{Digest, StoreFs, VolumeError};

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

/// Takes raw frames in order; they are compressed and written meanwhile.
pub(crate) struct LayerWriter {
    jobs: Option<SyncSender<(u64, Vec<u8>)>>,
    next: u64,
}

impl LayerWriter {
    /// Starts the threads. The result comes out of the receiver when the writer is dropped.
    pub(crate) fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        fs: &'env dyn StoreFs,
        file: File,
        level: i32,
        threads: usize,
    ) -> (Self, Receiver<Result<Written, VolumeError>>) {
        let (jobs, queue) = sync_channel::<(u64, Vec<u8>)>(threads * 2);
        let (done, finished) = sync_channel::<(u64, Vec<u8>, std::io::Result<Vec<u8>>)>(threads * 2);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let (queue, done) = (Arc::clone(&queue), done.clone());
            scope.spawn(move || compress(&queue, &done, level));
        }
        let (result, receiver) = sync_channel(1);
        scope.spawn(move || {
            // Nobody listens where packing has failed already.
            let _ = result.send(write_all(fs, file, &finished));
        });
        (Self { jobs: Some(jobs), next: 0 }, receiver)
    }

    /// Hands a frame over; false where writing has failed and nothing more is wanted.
    pub(crate) fn frame(&mut self, raw: Vec<u8>) -> bool {
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send((self.next, raw)).is_ok());
        self.next += 1;
        sent
    }
}

type Job = (u64, Vec<u8>);
type Done = (u64, Vec<u8>, std::io::Result<Vec<u8>>);

fn compress(queue: &Mutex<Receiver<Job>>, done: &SyncSender<Done>, level: i32) {
    let mut compressor = match zstd::bulk::Compressor::new(level).and_then(|mut compressor| {
        compressor.include_checksum(true)?;
        Ok(compressor)
    }) {
        Ok(compressor) => compressor,
        Err(error) => {
            let _ = done.send((0, vec![], Err(error)));
            return;
        }
    };
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, raw)) = job else { return };
        let stored = compressor.compress(&raw);
        if done.send((number, raw, stored)).is_err() {
            return;
        }
    }
}

/// Writes the frames in their order.
fn write_all(fs: &dyn StoreFs, mut file: File, finished: &Receiver<Done>) -> Result<Written, VolumeError> {
    let mut hasher = Sha256::new();
    let mut stream = Sha256::new();
    let mut size = 0u64;
    let mut frames: Vec<Frame> = vec![];
    let mut put = |data: &[u8], size: &mut u64| -> Result<(), VolumeError> {
        fs.write("pack.layer.write", &mut file, data)
            .map_err(|error| VolumeError::io("cannot write the layer", error))?;
        hasher.update(data);
        *size += data.len() as u64;
        Ok(())
    };
    put(&skippable(HEAD_MAGIC, HEAD), &mut size)?;
    let mut waiting = BTreeMap::new();
    while let Ok((number, raw, stored)) = finished.recv() {
        let stored = stored.map_err(|error| VolumeError::io("cannot compress the layer", error))?;
        waiting.insert(number, (raw, stored));
        while let Some((raw, stored)) = waiting.remove(&(frames.len() as u64)) {
            stream.update(&raw);
            put(&stored, &mut size)?;
            frames.push(Frame { raw: raw.len() as u32, stored: stored.len() as u32 });
        }
    }
    put(&skippable(TABLE_MAGIC, &table(&frames)), &mut size)?;
    fs.sync("pack.layer.sync", &file).map_err(|error| VolumeError::io("cannot write the layer", error))?;
    Ok(Written { digest: Digest::finish(hasher), diff_id: Digest::finish(stream), size, frames })
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

//! A worker that speaks the protocol and understands a dozen words instead of a shell.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use cap_std::fs::Dir;
use sha2::{Digest, Sha256};
use stepbox_protocol::{
    Added, BlobDigest, Connection, Event, Failure, FailureKind, OutputStream, PackReport, Receiver, Request, Sender,
    StagedFile, StepEnd, StepReport, StepRequest, VERSION, Work,
};
use stepbox_volume::{HostFs, KnownTree, PackOptions, StagedBlob, UnpackLimits, VolumeErrorKind};

/// Serves one build; its snapshots are texts.
pub(super) fn serve(socket: UnixStream) {
    serve_build(socket, false);
}

/// Serves one build; its snapshots are real ones.
pub(super) fn serve_archives(socket: UnixStream) {
    serve_build(socket, true);
}

fn serve_build(socket: UnixStream, archives: bool) {
    let Connection { sender, mut receiver } = Connection::new(socket).expect("a connection");
    let Some((Request::Setup(setup), handles)) = next(&mut receiver) else { return };
    assert_eq!(setup.version, VERSION);
    let mut handles: Vec<Dir> = handles.into_iter().map(directory).collect();
    // One that only exports has blobs alone.
    let (blobs, staging) = match handles.len() {
        1 => (handles.remove(0), None),
        _ => (handles.remove(1), Some(handles.remove(1))),
    };
    sender.send(&Event::Ready { version: VERSION, wall: None }).expect("sent");
    let mut volume = None;
    while let Some((request, handles)) = next(&mut receiver) {
        let mut handles = handles.into_iter();
        if let Request::Export { manifest } = &request {
            let mut file = std::fs::File::from(handles.next().expect("a file"));
            let digest = stepbox_volume::Digest::from_bytes(manifest.0);
            stepbox_volume::export(&HostFs, &blobs, &digest, &mut file).expect("exports");
        }
        let handle = handles.next().map(directory);
        let answer = match request {
            Request::Unpack { manifest, older } if archives => {
                let noted = older.then(|| handles.next().expect("what was noted"));
                restore(&blobs, &manifest, noted, &handle.expect("a directory"))
            }
            // Whoever cannot use an older tree gets an empty one.
            Request::Unpack { older: true, .. } => {
                Event::UnpackFailed(Failure { kind: FailureKind::Other, message: "an older tree".to_owned() })
            }
            Request::Unpack { manifest, .. } => unpack(&blobs, &manifest, &handle.expect("a directory")),
            Request::Mount => {
                volume = handle;
                Event::Mounted
            }
            Request::RunStep(step) => run(&step, volume.as_ref().expect("mounted"), &sender, &mut receiver),
            Request::Pack(pack) if archives => {
                archive(volume.as_ref().expect("mounted"), pack.exclude, staging.as_ref().expect("given"))
            }
            Request::Pack(pack) => {
                pack_volume(volume.as_ref().expect("mounted"), &pack.exclude, staging.as_ref().expect("given"))
            }
            Request::Export { .. } => Event::Exported,
            // Nobody here opens a shell.
            Request::Cancel { .. } | Request::ShellTyped { .. } | Request::ShellInterrupt { .. } => continue,
            Request::Shutdown | Request::Setup(_) => return,
        };
        if sender.send(&answer).is_err() {
            return;
        }
    }
}

/// The process that other tests start as their worker: this very program, told to run this one test.
#[test]
#[ignore = "the worker of other tests, with a socket as its standard input"]
fn as_worker() {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().expect("a handle");
    serve(UnixStream::from(socket));
}

fn next(receiver: &mut Receiver) -> Option<(Request, Vec<OwnedFd>)> {
    receiver.receive().ok().flatten()
}

fn directory(handle: OwnedFd) -> Dir {
    Dir::from_std_file(handle.into())
}

fn restore(blobs: &Dir, manifest: &BlobDigest, noted: Option<OwnedFd>, target: &Dir) -> Event {
    let (digest, limits) = (stepbox_volume::Digest::from_bytes(manifest.0), UnpackLimits::default());
    let known = noted.map(|noted| KnownTree::from_file(noted.into()).expect("it is sound"));
    let done = match &known {
        Some(known) => stepbox_volume::update(&HostFs, blobs, &digest, target, Some(known), &limits, &|| false),
        None => stepbox_volume::unpack(&HostFs, blobs, &digest, target, &limits, &|| false),
    };
    match done {
        Ok(done) => Event::Unpacked { entries: done.entries, bytes: done.raw_bytes, kept: done.kept },
        Err(error) => {
            let kind = if error.kind() == VolumeErrorKind::Corrupt { FailureKind::Corrupt } else { FailureKind::Other };
            Event::UnpackFailed(Failure { kind, message: error.to_string() })
        }
    }
}

fn archive(volume: &Dir, exclude: Vec<Vec<u8>>, staging: &Dir) -> Event {
    let options = PackOptions { exclude, ..PackOptions::default() };
    let packed = stepbox_volume::pack(&HostFs, volume, staging, &options, None, &|| false).expect("packs");
    let staged = |blob: &StagedBlob| StagedFile {
        name: blob.name.clone(),
        digest: BlobDigest(*blob.digest.as_bytes()),
        size: blob.size,
    };
    Event::Packed(PackReport {
        added: packed.added.as_ref().map(|added| {
            Box::new(Added {
                layer: staged(&added.layer),
                index: staged(&added.index),
                diff_ids: added.diff_ids.map(|id| BlobDigest(*id.as_bytes())),
            })
        }),
        base: None,
        tree_digest: BlobDigest(*packed.tree_digest.as_bytes()),
        entries: packed.entries,
        bytes: packed.raw_bytes,
        skipped: vec![],
    })
}

/// A snapshot of this worker is one text, `name=content` a line.
fn unpack(blobs: &Dir, manifest: &BlobDigest, target: &Dir) -> Event {
    let failed = |kind, message: &str| Event::UnpackFailed(Failure { kind, message: message.to_owned() });
    let text = blobs.read_to_string(crate::snapshots::digest_text(manifest)).expect("a blob");
    if text == "full" {
        return failed(FailureKind::NoSpace, "no space left on device");
    }
    let mut bytes = 0;
    for line in text.lines() {
        let Some((name, content)) = line.split_once('=') else {
            return failed(FailureKind::Corrupt, "blob sha256:77 is not what its name says");
        };
        target.write(name, content).expect("writes");
        bytes += content.len() as u64;
    }
    Event::Unpacked { entries: text.lines().count() as u64, bytes, kept: 0 }
}

fn pack_volume(volume: &Dir, exclude: &[Vec<u8>], staging: &Dir) -> Event {
    let mut files: Vec<(String, String)> = volume
        .entries()
        .expect("reads")
        .map(|entry| entry.expect("reads").file_name().into_string().expect("text"))
        .filter(|name| !exclude.contains(&name.clone().into_bytes()))
        .filter_map(|name| volume.read_to_string(&name).ok().map(|content| (name, content)))
        .collect();
    files.sort();
    if let Some((_, reason)) = files.iter().find(|(name, _)| name == "packing-fails") {
        return Event::PackFailed(Failure { kind: FailureKind::NoSpace, message: reason.clone() });
    }
    let lies = files.iter().any(|(name, _)| name == "worker-lies");
    let text: String = files.iter().map(|(name, content)| format!("{name}={content}\n")).collect();
    let stage = |name: &str, text: &str| {
        staging.write(name, text).expect("writes");
        let said = if lies { "something else" } else { text };
        StagedFile { name: name.into(), digest: BlobDigest(Sha256::digest(said).into()), size: text.len() as u64 }
    };
    Event::Packed(PackReport {
        added: Some(Box::new(Added {
            layer: stage("layer", &text),
            index: stage("index", ""),
            diff_ids: [BlobDigest([0; 32]), BlobDigest([0; 32])],
        })),
        base: None,
        tree_digest: BlobDigest([0; 32]),
        entries: files.len() as u64,
        bytes: files.iter().map(|(_, content)| content.len() as u64).sum(),
        skipped: vec![],
    })
}

/// Runs the words of a script: `say`, `cat`, `write`, `env`, `pwd`, `export`, `mask`, `until`, `exit`, `fail`, `spoil`, `hang`, `die`.
fn run(step: &StepRequest, volume: &Dir, sender: &Sender, receiver: &mut Receiver) -> Event {
    let mut report = StepReport {
        step: step.id,
        end: StepEnd::Exited(0),
        exports: Some(vec![]),
        masked: vec![],
        modules: 2,
        failed: None,
    };
    let say = |text: &str| {
        let data = format!("{text}\n").into_bytes();
        let _ = sender.send(&Event::Output { step: step.id, stream: OutputStream::Stdout, data });
    };
    let text = match &step.work {
        Work::Script { text, .. } => String::from_utf8_lossy(text).into_owned(),
        Work::Program(words) => {
            let words: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
            format!("say {}", words.join(" "))
        }
    };
    for line in text.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "say" => say(rest),
            "cat" => say(&volume.read_to_string(rest).unwrap_or_else(|_| "nothing".into())),
            "write" => {
                let (name, content) = rest.split_once(' ').expect("name and content");
                volume.write(name, content).expect("writes");
            }
            "env" => {
                let found = step.environment.iter().find(|(name, _)| name == rest.as_bytes());
                say(&found.map_or("undefined".into(), |(_, value)| String::from_utf8_lossy(value).into_owned()));
            }
            "pwd" => say(&String::from_utf8_lossy(&step.working_directory)),
            // Fails before its attempt of this number.
            "until" => {
                let attempt = step.environment.iter().find(|(name, _)| name == b"CF_CURRENT_ATTEMPT").expect("there");
                let attempt: u32 = String::from_utf8_lossy(&attempt.1).parse().expect("a number");
                if attempt < rest.parse().expect("a number") {
                    report.end = StepEnd::Exited(1);
                    break;
                }
            }
            "export" => writeln!(report.exports.get_or_insert_default(), "{rest}").expect("writes"),
            "mask" => report.masked.push(rest.into()),
            "spoil" => report.exports = None,
            "fail" => report.end = StepEnd::Failed(rest.to_owned()),
            "exit" => {
                report.end = StepEnd::Exited(rest.parse().expect("a status"));
                break;
            }
            "hang" => {
                say("hanging");
                loop {
                    match next(receiver) {
                        Some((Request::Cancel { signal, .. }, _)) => {
                            report.end = StepEnd::Cancelled(signal);
                            break;
                        }
                        Some(_) => {}
                        None => break,
                    }
                }
            }
            // Ends the process, or in a thread closes the connection.
            "die" => {
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).expect("killed")
            }
            _ => report.end = StepEnd::Exited(127),
        }
    }
    Event::StepFinished(report)
}

//! A host that serves repositories over http, as far as a client needs that.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use gix::objs::Kind;

/// The header of `me` with the password [`PASSWORD`], in lower case.
const KNOWN: &str = "authorization: basic bwu6ddbrzw4tcznjcmv0";
pub(crate) const PASSWORD: &str = "t0ken-s3cret";

/// Serves repositories as `/octo/<name>.git`, also as `/secret/<name>.git` for `me`, and as `/private/<name>.git` for
/// nobody. It sends those who ask for `/moved/…` to `/octo/…` and those who ask for `/away/…` to `localhost`, has no time
/// for the first two questions to `/busy/…` and never for those to `/down/…`, and hangs up on who asks for `/cut/…`.
pub(crate) struct Host {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

/// What a host has: names of repositories, and their `.git` directories.
type Repositories = Vec<(String, PathBuf)>;

impl Host {
    /// With one repository, `tool`.
    pub(crate) fn serve(repository: PathBuf) -> Self {
        Self::serve_all(vec![("tool".to_owned(), repository)])
    }

    pub(crate) fn serve_all(repositories: Repositories) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(Mutex::new(vec![]));
        let known = Arc::clone(&requests);
        // It ends with the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is no fault.
                let _ = answer(&stream, &repositories, port, &known);
            }
        });
        Self { port, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// The same by https.
    pub(crate) fn secure_url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}/{path}", self.port)
    }

    /// What was asked so far, by method and path.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn answer(stream: &TcpStream, all: &Repositories, port: u16, known: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let (mut length, mut authorized, mut is_known, mut typed) = (0, false, false, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(number) = line.strip_prefix("content-length:") {
            length = number.trim().parse().unwrap_or(0);
        }
        is_known |= line == KNOWN;
        authorized |= line.starts_with("authorization:");
        typed |= line == "content-type: application/x-git-upload-pack-request";
    }
    let mut question = vec![0; length];
    reader.read_exact(&mut question)?;
    let request = first.trim().trim_end_matches(" HTTP/1.1").to_owned();
    let told = if authorized { " with credentials" } else { "" };
    let earlier = {
        let mut requests = known.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(format!("{request}{told}"));
        requests.iter().filter(|earlier| earlier.contains("/busy/")).count()
    };
    let path = request.split(' ').nth(1).unwrap_or_default();
    let served = ["/octo/", "/secret/", "/busy/"].iter().find_map(|owner| {
        let (name, rest) = path.strip_prefix(owner)?.split_once(".git/")?;
        all.iter().find(|(known, _)| known == name).map(|(_, repository)| (repository, rest))
    });
    let kind = |kind: &str| format!("200 OK\r\nContent-Type: application/x-git-upload-pack-{kind}");
    let (head, body) = if let Some(rest) = path.strip_prefix("/moved/") {
        (format!("301 Moved\r\nLocation: /octo/{rest}"), vec![])
    } else if let Some(rest) = path.strip_prefix("/away/") {
        (format!("302 Found\r\nLocation: http://localhost:{port}/octo/{rest}"), vec![])
    } else if let Some(rest) = path.strip_prefix("/round/") {
        (format!("302 Found\r\nLocation: /round/{rest}"), vec![])
    } else if path.starts_with("/busy/") && earlier <= 2 {
        ("503 Service Unavailable".to_owned(), vec![])
    } else if path.starts_with("/down/") {
        ("502 Bad Gateway".to_owned(), vec![])
    } else if path.starts_with("/odd/") {
        ("418 Teapot".to_owned(), vec![])
    } else if path.starts_with("/cut/") {
        return Ok(());
    } else if (path.starts_with("/secret/") && !is_known) || (path.starts_with("/private/") && !authorized) {
        ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"".to_owned(), vec![])
    } else if path.starts_with("/private/") {
        ("401 Unauthorized".to_owned(), vec![])
    } else if path.starts_with("/forbidden/") {
        ("403 Forbidden".to_owned(), vec![])
    } else if request.starts_with("POST") && !typed {
        ("415 Unsupported Media Type".to_owned(), vec![])
    } else if let Some((_, "info/refs?service=git-upload-pack")) = served {
        (kind("advertisement"), capabilities())
    } else if let Some((repository, "git-upload-pack")) = served {
        let repository = crate::git::work_tree::open_isolated(repository).map_err(std::io::Error::other)?;
        let text = String::from_utf8_lossy(&question);
        let list = text.contains("command=ls-refs");
        (kind("result"), if list { references(&repository) } else { fetched(&repository, text.contains("done\n")) })
    } else {
        ("404 Not Found".to_owned(), vec![])
    };
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

fn line(out: &mut Vec<u8>, data: &[u8]) {
    out.extend_from_slice(format!("{:04x}", data.len() + 4).as_bytes());
    out.extend_from_slice(data);
}

fn capabilities() -> Vec<u8> {
    let mut out = vec![];
    line(&mut out, b"# service=git-upload-pack\n");
    out.extend_from_slice(b"0000");
    for text in ["version 2\n", "agent=host/1\n", "ls-refs=unborn\n", "fetch=shallow\n", "object-format=sha1\n"] {
        line(&mut out, text.as_bytes());
    }
    out.extend_from_slice(b"0000");
    out
}

fn references(repository: &gix::Repository) -> Vec<u8> {
    let mut out = vec![];
    if let (Ok(id), Ok(Some(name))) = (repository.head_id(), repository.head_name()) {
        line(&mut out, format!("{id} HEAD symref-target:{name}\n").as_bytes());
    }
    for reference in repository.references().expect("reads").all().expect("reads").flatten() {
        if let Some(id) = reference.try_id() {
            line(&mut out, format!("{id} {}\n", reference.name().as_bstr()).as_bytes());
        }
    }
    out.extend_from_slice(b"0000");
    out
}

fn fetched(repository: &gix::Repository, done: bool) -> Vec<u8> {
    let mut out = vec![];
    if !done {
        line(&mut out, b"acknowledgments\n");
        line(&mut out, b"ready\n");
        out.extend_from_slice(b"0001");
    }
    line(&mut out, b"packfile\n");
    for part in pack(repository).chunks(60_000) {
        line(&mut out, &[b"\x01", part].concat());
    }
    out.extend_from_slice(b"0000");
    out
}

/// All objects of a repository, each by itself.
fn pack(repository: &gix::Repository) -> Vec<u8> {
    let ids: Vec<_> = repository.objects.iter().expect("reads").map(|id| id.expect("reads")).collect();
    let mut out = b"PACK\0\0\0\x02".to_vec();
    out.extend_from_slice(&u32::try_from(ids.len()).expect("few").to_be_bytes());
    for id in ids {
        let object = repository.find_object(id).expect("reads");
        let kind: u8 = match object.kind {
            Kind::Commit => 1,
            Kind::Tree => 2,
            Kind::Blob => 3,
            Kind::Tag => 4,
        };
        let mut rest = object.data.len() >> 4;
        #[expect(clippy::cast_possible_truncation, reason = "four bits")]
        let mut byte = kind << 4 | (object.data.len() & 15) as u8;
        while rest > 0 {
            out.push(byte | 0x80);
            byte = (rest & 0x7f) as u8;
            rest >>= 7;
        }
        out.push(byte);
        let mut packer = gix::zlib::stream::deflate::Write::new(&mut out, gix::zlib::Compression::default());
        packer.write_all(&object.data).expect("packs");
        packer.flush().expect("packs");
    }
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(&out);
    out.extend_from_slice(hasher.try_finalize().expect("hashes").as_slice());
    out
}

//! Programs that are closures, found in `/bin` of the tree.

use std::io;
use std::sync::{Arc, Condvar, Mutex};

use stepbox_shell::{Limits, Mode, ShellConfig, ShellOptions, run_command_line};
use stepbox_system::{
    CancelToken, ExitStatus, FileKind, OpenFile, OpenOptions, ProcessTable, Program, Resolution, SpawnRequest, Spawner,
    Vfs, VirtualPath, Wake, error_text,
};

use super::STACK;
use super::tree::Tree;

type Run = fn(&Programs, &SpawnRequest) -> io::Result<ExitStatus>;

const PROGRAMS: [(&str, Run); 22] = [
    ("bash", sh),
    ("cat", cat),
    ("chmod", chmod),
    ("echo", echo),
    ("env", env),
    ("exit", exit),
    ("false", |_, _| Ok(ExitStatus::FAILURE)),
    ("head", head),
    ("ln", ln),
    ("ls", ls),
    ("mkdir", mkdir),
    ("printargs", printargs),
    ("rm", rm),
    ("seq", seq),
    ("sh", sh),
    ("sleep", sleep),
    ("sort", sort),
    ("touch", touch),
    ("tr", tr),
    ("true", |_, _| Ok(ExitStatus::SUCCESS)),
    ("wc", wc),
    ("yes", yes),
];

/// The token of a script in the tree.
const SCRIPT: u64 = u64::MAX;

pub struct Programs {
    pub tree: Arc<Tree>,
    pub table: Arc<ProcessTable>,
}

impl Programs {
    pub fn new(tree: Arc<Tree>, table: Arc<ProcessTable>) -> Arc<Self> {
        for (name, _) in PROGRAMS {
            tree.file(&format!("/bin/{name}"), b"", 0o755);
        }
        Arc::new(Self { tree, table })
    }

    fn at(&self, path: VirtualPath) -> Resolution {
        let path = path.normalized();
        let Ok(metadata) = self.tree.metadata(&path, true) else { return Resolution::NotFound(None) };
        let name = path.as_bytes().strip_prefix(b"/bin/").unwrap_or_default();
        if let Some(at) = PROGRAMS.iter().position(|(known, _)| known.as_bytes() == name) {
            return Resolution::Found(Program { path, token: at as u64 });
        }
        if metadata.kind == FileKind::File && metadata.is_executable() {
            return Resolution::Found(Program { path, token: SCRIPT });
        }
        Resolution::NotExecutable(path, "Permission denied".to_owned())
    }
}

impl Spawner for Programs {
    fn resolve(&self, name: &[u8], search_path: &[u8], cwd: &VirtualPath) -> Resolution {
        if name.contains(&b'/') {
            return cwd.join(name).map_or(Resolution::NotFound(None), |path| self.at(path));
        }
        if name.is_empty() {
            return Resolution::NotFound(None);
        }
        let mut refused = None;
        for directory in search_path.split(|byte| *byte == b':') {
            let place = cwd.join(directory).and_then(|directory| directory.join(name));
            match place.map_or(Resolution::NotFound(None), |path| self.at(path)) {
                found @ Resolution::Found(_) => return found,
                not @ Resolution::NotExecutable(..) => refused = Some(not),
                Resolution::NotFound(_) => {}
            }
        }
        refused.unwrap_or(Resolution::NotFound(None))
    }

    fn run(&self, program: &Program, mut request: SpawnRequest) -> ExitStatus {
        let result = if program.token == SCRIPT {
            let path = program.path.as_bytes().to_vec();
            let script = if request.argv[0].contains(&b'/') { request.argv[0].clone() } else { path };
            request.argv.splice(0..1, [b"sh".to_vec(), script]);
            sh(self, &request)
        } else {
            PROGRAMS[usize::try_from(program.token).unwrap()].1(self, &request)
        };
        match result {
            Ok(status) => status,
            // As the kernel ends who writes for nobody, and who is told to stop.
            Err(error) if error.raw_os_error() == Some(32) => ExitStatus::new(141),
            Err(_) if request.cancel.is_cancelled() => ExitStatus::of_signal(request.cancel.cancelled().unwrap()),
            Err(error) => {
                let name = String::from_utf8_lossy(&request.argv[0]).into_owned();
                if let Some(file) = request.files.get(&2) {
                    let _ = file.write_all(format!("{name}: {}\n", error_text(&error)).as_bytes(), &request.cancel);
                }
                ExitStatus::FAILURE
            }
        }
    }
}

fn file(request: &SpawnRequest, number: u32) -> io::Result<&OpenFile> {
    request.files.get(&number).ok_or_else(|| io::Error::from_raw_os_error(9))
}

fn put(request: &SpawnRequest, data: &[u8]) -> io::Result<()> {
    file(request, 1)?.write_all(data, &request.cancel)
}

fn input(request: &SpawnRequest) -> io::Result<Vec<u8>> {
    file(request, 0)?.read_to_end(usize::MAX, &request.cancel)
}

fn words(request: &SpawnRequest) -> impl Iterator<Item = &[u8]> {
    request.argv[1..].iter().map(Vec::as_slice)
}

fn path(request: &SpawnRequest, word: &[u8]) -> io::Result<VirtualPath> {
    request.cwd.join(word).map_err(|_| io::Error::from_raw_os_error(2))
}

fn cat(programs: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let mut files = vec![];
    for word in words(request).filter(|word| !word.is_empty()) {
        files.push(match word {
            b"-" => file(request, 0)?.clone(),
            word => programs.tree.open(&path(request, word)?, &OpenOptions::reading())?,
        });
    }
    if files.is_empty() {
        files.push(file(request, 0)?.clone());
    }
    let mut buffer = vec![0; 64 << 10];
    for file in files {
        loop {
            match file.read(&mut buffer, &request.cancel)? {
                0 => break,
                count => put(request, &buffer[..count])?,
            }
        }
    }
    Ok(ExitStatus::SUCCESS)
}

fn chmod(programs: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let mode = match words(request).next() {
        Some(b"+x") => 0o755,
        Some(mode) => u32::from_str_radix(&String::from_utf8_lossy(mode), 8).unwrap_or(0o644),
        None => return Ok(ExitStatus::FAILURE),
    };
    words(request).skip(1).try_for_each(|word| programs.tree.change_mode(&path(request, word)?, mode))?;
    Ok(ExitStatus::SUCCESS)
}

fn echo(_: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    put(request, &[request.argv[1..].join(&b' '), b"\n".to_vec()].concat())?;
    Ok(ExitStatus::SUCCESS)
}

/// `ls FILE…`
fn ls(programs: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    for word in words(request) {
        programs.tree.metadata(&path(request, word)?, false)?;
        put(request, &[word, b"\n"].concat())?;
    }
    Ok(ExitStatus::SUCCESS)
}

fn env(_: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let mut lines: Vec<_> = request.env.iter().map(|(name, value)| [name, &b"="[..], value, b"\n"].concat()).collect();
    lines.sort();
    put(request, &lines.concat())?;
    Ok(ExitStatus::SUCCESS)
}

/// `exit N`: a program that ends so.
fn exit(_: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let code = words(request).next().and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
    Ok(ExitStatus::new(code.unwrap_or(0)))
}

/// `head -n N`, byte by byte.
fn head(_: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let count = words(request).last().and_then(|word| {
        let digits = word.strip_prefix(b"-").unwrap_or(word);
        std::str::from_utf8(digits.strip_prefix(b"n").unwrap_or(digits)).ok()?.parse().ok()
    });
    let mut left = count.unwrap_or(10u32);
    let mut byte = [0];
    while left > 0 && file(request, 0)?.read(&mut byte, &request.cancel)? == 1 {
        put(request, &byte)?;
        left -= u32::from(byte[0] == b'\n');
    }
    Ok(ExitStatus::SUCCESS)
}

/// `ln -s TARGET LINK`.
fn ln(programs: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let words: Vec<_> = words(request).collect();
    let [b"-s", target, link] = words[..] else { return Ok(ExitStatus::FAILURE) };
    programs.tree.symlink(&path(request, link)?, target)?;
    Ok(ExitStatus::SUCCESS)
}

/// `mkdir [-p] DIRECTORY…`
fn mkdir(programs: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let parents = words(request).next() == Some(b"-p");
    for word in words(request).skip(usize::from(parents)) {
        let whole = path(request, word)?.normalized();
        let mut above = VirtualPath::root();
        for part in whole.components() {
            above = above.join(part).unwrap();
            if parents && above != whole && programs.tree.metadata(&above, true).is_err() {
                programs.tree.make_directory(&above, 0o755)?;
            }
        }
        match programs.tree.make_directory(&whole, 0o777 & !request.umask) {
            Err(_) if parents => {}
            result => result?,
        }
    }
    Ok(ExitStatus::SUCCESS)
}

/// Prints each argument in brackets.
fn printargs(_: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let text: Vec<_> = words(request).flat_map(|word| [b"[", word, b"]"].concat()).chain(*b"\n").collect();
    put(request, &text)?;
    Ok(ExitStatus::SUCCESS)
}

/// `rm [-f] FILE…`, also for empty directories.
fn rm(programs: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let force = words(request).next() == Some(b"-f");
    for word in words(request).skip(usize::from(force)) {
        match programs.tree.remove(&path(request, word)?) {
            Err(_) if force => {}
            result => result?,
        }
    }
    Ok(ExitStatus::SUCCESS)
}

/// `seq LAST`.
fn seq(_: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let last = words(request).last().and_then(|word| std::str::from_utf8(word).ok()?.parse::<u32>().ok());
    for number in 1..=last.unwrap_or(0) {
        put(request, format!("{number}\n").as_bytes())?;
    }
    Ok(ExitStatus::SUCCESS)
}

/// A shell of its own, on a thread of its own, as the worker starts one.
fn sh(programs: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let process = programs.table.start(request.process, &request.cancel).map_err(io::Error::other)?;
    let handle = Programs { tree: Arc::clone(&programs.tree), table: Arc::clone(&programs.table) };
    let config = ShellConfig {
        mode: if request.argv[0] == b"bash" { Mode::Bash } else { Mode::Sh },
        name: request.argv[0].clone(),
        arguments: vec![],
        environment: request.env.clone(),
        cwd: request.cwd.clone(),
        umask: request.umask,
        files: request.files.clone(),
        vfs: Arc::clone(&programs.tree) as Arc<dyn Vfs>,
        spawner: Arc::new(handle),
        process,
        limits: Limits::default(),
        options: ShellOptions::default(),
        depth: request.depth + 1,
    };
    let arguments = request.argv[1..].to_vec();
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || run_command_line(&arguments, config))?;
    Ok(thread.join().expect("the shell does not panic"))
}

/// Waits until it is cancelled, whatever its argument: no test waits for time to pass.
fn sleep(_: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    #[derive(Default)]
    struct Bell(Mutex<()>, Condvar);
    impl Wake for Bell {
        fn wake(&self) {
            let _held = self.0.lock().unwrap();
            self.1.notify_all();
        }
    }
    if words(request).next() == Some(b"0") {
        return Ok(ExitStatus::SUCCESS);
    }
    let bell = Arc::new(Bell::default());
    let cancel: &CancelToken = &request.cancel;
    let _registration = cancel.register(Arc::clone(&bell) as Arc<dyn Wake>);
    let held = bell.0.lock().unwrap();
    let _held = bell.1.wait_while(held, |()| !cancel.is_cancelled()).unwrap();
    Ok(ExitStatus::of_signal(cancel.cancelled().unwrap()))
}

fn sort(_: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let input = input(request)?;
    let mut lines: Vec<_> = input.split_inclusive(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    put(request, &lines.concat())?;
    Ok(ExitStatus::SUCCESS)
}

fn touch(programs: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    for word in words(request) {
        programs.tree.open(&path(request, word)?, &OpenOptions::appending(request.umask))?;
    }
    Ok(ExitStatus::SUCCESS)
}

/// `tr A B` for two bytes, and `tr a-z A-Z`.
fn tr(_: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let words: Vec<_> = words(request).collect();
    let input = input(request)?;
    let changed: Vec<u8> = match words[..] {
        [b"a-z", b"A-Z"] => input.to_ascii_uppercase(),
        [&[from], &[to]] => input.iter().map(|byte| if *byte == from { to } else { *byte }).collect(),
        _ => return Ok(ExitStatus::FAILURE),
    };
    put(request, &changed)?;
    Ok(ExitStatus::SUCCESS)
}

/// `wc -l` or `wc -c`.
fn wc(_: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let lines = words(request).next() == Some(b"-l");
    let mut buffer = vec![0; 64 << 10];
    let mut total = 0;
    loop {
        let count = file(request, 0)?.read(&mut buffer, &request.cancel)?;
        if count == 0 {
            break;
        }
        total += if lines { buffer[..count].iter().filter(|byte| **byte == b'\n').count() } else { count };
    }
    put(request, format!("{total}\n").as_bytes())?;
    Ok(ExitStatus::SUCCESS)
}

fn yes(_: &Programs, request: &SpawnRequest) -> io::Result<ExitStatus> {
    let lines = b"y\n".repeat(4096);
    loop {
        put(request, &lines)?;
    }
}

use std::fs;
use std::path::PathBuf;

use crate::compression::Method;

pub(super) const HELP: &str = "\
Usage: tar -c|-t|-x|-r|-u [OPTION]... [FILE]...

  -f FILE            the archive (- for standard input or output)
  -v                 names; twice, like ls -l
  -z -j -J --zstd    compressed by gzip, bzip2, xz, zstd; -a by the name
  -C DIR             from here on, names are in DIR
  -O                 to standard output
  -T FILE            names from FILE; --null: separated by NUL
  -p -k -m -h -P     modes, keep old files, no times, follow links, absolute names
  --strip-components=N  --exclude=PATTERN  --exclude-from=FILE  --wildcards
  --owner=NAME --group=NAME --mode=MODE --mtime=@SECONDS  --no-recursion --remove-files --overwrite --keep-old-files
";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mode {
    Create,
    List,
    Extract,
    Append,
    Update,
}

/// A name, with the directory that `-C` has set before it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Operand {
    pub(super) directory: Option<PathBuf>,
    pub(super) name: String,
}

#[derive(Debug)]
pub(super) struct Options {
    pub(super) mode: Mode,
    pub(super) file: Option<String>,
    pub(super) verbose: u8,
    pub(super) method: Option<Method>,
    pub(super) operands: Vec<Operand>,
    /// The directory that the last `-C` has set.
    pub(super) directory: Option<PathBuf>,
    pub(super) to_output: bool,
    pub(super) keep: bool,
    pub(super) skip_old: bool,
    pub(super) no_times: bool,
    pub(super) permissions: bool,
    pub(super) follow: bool,
    pub(super) absolute: bool,
    pub(super) strip: usize,
    pub(super) exclude: Vec<String>,
    pub(super) wildcards: bool,
    pub(super) owner: Option<(String, u64)>,
    pub(super) group: Option<(String, u64)>,
    pub(super) modes: Option<String>,
    pub(super) time: Option<u64>,
    pub(super) recurse: bool,
    pub(super) remove: bool,
    pub(super) numeric: bool,
}

impl Options {
    /// Where an archive is: `-C` does not move it.
    pub(super) fn in_first_directory(&self, path: &str) -> PathBuf {
        PathBuf::from(path)
    }
}

/// Reads arguments; nothing where help is asked for. The error is a message.
pub(super) fn parse(words: &[String]) -> Result<Option<Options>, String> {
    let mut mode = None;
    let mut automatic = false;
    let mut options = Options {
        mode: Mode::List,
        file: None,
        verbose: 0,
        method: None,
        operands: vec![],
        directory: None,
        to_output: false,
        keep: false,
        skip_old: false,
        no_times: false,
        permissions: false,
        follow: false,
        absolute: false,
        strip: 0,
        exclude: vec![],
        wildcards: false,
        owner: None,
        group: None,
        modes: None,
        time: None,
        recurse: true,
        remove: false,
        numeric: false,
    };
    let mut names: Vec<(Option<PathBuf>, String)> = vec![];
    let mut separator = '\n';
    let mut rest = words.iter().cloned().collect::<std::collections::VecDeque<_>>();
    // `tar czf x.tar.gz y`: letters without a dash, whose values follow in their order.
    if let Some(first) = rest.front().cloned()
        && !first.starts_with('-')
        && !first.is_empty()
    {
        rest.pop_front();
        let mut expanded = vec![];
        for letter in first.chars() {
            expanded.push(format!("-{letter}"));
            if "fCTXbg".contains(letter) {
                expanded.push(rest.pop_front().ok_or_else(|| format!("Old option '{letter}' requires an argument."))?);
            }
        }
        for word in expanded.into_iter().rev() {
            rest.push_front(word);
        }
    }
    let mut set = |new: Mode| match mode.replace(new) {
        Some(old) if old != new => {
            Err("You may not specify more than one '-Acdtrux', '--delete' or  '--test-label' option".to_owned())
        }
        _ => Ok(()),
    };
    let mut only_operands = false;
    while let Some(word) = rest.pop_front() {
        if only_operands || word == "-" || !word.starts_with('-') {
            names.push((options.directory.clone(), word));
            continue;
        }
        if word == "--" {
            only_operands = true;
            continue;
        }
        let pieces: Vec<(String, Option<String>)> = match word.strip_prefix("--") {
            Some(long) => {
                let (name, value) =
                    long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
                vec![(long_name(name)?.to_owned(), value)]
            }
            None => {
                let mut pieces = vec![];
                let mut letters = word[1..].chars();
                while let Some(letter) = letters.next() {
                    let takes = "fCTXbIKNVgLFH".contains(letter);
                    let attached = if takes {
                        std::mem::replace(&mut letters, "".chars()).as_str().to_owned()
                    } else {
                        String::new()
                    };
                    pieces.push((letter.to_string(), (!attached.is_empty()).then_some(attached)));
                }
                pieces
            }
        };
        for (name, value) in pieces {
            let mut needed = || {
                value
                    .clone()
                    .or_else(|| rest.pop_front())
                    .ok_or_else(|| format!("option requires an argument -- '{name}'"))
            };
            match name.as_str() {
                "c" => set(Mode::Create)?,
                "t" => set(Mode::List)?,
                "x" => set(Mode::Extract)?,
                "r" => set(Mode::Append)?,
                "u" => set(Mode::Update)?,
                "f" => options.file = Some(needed()?),
                "v" => options.verbose = options.verbose.saturating_add(1),
                "z" => options.method = Some(Method::Gzip),
                "j" => options.method = Some(Method::Bzip2),
                "J" => options.method = Some(Method::Xz),
                "zstd" => options.method = Some(Method::Zstd),
                "a" => automatic = true,
                "C" => {
                    let directory = PathBuf::from(needed()?);
                    options.directory =
                        Some(options.directory.take().map_or(directory.clone(), |before| before.join(directory)));
                }
                "O" => options.to_output = true,
                "k" => options.keep = true,
                "skip-old-files" => options.skip_old = true,
                "m" => options.no_times = true,
                "p" => options.permissions = true,
                "h" => options.follow = true,
                "P" => options.absolute = true,
                "null" => separator = '\0',
                "T" => {
                    let file = needed()?;
                    let text = fs::read(&file)
                        .map_err(|error| format!("{file}: Cannot open: {}", stepbox_tool::describe(&error)))?;
                    let text = String::from_utf8_lossy(&text).into_owned();
                    names.extend(
                        text.split(separator)
                            .filter(|name| !name.is_empty())
                            .map(|name| (options.directory.clone(), name.to_owned())),
                    );
                }
                "strip-components" => {
                    let count = needed()?;
                    options.strip = count.parse().map_err(|_| format!("{count}: Invalid number of elements"))?;
                }
                "exclude" => options.exclude.push(needed()?),
                "X" => {
                    let file = needed()?;
                    let text = fs::read(&file)
                        .map_err(|error| format!("{file}: Cannot open: {}", stepbox_tool::describe(&error)))?;
                    options.exclude.extend(
                        String::from_utf8_lossy(&text).lines().filter(|line| !line.is_empty()).map(str::to_owned),
                    );
                }
                "exclude-vcs" => {
                    let known = [
                        ".git",
                        ".gitignore",
                        ".gitattributes",
                        ".gitmodules",
                        ".svn",
                        ".hg",
                        ".hgignore",
                        ".bzr",
                        "CVS",
                    ];
                    options.exclude.extend(known.map(str::to_owned));
                }
                "wildcards" => options.wildcards = true,
                "no-wildcards" => options.wildcards = false,
                "owner" => options.owner = Some(account(&needed()?)),
                "group" => options.group = Some(account(&needed()?)),
                "mode" => options.modes = Some(needed()?),
                "mtime" => {
                    let text = needed()?;
                    let seconds = text.strip_prefix('@').and_then(|seconds| seconds.parse().ok());
                    options.time = Some(seconds.ok_or_else(|| format!("--mtime takes `@SECONDS` here, not `{text}`"))?);
                }
                "no-recursion" => options.recurse = false,
                "remove-files" => options.remove = true,
                "numeric-owner" => options.numeric = true,
                "format" => {
                    let format = needed()?;
                    if !matches!(format.as_str(), "gnu" | "ustar" | "oldgnu" | "v7") {
                        return Err(format!("format `{format}` is not supported, `gnu` is"));
                    }
                }
                "sort" => {
                    let order = needed()?;
                    if !matches!(order.as_str(), "name" | "none") {
                        return Err(format!("--sort={order} is not supported, names are sorted always"));
                    }
                }
                "b" => drop(needed()?),
                // How it is here anyway.
                "o"
                | "B"
                | "S"
                | "same-order"
                | "same-owner"
                | "overwrite"
                | "no-overwrite-dir"
                | "no-same-permissions"
                | "unlink-first"
                | "no-ignore-command-error"
                | "recursion"
                | "warning"
                | "force-local"
                | "delay-directory-restore" => {}
                "help" | "?" => return Ok(None),
                "version" => return Ok(None),
                other => {
                    return Err(format!(
                        "option `{}` is not supported",
                        if other.len() == 1 { format!("-{other}") } else { format!("--{other}") }
                    ));
                }
            }
        }
    }
    let Some(mode) = mode else {
        return Err("You must specify one of the '-Acdtrux', '--delete' or '--test-label' options".to_owned());
    };
    options.mode = mode;
    if automatic && options.method.is_none() {
        options.method = options.file.as_deref().and_then(Method::of_name);
    }
    options.operands = names.into_iter().map(|(directory, name)| Operand { directory, name }).collect();
    Ok(Some(options))
}

/// The letter of a long option, or its own name.
fn long_name(name: &str) -> Result<&str, String> {
    Ok(match name {
        "create" => "c",
        "list" => "t",
        "extract" | "get" => "x",
        "append" => "r",
        "update" => "u",
        "file" => "f",
        "verbose" => "v",
        "gzip" | "gunzip" | "ungzip" => "z",
        "bzip2" => "j",
        "xz" => "J",
        "auto-compress" => "a",
        "directory" => "C",
        "to-stdout" => "O",
        "keep-old-files" => "k",
        "touch" => "m",
        "preserve-permissions" | "same-permissions" => "p",
        "dereference" => "h",
        "absolute-names" => "P",
        "files-from" => "T",
        "exclude-from" => "X",
        "no-same-owner" => "o",
        "sparse" => "S",
        "blocking-factor" => "b",
        "strip" => "strip-components",
        "" => return Err("option `--` needs a name".to_owned()),
        other => other,
    })
}

/// `NAME`, `NAME:ID` or a number.
fn account(text: &str) -> (String, u64) {
    let (name, number) = text.split_once(':').unwrap_or((text, ""));
    match (name.parse(), number.parse()) {
        (Ok(id), _) => (String::new(), id),
        (_, Ok(id)) => (name.to_owned(), id),
        _ => (name.to_owned(), 0),
    }
}

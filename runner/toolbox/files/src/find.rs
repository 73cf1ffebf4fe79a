use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::execution::{Execution, Waiting};
use crate::expression::{Expression, Query, parse, time};
use crate::format;
use stepbox_tool::calendar::Moment;
use stepbox_tool::fail;
use stepbox_tool::file_info::{self, FileInfo};
use stepbox_tool::{Streams, glob};

/// After so many seconds (half a Gregorian year) a listing shows the year and not the time.
const RECENT: i64 = 31_556_952 / 2;

/// `find`: paths, then an expression (see [`parse`]).
pub(crate) fn find(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let mut words: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let mut follow = false;
    while let Some("-H" | "-L" | "-P") = words.first().map(String::as_str) {
        follow = words.remove(0) == "-L";
    }
    let count =
        words.iter().position(|word| (word.starts_with('-') && word.len() > 1) || matches!(word.as_str(), "!" | "("));
    let tests = words.split_off(count.unwrap_or(words.len()));
    if words.is_empty() {
        words.push(".".to_owned());
    }
    let query = match parse(&tests) {
        Ok(query) => query,
        Err(message) => return fail("find", &message, streams),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let waiting = (0..query.executions).map(|_| None).collect();
    let mut walk = Walk {
        query: &query,
        follow,
        now,
        status: 0,
        done: false,
        ancestors: vec![],
        waiting,
        start: PathBuf::new(),
        level: 0,
    };
    for start in &words {
        walk.start = PathBuf::from(start);
        walk.visit(Path::new(start), 0, streams)?;
    }
    for (execution, waiting) in std::mem::take(&mut walk.waiting).into_iter().flatten() {
        walk.many(&execution, waiting, streams)?;
    }
    Ok(walk.status)
}

struct Walk<'a> {
    query: &'a Query,
    /// Follow links (`-L`).
    follow: bool,
    /// Seconds since 1970.
    now: i64,
    status: i32,
    /// `-quit` was met.
    done: bool,
    /// Device and inode of the directories that we are in, against loops of links.
    ancestors: Vec<(u64, u64)>,
    /// Paths for the commands that take many.
    waiting: Vec<Option<(Execution, Waiting)>>,
    /// Where the walk began.
    start: PathBuf,
    /// How deep below it what is looked at stands.
    level: usize,
}

impl Walk<'_> {
    /// Recursion is as deep as a path can be long.
    fn visit(&mut self, path: &Path, level: usize, streams: &mut Streams<'_>) -> io::Result<()> {
        if self.done {
            return Ok(());
        }
        let found = file_info::read(path, self.follow).or_else(|_| file_info::read(path, false));
        let info = match found {
            Ok(info) => info,
            Err(error) => return self.complain(path, &error, streams),
        };
        let mut descend = info.is_directory() && level < self.query.max_depth;
        let asked = level >= self.query.min_depth;
        self.level = level;
        if asked && !self.query.contents_first {
            let mut prune = false;
            self.holds(&self.query.expression, path, &info, &mut prune, streams)?;
            descend &= !prune;
        }
        let identity = (info.device, info.inode);
        if descend && self.follow && self.ancestors.contains(&identity) {
            return self.complain(path, &io::Error::other("a loop of links"), streams);
        }
        if descend {
            self.ancestors.push(identity);
            match file_info::entries(path) {
                Ok(entries) => entries.iter().try_for_each(|entry| self.visit(entry, level + 1, streams))?,
                Err(error) => self.complain(path, &error, streams)?,
            }
            self.ancestors.pop();
        }
        self.level = level;
        if asked && self.query.contents_first && !self.done {
            self.holds(&self.query.expression, path, &info, &mut false, streams)?;
        }
        Ok(())
    }

    /// Runs a command for the paths that wait for it.
    fn many(&mut self, execution: &Execution, waiting: Waiting, streams: &mut Streams<'_>) -> io::Result<()> {
        if !waiting.paths.is_empty() && !execution.all(waiting.paths, streams)? {
            self.status = 1;
        }
        Ok(())
    }

    fn complain(&mut self, path: &Path, error: &io::Error, streams: &mut Streams<'_>) -> io::Result<()> {
        streams.complain("find", &OsString::from(format!("'{}'", path.display())), error);
        self.status = 1;
        Ok(())
    }

    fn holds(
        &mut self,
        expression: &Expression,
        path: &Path,
        info: &FileInfo,
        prune: &mut bool,
        streams: &mut Streams<'_>,
    ) -> io::Result<bool> {
        Ok(match expression {
            Expression::All(conditions) => {
                for condition in conditions {
                    if self.done || !self.holds(condition, path, info, prune, streams)? {
                        return Ok(false);
                    }
                }
                true
            }
            Expression::Any(alternatives) => {
                for alternative in alternatives {
                    if self.done || self.holds(alternative, path, info, prune, streams)? {
                        return Ok(true);
                    }
                }
                false
            }
            Expression::Not(inner) => !self.holds(inner, path, info, prune, streams)?,
            Expression::Constant(value) => *value,
            Expression::Name(pattern, ignore_case) => glob::matches(pattern, &base_name(path), *ignore_case),
            Expression::PathLike(pattern, ignore_case) => glob::matches(pattern, &path.to_string_lossy(), *ignore_case),
            Expression::Kind(letters) => letters.contains(info.letter()),
            Expression::Newer(which, seconds, nanoseconds) => time(info, *which) > (*seconds, *nanoseconds),
            Expression::Regex(pattern) => match pattern.matches(path.as_os_str().as_encoded_bytes()) {
                Ok(matches) => matches,
                Err(message) => {
                    self.complain(path, &io::Error::other(message), streams)?;
                    false
                }
            },
            Expression::Target(pattern, ignore_case) => {
                info.is_link()
                    && std::fs::read_link(path)
                        .is_ok_and(|target| glob::matches(pattern, &target.to_string_lossy(), *ignore_case))
            }
            Expression::KindBehind(letters) => {
                let behind = file_info::read(path, !self.follow).or_else(|_| file_info::read(path, false));
                behind.is_ok_and(|info| letters.contains(info.letter()))
            }
            Expression::Same(device, inode) => (info.device, info.inode) == (*device, *inode),
            Expression::Number(comparison) => comparison.holds(i64::try_from(info.inode).unwrap_or(i64::MAX)),
            Expression::List(expressions) => {
                let mut value = false;
                for expression in expressions {
                    value = self.holds(expression, path, info, prune, streams)?;
                }
                value
            }
            Expression::Long => {
                let recent = (0..RECENT).contains(&self.now.saturating_sub(info.modified.0));
                let moment = Moment::new(info.modified.0, info.modified.1).short(recent);
                let target = std::fs::read_link(path).ok().filter(|_| info.is_link());
                let target = target.map(|target| format!(" -> {}", target.display())).unwrap_or_default();
                writeln!(
                    streams.output,
                    "{:>9} {:>6} {} {:>3} root     root     {:>8} {moment} {}{target}",
                    info.inode,
                    info.allocated() / 1024,
                    info.mode_text(),
                    info.links,
                    info.size,
                    path.display()
                )?;
                true
            }
            Expression::Size(comparison, unit) => {
                comparison.holds(i64::try_from(info.size.div_ceil(*unit)).unwrap_or(i64::MAX))
            }
            Expression::Age(comparison, unit, which) => {
                let (seconds, _) = time(info, *which);
                comparison.holds(self.now.saturating_sub(seconds).div_euclid(*unit))
            }
            Expression::Empty if info.is_directory() => {
                std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
            }
            Expression::Empty => info.letter() == 'f' && info.size == 0,
            Expression::Mode('-', mode) => info.mode & mode == *mode,
            Expression::Mode('/', mode) => *mode == 0 || info.mode & mode != 0,
            Expression::Mode(_, mode) => info.mode == *mode,
            Expression::Prune => {
                *prune = true;
                true
            }
            Expression::Print(end) => {
                streams.output.write_all(path.as_os_str().as_encoded_bytes())?;
                streams.output.write_all(&[u8::try_from(*end).unwrap_or(b'\n')])?;
                true
            }
            // `.` itself cannot be removed; GNU passes over it.
            Expression::Delete if path == Path::new(".") => true,
            Expression::Delete => {
                let removed = if info.is_directory() { std::fs::remove_dir(path) } else { std::fs::remove_file(path) };
                match removed {
                    Ok(()) => true,
                    Err(error) => {
                        self.complain(path, &error, streams)?;
                        false
                    }
                }
            }
            Expression::Execute(execution, number) if execution.many => {
                let (_, waiting) = self.waiting[*number].get_or_insert_with(|| (execution.clone(), Waiting::default()));
                if waiting.add(path) {
                    let waiting = std::mem::take(waiting);
                    self.many(execution, waiting, streams)?;
                }
                true
            }
            Expression::Execute(execution, _) => execution.one(path, streams)?,
            Expression::Format(parts) => {
                let text = format::print(parts, path, &self.start, self.level, info);
                streams.output.write_all(text.as_bytes())?;
                true
            }
            Expression::Links(comparison) => comparison.holds(i64::try_from(info.links).unwrap_or(i64::MAX)),
            Expression::Quit => {
                self.done = true;
                true
            }
        })
    }
}

/// The last part of a path as `-name` sees it: also of `.`, `..` and `/`.
fn base_name(path: &Path) -> String {
    let text = path.to_string_lossy();
    let trimmed = text.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        Some("") | None => "/".to_owned(),
        Some(name) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    fn tree() -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        for path in ["a/b", "node_modules/x", "empty"] {
            std::fs::create_dir_all(directory.path().join(path)).expect("makes");
        }
        for (path, data) in
            [("a/one.txt", "1"), ("a/b/two.TXT", ""), ("node_modules/x/three.txt", "333"), ("four", "4")]
        {
            std::fs::write(directory.path().join(path), data).expect("writes");
        }
        directory
    }

    fn found(tests: &str) -> String {
        let directory = tree();
        let path = directory.path().to_str().expect("text");
        let mut words = vec!["find", path];
        words.extend(tests.split_whitespace());
        let (output, errors, _) = run(&words, "");
        (output + &errors).replace(&format!("{path}/"), "").replace(path, ".").replace('\0', "0").replace('\n', " ")
    }

    #[test]
    fn files_are_found_by_their_properties() {
        assert_eq!(
            found(""),
            ". a a/b a/b/two.TXT a/one.txt empty four node_modules node_modules/x node_modules/x/three.txt "
        );
        assert_eq!(found("-name *.txt"), "a/one.txt node_modules/x/three.txt ");
        assert_eq!(found("-iname *.txt -size -1"), "a/b/two.TXT ");
        assert_eq!(found("-type d -empty"), "empty ");
        assert_eq!(found("-empty"), "a/b/two.TXT empty ");
        assert_eq!(found("-name node_modules -prune -o -type f -print"), "a/b/two.TXT a/one.txt four ");
        assert_eq!(found("-maxdepth 1 -mindepth 1 ! -type d"), "four ");
        assert_eq!(found("-path */x/* -print0"), "node_modules/x/three.txt0");
        assert_eq!(found("-type f -mtime -1 -size 3c"), "node_modules/x/three.txt ");
        assert_eq!(found("-name b -depth"), "a/b ");
        assert_eq!(found("-name two* -print -quit -o -name one*"), "a/b/two.TXT ");
        assert_eq!(found("-bogus"), "find: `-bogus` is not supported ");
        assert_eq!(
            found("-name *.txt -printf %f:%s:%y:%d:%P\\n"),
            "one.txt:1:f:2:a/one.txt three.txt:3:f:3:node_modules/x/three.txt "
        );
        assert_eq!(found("-regex .*/t[wh].*\\.\\(txt\\|TXT\\)"), "a/b/two.TXT node_modules/x/three.txt ");
        assert_eq!(found("-regextype posix-extended -iregex .*/(one|two)\\.txt"), "a/b/two.TXT a/one.txt ");
        assert_eq!(found("-regex one.txt"), "");
        assert_eq!(found("-type f -newermt 2001-01-01 ! -newermt tomorrow -name four"), "four ");
        assert_eq!(found("-type f -newermt tomorrow"), "");
        assert_eq!(found("-name four -print , -name a -print"), "a four ");
        assert_eq!(found("-type f -executable"), "");
        assert_eq!(found("-type f -links 1 -user root -name four"), "four ");
    }

    #[test]
    fn links_and_other_files_are_compared_with() {
        let directory = tree();
        let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
        std::os::unix::fs::symlink("four", path("link")).expect("links");
        std::fs::hard_link(path("four"), path("five")).expect("links");
        let root = path("");
        let found = |tests: &[&str]| {
            let words: Vec<&str> = ["find", root.as_str()].iter().chain(tests).copied().collect();
            run(&words, "").0.replace(&root, "").replace('\n', " ")
        };
        assert_eq!(found(&["-samefile", &path("four")]), "five four ");
        assert_eq!(found(&["-lname", "f*"]), "link ");
        assert_eq!(found(&["-type", "l", "-xtype", "f"]), "link ");
        assert_eq!(found(&["-newermm", &path("four"), "-newerat", "@0"]).len(), 0);
        assert!(found(&["-name", "link", "-ls"]).ends_with("link -> four "), "{}", found(&["-ls"]));
    }

    #[test]
    fn commands_run_for_what_is_found() {
        let directory = tree();
        let path = directory.path().to_str().expect("text");
        let left = || directory.path().join("a/one.txt").exists();
        assert_eq!(
            run(&["find", path, "-name", "one.txt", "-exec", "test", "-d", "{}", ";", "-delete"], ""),
            (String::new(), String::new(), 0)
        );
        assert!(left());
        assert_eq!(
            run(&["find", path, "-name", "one.txt", "-exec", "rm", "-f", "{}", ";"], ""),
            (String::new(), String::new(), 0)
        );
        assert!(!left());
        assert_eq!(run(&["find", path, "-type", "f", "-exec", "rm", "{}", "+"], "").2, 0);
        assert_eq!(run(&["find", path, "-type", "f"], ""), (String::new(), String::new(), 0));
        assert_eq!(run(&["find", path, "-maxdepth", "0", "-exec", "false", "{}", "+"], "").2, 1);
        let (_, errors, status) = run(&["find", path, "-maxdepth", "0", "-exec", "no-such-command", ";"], "");
        assert_eq!((errors.as_str(), status), ("find: 'no-such-command': No such file or directory\n", 0));
    }

    #[test]
    fn deleting_goes_from_the_inside_outwards() {
        let directory = tree();
        let path = directory.path().join("a");
        assert_eq!(run(&["find", path.to_str().expect("text"), "-delete"], ""), (String::new(), String::new(), 0));
        assert!(!path.exists());
    }
}

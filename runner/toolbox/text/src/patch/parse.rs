//! What a patch says.

/// Changes of one file.
#[derive(Debug, Default)]
pub(super) struct FilePatch {
    /// The names of the file before and after, as they are written, and of its `Index:`.
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
    pub(super) index: Option<String>,
    /// The heads as they stand there, for what is rejected.
    pub(super) heads: Vec<Vec<u8>>,
    pub(super) hunks: Vec<Hunk>,
    /// The file is new, or goes.
    pub(super) creates: bool,
    pub(super) deletes: bool,
    /// Git says that it has another name afterwards.
    pub(super) renames: bool,
    /// The mode that it gets.
    pub(super) mode: Option<u32>,
}

/// A place where lines change.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Hunk {
    /// The first line, from 1; where there is none, the one before.
    pub(super) old_start: usize,
    pub(super) new_start: usize,
    pub(super) lines: Vec<(Kind, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Same,
    Old,
    New,
}

impl Hunk {
    /// The lines before the change.
    pub(super) fn before(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().filter(|(kind, _)| *kind != Kind::New).map(|(_, line)| line.as_slice())
    }

    /// The lines after it.
    pub(super) fn after(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().filter(|(kind, _)| *kind != Kind::Old).map(|(_, line)| line.as_slice())
    }

    /// The hunk that takes it back.
    pub(super) fn reversed(&self) -> Self {
        let mut lines: Vec<(Kind, Vec<u8>)> = vec![];
        // What was added goes, and stands before what comes back.
        let mut added: Vec<(Kind, Vec<u8>)> = vec![];
        for (kind, line) in &self.lines {
            match kind {
                Kind::Old => added.push((Kind::New, line.clone())),
                Kind::New => lines.push((Kind::Old, line.clone())),
                Kind::Same => {
                    lines.append(&mut added);
                    lines.push((Kind::Same, line.clone()));
                }
            }
        }
        lines.append(&mut added);
        Self { old_start: self.new_start, new_start: self.old_start, lines }
    }
}

impl FilePatch {
    /// The patch that takes it back.
    pub(super) fn reversed(self) -> Self {
        Self {
            old: self.new,
            new: self.old,
            hunks: self.hunks.iter().map(Hunk::reversed).collect(),
            creates: self.deletes,
            deletes: self.creates,
            mode: None,
            ..self
        }
    }
}

/// Reads a patch: unified, with git's heads, or normal. The error is a message.
pub(super) fn parse(text: &[u8]) -> Result<Vec<FilePatch>, String> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let mut parser = Parser { lines: &lines, at: 0 };
    let mut patches = vec![];
    let mut next = FilePatch::default();
    while let Some(line) = parser.peek() {
        if let Some(name) = line.strip_prefix(b"Index: ") {
            next.index = Some(text_of(name));
        } else if line.starts_with(b"diff --git ") {
            // What stood before without lines to change: a mode, a name.
            finish(&mut patches, &mut next);
            (next.old, next.new) = git_names(&text_of(&line[b"diff --git ".len()..]));
        } else if let Some(mode) = line.strip_prefix(b"new file mode ") {
            (next.creates, next.mode) = (true, mode_of(mode));
        } else if let Some(mode) = line.strip_prefix(b"new mode ") {
            next.mode = mode_of(mode);
        } else if line.starts_with(b"deleted file mode ") {
            next.deletes = true;
        } else if let Some(name) = line.strip_prefix(b"rename from ") {
            (next.old, next.renames) = (Some(format!("a/{}", text_of(name))), true);
        } else if let Some(name) = line.strip_prefix(b"rename to ") {
            next.new = Some(format!("b/{}", text_of(name)));
        } else if line.starts_with(b"copy from ") || line.starts_with(b"GIT binary patch") {
            return Err(format!("`{}` in a patch is not supported", text_of(line)));
        } else if line.starts_with(b"--- ") && parser.peek_at(1).is_some_and(|line| line.starts_with(b"+++ ")) {
            parser.unified(&mut next)?;
            finish(&mut patches, &mut next);
            continue;
        } else if line.starts_with(b"*** ") && parser.peek_at(1).is_some_and(|line| line.starts_with(b"--- ")) {
            return Err("patches with context (diff -c) are not supported, unified ones are".to_owned());
        } else if normal_command(line).is_some() {
            parser.normal(&mut next)?;
            finish(&mut patches, &mut next);
            continue;
        }
        parser.at += 1;
    }
    finish(&mut patches, &mut next);
    if patches.is_empty() {
        return Err("only garbage was found in the patch input".to_owned());
    }
    Ok(patches)
}

fn finish(patches: &mut Vec<FilePatch>, next: &mut FilePatch) {
    let patch = std::mem::take(next);
    if !patch.hunks.is_empty() || patch.renames || patch.mode.is_some() || patch.creates || patch.deletes {
        patches.push(patch);
    }
}

fn text_of(line: &[u8]) -> String {
    String::from_utf8_lossy(line.trim_ascii_end()).into_owned()
}

/// Of a mode of git, the bits that permit.
fn mode_of(text: &[u8]) -> Option<u32> {
    u32::from_str_radix(text_of(text).get(3..)?, 8).ok()
}

/// The names of `diff --git a/x b/x`.
fn git_names(text: &str) -> (Option<String>, Option<String>) {
    let middle = text.match_indices(" b/").find(|(at, _)| text.get(2..*at) == text.get(at + 3..)).map(|(at, _)| at);
    match middle.or_else(|| text.find(" b/")) {
        Some(at) => (Some(text[..at].to_owned()), Some(text[at + 1..].to_owned())),
        None => (None, None),
    }
}

/// The command of a normal patch: lines before, what is done, lines after.
fn normal_command(line: &[u8]) -> Option<([usize; 2], u8, [usize; 2])> {
    let line = line.trim_ascii_end();
    let at = line.iter().position(|byte| b"acd".contains(byte))?;
    let range = |bytes: &[u8]| -> Option<[usize; 2]> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (first, last) = text.split_once(',').unwrap_or((text, text));
        Some([first.parse().ok()?, last.parse().ok()?])
    };
    Some((range(&line[..at])?, line[at], range(&line[at + 1..])?))
}

struct Parser<'a> {
    lines: &'a [&'a [u8]],
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a [u8]> {
        self.peek_at(0)
    }

    fn peek_at(&self, further: usize) -> Option<&'a [u8]> {
        self.lines.get(self.at + further).copied()
    }

    fn fault(&self, what: &str) -> String {
        format!("malformed patch at line {}: {what}", self.at + 1)
    }

    fn unified(&mut self, patch: &mut FilePatch) -> Result<(), String> {
        for (side, mark) in [(0, b"--- "), (1, b"+++ ")] {
            let line = self.peek().unwrap_or_default();
            patch.heads.push(line.to_vec());
            let text = text_of(line.strip_prefix(mark.as_slice()).unwrap_or_default());
            let (name, time) = text.split_once('\t').unwrap_or((&text, ""));
            let name = name.trim_matches('"').to_owned();
            // A file that is not there has the beginning of time, or the name of nothing.
            let absent = name == "/dev/null" || time.starts_with("1970-01-01 00:00:00");
            if side == 0 {
                patch.creates |= absent;
                patch.old = Some(name);
            } else {
                patch.deletes |= absent;
                patch.new = Some(name);
            }
            self.at += 1;
        }
        while let Some(line) = self.peek().filter(|line| line.starts_with(b"@@ -")) {
            let text = text_of(line);
            let range = |text: &str| -> Option<[usize; 2]> {
                let (start, count) = text.split_once(',').unwrap_or((text, "1"));
                Some([start.parse().ok()?, count.parse().ok()?])
            };
            let mut words = text.split(' ').skip(1);
            let old = words.next().and_then(|word| range(word.strip_prefix('-')?));
            let new = words.next().and_then(|word| range(word.strip_prefix('+')?));
            let (Some([old_start, old]), Some([new_start, new])) = (old, new) else {
                return Err(self.fault(&text));
            };
            self.at += 1;
            let mut hunk = Hunk { old_start, new_start, lines: vec![] };
            self.hunk(&mut hunk, old, new)?;
            patch.hunks.push(hunk);
        }
        Ok(())
    }

    /// The lines of a unified hunk.
    fn hunk(&mut self, hunk: &mut Hunk, mut old: usize, mut new: usize) -> Result<(), String> {
        while old > 0 || new > 0 || self.peek().is_some_and(|line| line.starts_with(b"\\ ")) {
            let Some(line) = self.peek() else { return Err(self.fault("the patch ends within a hunk")) };
            let kind = match line.first() {
                Some(b' ') => Kind::Same,
                Some(b'-') => Kind::Old,
                Some(b'+') => Kind::New,
                // Blanks at the end of lines get lost in mails.
                Some(b'\n' | b'\t' | b'\r') => Kind::Same,
                Some(b'\\') => {
                    if let Some((_, last)) = hunk.lines.last_mut() {
                        last.pop_if(|last| *last == b'\n');
                    }
                    self.at += 1;
                    continue;
                }
                _ => return Err(self.fault(&text_of(line))),
            };
            let count = |left: &mut usize, counts: bool| match (counts, left.checked_sub(1)) {
                (true, None) => false,
                (true, Some(less)) => {
                    *left = less;
                    true
                }
                (false, _) => true,
            };
            if !count(&mut old, kind != Kind::New) || !count(&mut new, kind != Kind::Old) {
                return Err(self.fault("a hunk has other lines than its head says"));
            }
            let marked = matches!(line.first(), Some(b' ' | b'-' | b'+'));
            let mut text = line[usize::from(marked)..].to_vec();
            if !text.ends_with(b"\n") {
                text.push(b'\n');
            }
            hunk.lines.push((kind, text));
            self.at += 1;
        }
        Ok(())
    }

    fn normal(&mut self, patch: &mut FilePatch) -> Result<(), String> {
        while let Some((old, command, new)) = self.peek().and_then(normal_command) {
            self.at += 1;
            let count = |[first, last]: [usize; 2]| (last + 1).saturating_sub(first);
            let (removed, added) = match command {
                b'a' => (0, count(new)),
                b'd' => (count(old), 0),
                _ => (count(old), count(new)),
            };
            let mut hunk = Hunk { old_start: old[0], new_start: new[0], lines: vec![] };
            for (wanted, mark, kind) in [(removed, b'<', Kind::Old), (added, b'>', Kind::New)] {
                if kind == Kind::New && command == b'c' {
                    match self.peek() {
                        Some(line) if line.starts_with(b"---") => self.at += 1,
                        _ => return Err(self.fault("`---` expected")),
                    }
                }
                for _ in 0..wanted {
                    let line = self.peek().filter(|line| line.first() == Some(&mark));
                    let line = line.ok_or_else(|| self.fault(&format!("`{}` expected", char::from(mark))))?;
                    hunk.lines.push((kind, line.get(2..).unwrap_or(b"\n").to_vec()));
                    self.at += 1;
                }
                if self.peek().is_some_and(|line| line.starts_with(b"\\ ")) {
                    if let Some((_, last)) = hunk.lines.last_mut() {
                        last.pop_if(|last| *last == b'\n');
                    }
                    self.at += 1;
                }
            }
            patch.hunks.push(hunk);
        }
        Ok(())
    }
}

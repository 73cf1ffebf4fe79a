use std::io::{self, Read, Write};

use super::matcher::Matcher;
use super::options::{Binary, Request};

/// How much is read at once, in bytes.
const BLOCK: usize = 128 << 10;

/// What ends a search.
pub(super) enum Trouble {
    /// The input cannot be read.
    Read(io::Error),
    /// The output cannot be written.
    Write(io::Error),
    /// Another fault: a message.
    Other(String),
}

impl From<String> for Trouble {
    fn from(message: String) -> Self {
        Self::Other(message)
    }
}

/// What a search came to.
pub(super) struct Found {
    /// Whether a line was selected.
    pub(super) selected: bool,
    /// Whether that is to be said of a binary file, whose lines are not printed.
    pub(super) binary: bool,
}

/// Searches one input.
pub(super) fn scan(
    request: &Request,
    input: &mut dyn Read,
    name: &[u8],
    with_name: bool,
    output: &mut dyn Write,
) -> Result<Found, Trouble> {
    let silent = request.quiet || request.names.is_some() || request.count;
    let mut scan = Scan {
        request,
        output,
        name: with_name.then_some(name),
        silent,
        buffer: vec![],
        filled: 0,
        at: 0,
        base: 0,
        counted: 0,
        number: 1,
        selected: 0,
        owed: 0,
        printed: None,
        binary: false,
        ended: false,
    };
    scan.run(input)?;
    let (found, binary, selected) = (scan.selected > 0, scan.binary, scan.selected);
    let written = if request.quiet {
        Ok(())
    } else if let Some(matching) = request.names {
        let end: &[u8] = if request.null_after_name { b"\0" } else { b"\n" };
        if found == matching { output.write_all(&[name, end].concat()) } else { Ok(()) }
    } else if request.count {
        let mark: &[u8] = if request.null_after_name { b"\0" } else { b":" };
        let before = if with_name { [name, mark].concat() } else { vec![] };
        output.write_all(&before).and_then(|()| writeln!(output, "{selected}"))
    } else {
        Ok(())
    };
    written.map(|()| Found { selected: found, binary: binary && found && !silent }).map_err(Trouble::Write)
}

struct Scan<'a> {
    request: &'a Request,
    output: &'a mut dyn Write,
    /// What stands before lines.
    name: Option<&'a [u8]>,
    /// Whether no line is printed.
    silent: bool,
    /// Whole lines, and the beginning of one; it starts with a line.
    buffer: Vec<u8>,
    /// How much of the buffer was read.
    filled: usize,
    /// The first line in the buffer that was not looked at.
    at: usize,
    /// Where the buffer begins in the file.
    base: u64,
    /// Up to this place in the file lines are counted, and the number of the line there.
    counted: u64,
    number: u64,
    selected: u64,
    /// How many lines after the last selected one are still printed.
    owed: usize,
    /// The place in the file after the last printed line.
    printed: Option<u64>,
    binary: bool,
    /// Nothing more is to be found.
    ended: bool,
}

impl Scan<'_> {
    fn run(&mut self, input: &mut dyn Read) -> Result<(), Trouble> {
        while !self.ended {
            self.make_room()?;
            let count = loop {
                match input.read(&mut self.buffer[self.filled..]) {
                    Ok(count) => break count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(Trouble::Read(error)),
                }
            };
            let new = &self.buffer[self.filled..self.filled + count];
            let text = self.request.binary == Binary::Text || self.request.terminator == 0;
            if !self.binary && !text && memchr::memchr(0, new).is_some() {
                self.binary = true;
                if self.request.binary == Binary::Skip {
                    return Ok(());
                }
            }
            self.filled += count;
            let mut last = false;
            let end = if count > 0 {
                match memchr::memrchr(self.request.terminator, &self.buffer[self.at..self.filled]) {
                    Some(at) => self.at + at + 1,
                    None => continue,
                }
            } else if self.at == self.filled {
                return Ok(());
            } else {
                // The last line has no end, but gets one.
                self.buffer[self.filled] = self.request.terminator;
                self.filled += 1;
                last = true;
                self.filled
            };
            self.lines(end)?;
            self.ended |= last;
        }
        Ok(())
    }

    /// Forgets what was looked at, but for the lines that may be printed before a selected one.
    fn make_room(&mut self) -> Result<(), Trouble> {
        if self.buffer.len() - self.filled >= BLOCK {
            return Ok(());
        }
        let kept = self.before(self.at, self.request.before);
        if self.request.number {
            self.number = self.number_at(kept);
            self.counted = self.base + kept as u64;
        }
        self.buffer.copy_within(kept..self.filled, 0);
        self.filled -= kept;
        self.at -= kept;
        self.base += kept as u64;
        // One more than is read, for the end of a last line.
        let wanted = self.filled + BLOCK + 1;
        if self.buffer.len() < wanted {
            let longer = wanted.max(self.buffer.len() * 2) - self.buffer.len();
            self.buffer.try_reserve(longer).map_err(|_| Trouble::Other("a line is too long".to_owned()))?;
            self.buffer.resize(self.buffer.len() + longer, 0);
        }
        Ok(())
    }

    /// Where the `count` lines before a line begin, of those that are still there and not printed.
    fn before(&self, line: usize, count: usize) -> usize {
        let first = self.printed.map_or(0, |printed| printed.saturating_sub(self.base) as usize).min(line);
        let mut start = line;
        for _ in 0..count {
            if start <= first {
                break;
            }
            let found = memchr::memrchr(self.request.terminator, &self.buffer[first..start - 1]);
            start = found.map_or(first, |at| first + at + 1);
        }
        start
    }

    /// Looks at the lines up to `end`.
    fn lines(&mut self, end: usize) -> Result<(), Trouble> {
        while self.at < end && !self.ended {
            if self.selected >= self.request.limit {
                // Only what follows the last selected line is still to be printed.
                self.rejected(end)?;
                self.ended |= self.owed == 0;
                return Ok(());
            }
            let (start, next) = self.matching(end)?;
            if self.request.invert {
                while self.at < start && !self.ended && self.selected < self.request.limit {
                    let next = self.line_end(self.at, start);
                    self.select(self.at, next)?;
                    self.at = next;
                }
                if self.at < start {
                    continue;
                }
                self.rejected(next)?;
            } else {
                self.rejected(start)?;
                if start < end {
                    self.select(start, next)?;
                    self.at = next;
                }
            }
        }
        Ok(())
    }

    /// The first matching line from here on; both are `end` where there is none.
    fn matching(&self, end: usize) -> Result<(usize, usize), Trouble> {
        let matcher: &Matcher = &self.request.matcher;
        let terminator = self.request.terminator;
        if matcher.takes_many() && terminator == b'\n' {
            let Some(place) = matcher.next(&self.buffer[..end], self.at) else { return Ok((end, end)) };
            let start =
                memchr::memrchr(terminator, &self.buffer[self.at..place]).map_or(self.at, |at| self.at + at + 1);
            return Ok((start, self.line_end(place, end)));
        }
        let mut start = self.at;
        while start < end {
            let next = self.line_end(start, end);
            if matcher.is_match(&self.buffer[start..next - 1])? {
                return Ok((start, next));
            }
            start = next;
        }
        Ok((end, end))
    }

    /// The place after the line that holds a place.
    fn line_end(&self, place: usize, end: usize) -> usize {
        memchr::memchr(self.request.terminator, &self.buffer[place..end]).map_or(end, |at| place + at + 1)
    }

    /// Goes over lines that are not selected, and prints those that are owed.
    fn rejected(&mut self, to: usize) -> Result<(), Trouble> {
        while self.owed > 0 && self.at < to {
            let next = self.line_end(self.at, to);
            self.print(self.at, next, b'-')?;
            self.at = next;
            self.owed -= 1;
        }
        self.at = self.at.max(to);
        Ok(())
    }

    fn select(&mut self, start: usize, next: usize) -> Result<(), Trouble> {
        self.selected += 1;
        let request = self.request;
        if self.silent || self.binary {
            self.ended = !request.count || request.quiet || request.names.is_some() || self.selected >= request.limit;
            return Ok(());
        }
        if request.only_matching {
            self.print_matches(start, next)?;
        } else {
            let mut line = self.before(start, request.before);
            let begin = self.base + line as u64;
            if let Some(separator) = request.separator.as_ref().filter(|_| request.before > 0 || request.after > 0)
                && self.printed.is_some_and(|printed| begin > printed)
            {
                self.output.write_all(&[separator, b"\n".as_slice()].concat()).map_err(Trouble::Write)?;
            }
            while line < start {
                let next = self.line_end(line, start);
                self.print(line, next, b'-')?;
                line = next;
            }
            self.print(start, next, b':')?;
            self.owed = request.after;
        }
        self.ended = self.selected >= request.limit && self.owed == 0;
        Ok(())
    }

    /// Prints a line; `mark` tells selected lines from those around them.
    fn print(&mut self, start: usize, next: usize, mark: u8) -> Result<(), Trouble> {
        self.print_head(start, start, mark)?;
        self.output.write_all(&self.buffer[start..next]).map_err(Trouble::Write)?;
        self.printed = Some(self.base + next as u64);
        if self.request.flush { self.output.flush().map_err(Trouble::Write) } else { Ok(()) }
    }

    fn print_matches(&mut self, start: usize, next: usize) -> Result<(), Trouble> {
        let (request, mut from) = (self.request, 0);
        if request.invert {
            return Ok(());
        }
        while let Some((begin, end)) = request.matcher.find(&self.buffer[start..next - 1], from)? {
            if begin == end {
                from = end + stepbox_tool::pattern::character_length(&self.buffer[start..next - 1], end);
                if from > next - 1 - start {
                    break;
                }
                continue;
            }
            self.print_head(start, start + begin, b':')?;
            let found = &self.buffer[start + begin..start + end];
            self.output.write_all(found).map_err(Trouble::Write)?;
            self.output.write_all(&[request.terminator]).map_err(Trouble::Write)?;
            from = end;
        }
        if request.flush { self.output.flush().map_err(Trouble::Write) } else { Ok(()) }
    }

    /// What stands before a line, or before a part of it that begins at `place`.
    fn print_head(&mut self, line: usize, place: usize, mark: u8) -> Result<(), Trouble> {
        let mut head = vec![];
        if let Some(name) = self.name {
            head.extend(name);
            head.push(if self.request.null_after_name { 0 } else { mark });
        }
        if self.request.number {
            // Lines are printed in their order, but for those before a selected one.
            let number = self.number_at(line);
            (self.number, self.counted) = (number, self.base + line as u64);
            head.extend(format!("{number}").bytes());
            head.push(mark);
        }
        if self.request.offset {
            head.extend(format!("{}", self.base + place as u64).bytes());
            head.push(mark);
        }
        if head.is_empty() { Ok(()) } else { self.output.write_all(&head).map_err(Trouble::Write) }
    }

    /// The number of the line that begins at a place in the buffer.
    fn number_at(&self, line: usize) -> u64 {
        let lines = |bytes: &[u8]| memchr::memchr_iter(self.request.terminator, bytes).count() as u64;
        let counted = self.counted.saturating_sub(self.base) as usize;
        if line >= counted {
            self.number + lines(&self.buffer[counted..line])
        } else {
            self.number - lines(&self.buffer[line..counted])
        }
    }
}

//! A line at a terminal, as a person edits it: arrows, history, the usual control keys, characters of any width.
//!
//! Own and small: `rustyline` and `reedline` bring their own terminal crates (`nix`, `crossterm`), read ahead what the next program is
//! to read, and know lines of UTF-8 only.

mod buffer;
mod history;
mod keys;
mod raw_mode;
mod screen;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use stepbox_engine::Typed;
use stepbox_worker::{Line, LineEditor};

use self::buffer::Buffer;
use self::history::History;
use self::keys::{Decoder, Key};
use self::raw_mode::RawMode;
use self::screen::Screen;
use crate::environment;

/// How often it is looked whether the line is still wanted, in nanoseconds.
const PATIENCE: i64 = 20_000_000;

/// How long a line may become, in bytes.
const MAX_LINE: usize = 1 << 20;

/// The program's own terminal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prompt {
    signals: Arc<Signals>,
    history: History,
}

#[derive(Debug, Default)]
struct Signals {
    interrupted: AtomicBool,
    withdrawn: AtomicBool,
}

/// What there was before a byte of the terminal.
enum Waited {
    Byte(u8),
    Interrupted,
    /// The terminal is gone, or nobody wants the line any more.
    End,
    /// Nothing, for a while.
    Nothing,
}

impl Prompt {
    /// Ctrl-C came as a signal and nothing ran that it was for.
    pub(crate) fn interrupt(&self) {
        self.signals.interrupted.store(true, Ordering::Relaxed);
    }

    /// Nobody wants the line any more: it ends now.
    pub(crate) fn withdraw(&self) {
        self.signals.withdrawn.store(true, Ordering::Relaxed);
    }

    /// It may be wanted again.
    pub(crate) fn welcome(&self) {
        self.signals.withdrawn.store(false, Ordering::Relaxed);
    }

    /// A line for a program that reads, edited as the terminal itself does it.
    pub(crate) fn input(&mut self) -> io::Result<Typed> {
        let mut text = vec![];
        loop {
            match self.wait()? {
                Waited::Byte(byte) => {
                    text.push(byte);
                    if byte == b'\n' || text.len() >= MAX_LINE {
                        return Ok(Typed::Text(text));
                    }
                }
                Waited::Interrupted => return Ok(Typed::Interrupted),
                Waited::End if text.is_empty() => return Ok(Typed::End),
                Waited::End => return Ok(Typed::Text(text)),
                Waited::Nothing => {}
            }
        }
    }

    /// The next byte. One at a time, so that what is typed ahead is there for whoever reads next.
    fn wait(&self) -> io::Result<Waited> {
        if self.signals.withdrawn.load(Ordering::Relaxed) {
            return Ok(Waited::End);
        }
        if self.signals.interrupted.swap(false, Ordering::Relaxed) {
            return Ok(Waited::Interrupted);
        }
        let mut ready = [PollFd::from_borrowed_fd(rustix::stdio::stdin(), PollFlags::IN)];
        match poll(&mut ready, Some(&Timespec { tv_sec: 0, tv_nsec: PATIENCE })) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Waited::Nothing),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut byte = [0];
        match rustix::io::read(rustix::stdio::stdin(), &mut byte) {
            Ok(0) => Ok(Waited::End),
            Ok(_) => Ok(Waited::Byte(byte[0])),
            Err(rustix::io::Errno::INTR) => Ok(Waited::Nothing),
            // The terminal hung up.
            Err(rustix::io::Errno::IO) => Ok(Waited::End),
            Err(error) => Err(error.into()),
        }
    }

    /// A line where the terminal cannot move its cursor.
    fn plain_line(&mut self, prompt: &[u8]) -> io::Result<Line> {
        screen::write(prompt)?;
        Ok(match self.input()? {
            Typed::Text(text) => Line::Text(text),
            Typed::Interrupted => {
                screen::write(b"\n")?;
                Line::Interrupted
            }
            Typed::End => {
                screen::write(b"\n")?;
                Line::End
            }
        })
    }

    fn edited_line(&mut self, prompt: &[u8], mode: RawMode) -> io::Result<Line> {
        let mut buffer = Buffer::default();
        let mut screen = Screen::begin(prompt)?;
        let mut decoder = Decoder::default();
        self.history.begin();
        let line = loop {
            let key = match self.wait()? {
                Waited::Byte(byte) => decoder.feed(byte),
                Waited::Interrupted => Some(Key::Interrupt),
                Waited::End => break Line::End,
                Waited::Nothing => {
                    screen.follow_resize(&buffer)?;
                    continue;
                }
            };
            let Some(key) = key else { continue };
            match key {
                Key::Enter => {
                    self.history.add(buffer.text());
                    break Line::Text(format!("{}\n", buffer.text()).into_bytes());
                }
                Key::Interrupt => {
                    screen.leave(&buffer, "^C")?;
                    drop(mode);
                    return Ok(Line::Interrupted);
                }
                Key::EndOrDelete if buffer.text().is_empty() => break Line::End,
                Key::ClearScreen => screen.clear()?,
                Key::Up => buffer.replace(self.history.older(buffer.text())),
                Key::Down => buffer.replace(self.history.newer()),
                Key::Text(_) if buffer.text().len() >= MAX_LINE => continue,
                key => buffer.apply(key),
            }
            screen.show(&buffer)?;
        };
        screen.leave(&buffer, "")?;
        drop(mode);
        Ok(line)
    }
}

impl LineEditor for Prompt {
    fn line(&mut self, prompt: &[u8]) -> io::Result<Line> {
        self.signals.interrupted.store(false, Ordering::Relaxed);
        let mode = if environment::terminal_moves() { RawMode::enter() } else { None };
        match mode {
            Some(mode) => self.edited_line(prompt, mode),
            None => self.plain_line(prompt),
        }
    }
}

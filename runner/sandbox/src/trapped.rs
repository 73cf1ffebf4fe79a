use std::fmt;

use stepbox_system::ExitStatus;
use wasmtime::{Trap, WasmBacktrace};

/// How a guest ended that did something forbidden to itself: what, and where in the module, as far as its names tell.
pub(crate) struct Ended {
    what: String,
    place: Vec<String>,
    trap: Option<Trap>,
}

/// How many functions are told of those that called each other.
const FRAMES: usize = 4;

impl Ended {
    pub(crate) fn of(error: &wasmtime::Error) -> Self {
        let trap = error.downcast_ref::<Trap>().copied();
        let what = match trap {
            Some(Trap::StackOverflow) => "stack overflow".to_owned(),
            // A panic of the guest, which has already said what it had to say.
            Some(Trap::UnreachableCodeReached) => "aborted".to_owned(),
            Some(trap) => trap.to_string(),
            None => error.root_cause().to_string(),
        };
        let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
        let named = |frame: &wasmtime::FrameInfo| {
            let name = frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), shortened);
            match frame.module_offset() {
                Some(offset) => format!("{name} at {offset:#x}"),
                None => name,
            }
        };
        let place = if trap.is_some() { frames.iter().take(FRAMES).map(named).collect() } else { vec![] };
        Self { what, place, trap }
    }

    /// As a signal of the kernel would leave it: the one that fits what the guest did.
    pub(crate) fn status(&self) -> ExitStatus {
        ExitStatus::new(match self.trap {
            Some(Trap::MemoryOutOfBounds | Trap::HeapMisaligned | Trap::StackOverflow) => 139,
            Some(Trap::IntegerDivisionByZero | Trap::IntegerOverflow | Trap::BadConversionToInteger) => 136,
            _ => 134,
        })
    }
}

/// A name that the module gives, which is a stranger's text.
fn shortened(name: &str) -> String {
    let clean: String = name.chars().filter(|c| !c.is_control()).take(120).collect();
    format!("`{clean}`")
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(f)?;
        for (index, place) in self.place.iter().enumerate() {
            write!(f, "{} {place}", if index == 0 { " in" } else { ", called by" })?;
        }
        Ok(())
    }
}

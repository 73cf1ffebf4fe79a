use std::any::Any;

/// What somebody waits for at an open file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Interest {
    /// That a read does not wait: there is something, or the end.
    Read,
    /// That a write does not wait: there is room, or nobody reads.
    Write,
}

/// Keeps a waker at an open file; dropping it takes the waker away.
#[must_use = "dropping it takes the waker away"]
pub struct Watch(#[expect(dead_code, reason = "held for its end")] Box<dyn Any + Send>);

impl Watch {
    /// A watch that ends when `guard` is dropped.
    pub fn new(guard: impl Any + Send) -> Self {
        Self(Box::new(guard))
    }
}

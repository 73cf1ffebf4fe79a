//! Limits: what a command, a step, a build and a host may use.
//!
//! [`Limit::ALL`] names each once, with its unit, default and meaning; reading, help, errors and the reference all come
//! from there. [`Wanted`] is what somebody asks for (the project, the user, the owner of the host); [`Limits::settle`]
//! makes of all that what holds. A [`Budget`] is what is left of one.

mod amount;
mod budget;
mod limit;
mod limits;
mod wanted;

pub use amount::{BadAmount, Unit};
pub use budget::{Budget, Exceeded};
pub use limit::{Limit, Per};
pub use limits::{Limits, Setter, Setting, Settled};
pub use wanted::{BadLimit, Wanted};

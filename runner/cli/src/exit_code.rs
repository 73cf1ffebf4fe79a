//! What the program's exit status means. These numbers are an interface: they do not change.

/// The build, or the command, succeeded.
pub(crate) const SUCCESS: u8 = 0;
/// The build failed: a step did, a timeout of its own included. The volume is saved.
pub(crate) const BUILD_FAILED: u8 = 1;
/// Wrong usage, or an invalid pipeline; nothing has run.
pub(crate) const USAGE: u8 = 2;
/// The build was terminated: interrupted, or over the time of the whole build. Nothing is saved.
pub(crate) const TERMINATED: u8 = 3;
/// Stepbox itself failed. A failure only to save the volume leaves 0 or 1, unless `--require-save` is given.
pub(crate) const STEPBOX_FAILED: u8 = 4;
/// The build waits for an approval: `stepbox approve` or `stepbox deny` goes on with it.
pub(crate) const WAITING: u8 = 5;

/// The status of several builds: the largest (rule S8), but a build that waits is better than one that did not succeed.
pub(crate) fn worse(one: u8, other: u8) -> u8 {
    let weight = |status: u8| (u16::from(status) << 1) - if status == WAITING { 9 } else { 0 };
    if weight(one) >= weight(other) { one } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s8_the_worst_of_several_builds_counts() {
        let order = [SUCCESS, WAITING, BUILD_FAILED, USAGE, TERMINATED, STEPBOX_FAILED];
        for (at, one) in order.iter().enumerate() {
            for (behind, other) in order.iter().enumerate() {
                assert_eq!(worse(*one, *other), order[at.max(behind)], "{one} {other}");
            }
        }
    }
}

//! Exports to the host.
#![expect(unsafe_code, reason = "an export needs a name that the linker keeps as it is")]

/// Tells the host that this program changes to `$PWD` by itself.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn stepbox_guest_v1() {}

/// Refers to the marker, so that linking keeps it.
pub(crate) fn keep_marker() {
    std::hint::black_box(stepbox_guest_v1 as extern "C" fn());
}

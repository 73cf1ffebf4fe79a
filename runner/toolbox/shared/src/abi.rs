//! Replacements of C library functions that WASI preview 1 lacks or leaves half done. The linker puts them in place
//! (`--wrap`, see `build.rs`), for the commands of others too.
//!
//! Preview 1 knows no modes. The host's `stepbox_fs_v1` does (`guest-sdk/ABI.md`): changing them goes through it, and what `stat` tells
//! is completed by it.
#![expect(unsafe_code, reason = "functions of the C library have no other form")]

use std::ffi::CStr;

use libc::{c_char, c_int, mode_t, stat};

#[link(wasm_import_module = "stepbox_fs_v1")]
unsafe extern "C" {
    fn path_mode_get(directory: u32, lookup: u32, path: *const c_char, length: usize, mode: *mut u32) -> u32;
    fn path_mode_set(directory: u32, path: *const c_char, length: usize, mode: u32) -> u32;
    fn fd_mode_get(descriptor: u32, mode: *mut u32) -> u32;
    fn fd_mode_set(descriptor: u32, mode: u32) -> u32;
}

unsafe extern "C" {
    /// Of the C library: the directory that a path begins in, and the rest of it.
    fn __wasilibc_find_relpath(
        path: *const c_char,
        prefix: *mut *const c_char,
        relative: *mut *const c_char,
        length: usize,
    ) -> c_int;
}

/// `lookupflags`: a link at the end is followed.
const FOLLOW: u32 = 1;

/// Longer paths are `ENAMETOOLONG`, as on Linux.
const MAX_PATH: usize = 4096;

/// Calls with the directory and the rest of a path.
unsafe fn at(path: *const c_char, call: impl FnOnce(u32, &CStr) -> u32) -> u32 {
    let mut buffer = [0; MAX_PATH];
    let mut prefix = std::ptr::null();
    let mut relative: *const c_char = buffer.as_mut_ptr();
    // SAFETY: the library writes at most as much as the buffer holds, and leaves a string in it or in memory of its own.
    let directory = unsafe { __wasilibc_find_relpath(path, &mut prefix, &mut relative, MAX_PATH) };
    match u32::try_from(directory) {
        // SAFETY: as above.
        Ok(directory) => call(directory, unsafe { CStr::from_ptr(relative) }),
        Err(_) => libc::ENOENT.cast_unsigned(),
    }
}

/// The C library's way to tell an error; its numbers are WASI's.
fn told(errno: u32) -> c_int {
    if errno == 0 {
        return 0;
    }
    // SAFETY: the library's own place for the number of this thread.
    unsafe { *libc::__errno_location() = errno.cast_signed() };
    -1
}

/// Sets the mode of a file, links followed.
unsafe fn set(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: the path is a string, as the caller has promised.
    told(unsafe {
        at(path, |directory, rest| path_mode_set(directory, rest.as_ptr(), rest.count_bytes(), mode & 0o7777))
    })
}

/// Sets the mode of a file, links followed.
pub(crate) fn set_mode(path: &std::path::Path, mode: u32) -> std::io::Result<()> {
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())?;
    // SAFETY: the path is a string.
    match unsafe { set(path.as_ptr(), mode) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// The mode of a file, where it can be told.
unsafe fn get(path: *const c_char, lookup: u32) -> Option<u32> {
    let mut mode = 0;
    // SAFETY: the path is a string, as the caller has promised, and the place for the mode is ours.
    let errno = unsafe {
        at(path, |directory, rest| path_mode_get(directory, lookup, rest.as_ptr(), rest.count_bytes(), &mut mode))
    };
    (errno == 0).then_some(mode)
}

unsafe extern "C" {
    fn __real_stat(path: *const c_char, result: *mut stat) -> c_int;
    fn __real_lstat(path: *const c_char, result: *mut stat) -> c_int;
    fn __real_fstat(descriptor: c_int, result: *mut stat) -> c_int;
    fn __real_fstatat(directory: c_int, path: *const c_char, result: *mut stat, flags: c_int) -> c_int;
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_chmod(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: what the caller promised to `chmod` is what this asks for; likewise below.
    unsafe { set(path, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_fchmod(descriptor: c_int, mode: mode_t) -> c_int {
    // SAFETY: no memory is passed.
    told(unsafe { fd_mode_set(descriptor.cast_unsigned(), mode & 0o7777) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_fchmodat(directory: c_int, path: *const c_char, mode: mode_t, _flags: c_int) -> c_int {
    // SAFETY: as above.
    unsafe {
        let text = CStr::from_ptr(path);
        if directory == libc::AT_FDCWD || text.to_bytes().first() == Some(&b'/') {
            return set(path, mode);
        }
        told(path_mode_set(directory.cast_unsigned(), path, text.count_bytes(), mode & 0o7777))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_stat(path: *const c_char, result: *mut stat) -> c_int {
    // SAFETY: as above.
    unsafe { completed(__real_stat(path, result), result, || get(path, FOLLOW)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_lstat(path: *const c_char, result: *mut stat) -> c_int {
    // SAFETY: as above.
    unsafe { completed(__real_lstat(path, result), result, || get(path, 0)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_fstat(descriptor: c_int, result: *mut stat) -> c_int {
    let mode = || {
        let mut mode = 0;
        // SAFETY: the place for the mode is ours.
        (unsafe { fd_mode_get(descriptor.cast_unsigned(), &mut mode) } == 0).then_some(mode)
    };
    // SAFETY: as above.
    unsafe { completed(__real_fstat(descriptor, result), result, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_fstatat(directory: c_int, path: *const c_char, result: *mut stat, flags: c_int) -> c_int {
    let lookup = if flags & libc::AT_SYMLINK_NOFOLLOW == 0 { FOLLOW } else { 0 };
    // SAFETY: as above.
    let mode = || unsafe {
        let text = CStr::from_ptr(path);
        if directory == libc::AT_FDCWD || text.to_bytes().first() == Some(&b'/') {
            return get(path, lookup);
        }
        let mut mode = 0;
        let errno = path_mode_get(directory.cast_unsigned(), lookup, path, text.count_bytes(), &mut mode);
        (errno == 0).then_some(mode)
    };
    // SAFETY: as above.
    unsafe { completed(__real_fstatat(directory, path, result, flags), result, mode) }
}

/// Adds the mode, where the call succeeded; one that fits the kind of file where the host cannot tell.
unsafe fn completed(status: c_int, result: *mut stat, mode: impl FnOnce() -> Option<u32>) -> c_int {
    // SAFETY: the C library has filled `result` where it reports success.
    if let (0, Some(result)) = (status, unsafe { result.as_mut() })
        && result.st_mode & 0o7777 == 0
    {
        let kind = result.st_mode & libc::S_IFMT;
        result.st_mode |= match mode() {
            Some(mode) if kind != libc::S_IFLNK => mode & 0o7777,
            _ => match kind {
                libc::S_IFDIR => 0o755,
                libc::S_IFLNK => 0o777,
                libc::S_IFCHR => 0o666,
                _ => 0o644,
            },
        };
    }
    status
}

//! Replacements of C library functions that WASI preview 1 lacks or leaves half done. The linker puts them in place
//! (`--wrap`, see `build.rs`), for the commands of others too.
//!
//! Preview 1 knows no modes: changing them fails, and reading them gives none. Inside the user is root and modes never
//! deny, so that changing them is accepted, and every file has the mode that a new one would have.
#![expect(unsafe_code, reason = "functions of the C library have no other form")]

use libc::{c_char, c_int, mode_t, stat};

unsafe extern "C" {
    fn __real_stat(path: *const c_char, result: *mut stat) -> c_int;
    fn __real_lstat(path: *const c_char, result: *mut stat) -> c_int;
    fn __real_fstat(descriptor: c_int, result: *mut stat) -> c_int;
    fn __real_fstatat(directory: c_int, path: *const c_char, result: *mut stat, flags: c_int) -> c_int;
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_chmod(_path: *const c_char, _mode: mode_t) -> c_int {
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_fchmod(_descriptor: c_int, _mode: mode_t) -> c_int {
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_fchmodat(_directory: c_int, _path: *const c_char, _mode: mode_t, _flags: c_int) -> c_int {
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_stat(path: *const c_char, result: *mut stat) -> c_int {
    // SAFETY: what the caller promised to `stat` is what this asks for.
    unsafe { completed(__real_stat(path, result), result) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_lstat(path: *const c_char, result: *mut stat) -> c_int {
    // SAFETY: as above.
    unsafe { completed(__real_lstat(path, result), result) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_fstat(descriptor: c_int, result: *mut stat) -> c_int {
    // SAFETY: as above.
    unsafe { completed(__real_fstat(descriptor, result), result) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_fstatat(directory: c_int, path: *const c_char, result: *mut stat, flags: c_int) -> c_int {
    // SAFETY: as above.
    unsafe { completed(__real_fstatat(directory, path, result, flags), result) }
}

/// Adds the mode that fits the kind of file, where the call succeeded and told none.
unsafe fn completed(status: c_int, result: *mut stat) -> c_int {
    // SAFETY: the C library has filled `result` where it reports success.
    if let (0, Some(result)) = (status, unsafe { result.as_mut() })
        && result.st_mode & 0o7777 == 0
    {
        result.st_mode |= match result.st_mode & libc::S_IFMT {
            libc::S_IFDIR => 0o755,
            libc::S_IFLNK => 0o777,
            libc::S_IFCHR => 0o666,
            _ => 0o644,
        };
    }
    status
}

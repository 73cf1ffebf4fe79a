//! Rights of descriptors. Those to read and to write decide how a file is opened; the others are told, can be dropped, and do not
//! come back.

pub(super) const FD_READ: u64 = 1 << 1;
pub(super) const FD_SEEK: u64 = 1 << 2;
pub(super) const FD_TELL: u64 = 1 << 5;
pub(super) const FD_WRITE: u64 = 1 << 6;
pub(super) const PATH_FILESTAT_SET_SIZE: u64 = 1 << 19;

const FD_DATASYNC: u64 = 1;
const FD_FDSTAT_SET_FLAGS: u64 = 1 << 3;
const FD_SYNC: u64 = 1 << 4;
const FD_ADVISE: u64 = 1 << 7;
const FD_ALLOCATE: u64 = 1 << 8;
/// From `path_create_directory` to `path_filestat_set_times`, `fd_readdir` among them.
const PATHS: u64 = (1 << 21) - (1 << 9);
const FD_FILESTAT_GET: u64 = 1 << 21;
const FD_FILESTAT_SET_SIZE: u64 = 1 << 22;
const FD_FILESTAT_SET_TIMES: u64 = 1 << 23;
/// `path_symlink`, `path_remove_directory`, `path_unlink_file`.
const MORE_PATHS: u64 = 7 << 24;
const POLL_FD_READWRITE: u64 = 1 << 27;

/// What can be done to a directory.
pub(super) const DIRECTORY: u64 = PATHS
    | MORE_PATHS
    | FD_DATASYNC
    | FD_SYNC
    | FD_FDSTAT_SET_FLAGS
    | FD_ADVISE
    | FD_FILESTAT_GET
    | FD_FILESTAT_SET_TIMES;

/// What can be done to a file.
pub(super) const FILE: u64 = FD_DATASYNC
    | FD_READ
    | FD_SEEK
    | FD_FDSTAT_SET_FLAGS
    | FD_SYNC
    | FD_TELL
    | FD_WRITE
    | FD_ADVISE
    | FD_ALLOCATE
    | FD_FILESTAT_GET
    | FD_FILESTAT_SET_SIZE
    | FD_FILESTAT_SET_TIMES
    | POLL_FD_READWRITE;

/// What can be done to a pipe or a terminal.
pub(super) const STREAM: u64 = FD_READ | FD_WRITE | FD_FDSTAT_SET_FLAGS | FD_FILESTAT_GET | POLL_FD_READWRITE;

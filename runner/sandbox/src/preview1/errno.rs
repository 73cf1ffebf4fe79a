//! Errors as preview 1 numbers them.

use std::io;

/// An error number of `wasi_snapshot_preview1`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Errno(pub(super) u16);

impl Errno {
    pub(super) const TOOBIG: Self = Self(1);
    pub(super) const ACCES: Self = Self(2);
    pub(super) const AGAIN: Self = Self(6);
    pub(super) const BADF: Self = Self(8);
    pub(super) const CHILD: Self = Self(12);
    pub(super) const FAULT: Self = Self(21);
    pub(super) const INVAL: Self = Self(28);
    pub(super) const IO: Self = Self(29);
    pub(super) const MFILE: Self = Self(33);
    pub(super) const NAMETOOLONG: Self = Self(37);
    pub(super) const NOENT: Self = Self(44);
    pub(super) const NOTDIR: Self = Self(54);
    pub(super) const NOTSOCK: Self = Self(57);
    pub(super) const NOTSUP: Self = Self(58);
    pub(super) const OVERFLOW: Self = Self(61);
    pub(super) const SPIPE: Self = Self(70);
    pub(super) const SRCH: Self = Self(71);
    pub(super) const NOTCAPABLE: Self = Self(76);
}

/// Linux's numbers (the same on x86-64 and arm64) and ours, in Linux's order.
const LINUX: [(i32, u16); 71] = [
    (1, 63),   // EPERM
    (2, 44),   // ENOENT
    (3, 71),   // ESRCH
    (4, 27),   // EINTR
    (5, 29),   // EIO
    (6, 60),   // ENXIO
    (7, 1),    // E2BIG
    (8, 45),   // ENOEXEC
    (9, 8),    // EBADF
    (10, 12),  // ECHILD
    (11, 6),   // EAGAIN
    (12, 48),  // ENOMEM
    (13, 2),   // EACCES
    (14, 21),  // EFAULT
    (16, 10),  // EBUSY
    (17, 20),  // EEXIST
    (18, 75),  // EXDEV
    (19, 43),  // ENODEV
    (20, 54),  // ENOTDIR
    (21, 31),  // EISDIR
    (22, 28),  // EINVAL
    (23, 41),  // ENFILE
    (24, 33),  // EMFILE
    (25, 59),  // ENOTTY
    (26, 74),  // ETXTBSY
    (27, 22),  // EFBIG
    (28, 51),  // ENOSPC
    (29, 70),  // ESPIPE
    (30, 69),  // EROFS
    (31, 34),  // EMLINK
    (32, 64),  // EPIPE
    (33, 18),  // EDOM
    (34, 68),  // ERANGE
    (35, 16),  // EDEADLK
    (36, 37),  // ENAMETOOLONG
    (37, 46),  // ENOLCK
    (38, 52),  // ENOSYS
    (39, 55),  // ENOTEMPTY
    (40, 32),  // ELOOP
    (42, 49),  // ENOMSG
    (43, 24),  // EIDRM
    (67, 47),  // ENOLINK
    (71, 65),  // EPROTO
    (72, 36),  // EMULTIHOP
    (74, 9),   // EBADMSG
    (75, 61),  // EOVERFLOW
    (84, 25),  // EILSEQ
    (88, 57),  // ENOTSOCK
    (89, 17),  // EDESTADDRREQ
    (90, 35),  // EMSGSIZE
    (91, 67),  // EPROTOTYPE
    (92, 50),  // ENOPROTOOPT
    (93, 66),  // EPROTONOSUPPORT
    (95, 58),  // EOPNOTSUPP
    (97, 5),   // EAFNOSUPPORT
    (98, 3),   // EADDRINUSE
    (99, 4),   // EADDRNOTAVAIL
    (100, 38), // ENETDOWN
    (101, 40), // ENETUNREACH
    (103, 13), // ECONNABORTED
    (104, 15), // ECONNRESET
    (105, 42), // ENOBUFS
    (106, 30), // EISCONN
    (107, 53), // ENOTCONN
    (110, 73), // ETIMEDOUT
    (111, 14), // ECONNREFUSED
    (113, 23), // EHOSTUNREACH
    (114, 7),  // EALREADY
    (115, 26), // EINPROGRESS
    (116, 72), // ESTALE
    (122, 19), // EDQUOT
];

impl From<&io::Error> for Errno {
    fn from(failed: &io::Error) -> Self {
        let Some(number) = failed.raw_os_error() else {
            return match failed.kind() {
                io::ErrorKind::InvalidInput => Self::INVAL,
                io::ErrorKind::NotFound => Self::NOENT,
                io::ErrorKind::PermissionDenied => Self::ACCES,
                io::ErrorKind::Unsupported => Self::NOTSUP,
                _ => Self::IO,
            };
        };
        let known = LINUX.iter().find(|(linux, _)| *linux == number);
        known.map_or(Self::IO, |(_, ours)| Self(*ours))
    }
}

/// Why a call does not succeed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The guest is told.
    Errno(Errno),
    /// The guest ends here.
    End(wasmtime::Error),
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<io::Error> for Fault {
    fn from(failed: io::Error) -> Self {
        Self::Errno(Errno::from(&failed))
    }
}

impl From<rustix::io::Errno> for Fault {
    fn from(failed: rustix::io::Errno) -> Self {
        io::Error::from(failed).into()
    }
}

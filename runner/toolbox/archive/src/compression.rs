use std::io::{self, Cursor, Read, Write};

use bzip2::read::MultiBzDecoder;
use bzip2::write::BzEncoder;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use lzma_rust2::{XzOptions, XzReader, XzWriter};
use ruzstd::decoding::StreamingDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// A way to make data smaller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Method {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Method {
    pub(crate) const ALL: [Self; 4] = [Self::Gzip, Self::Bzip2, Self::Xz, Self::Zstd];

    /// What its data begin with.
    fn magic(self) -> &'static [u8] {
        match self {
            Self::Gzip => &[0x1f, 0x8b],
            Self::Bzip2 => b"BZh",
            Self::Xz => b"\xfd7zXZ\0",
            Self::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
        }
    }

    /// The method of data that begin so.
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|method| start.starts_with(method.magic()))
    }

    /// The ends of names of its files, and those they are replaced by; the first is the ordinary one.
    pub(crate) fn suffixes(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Gzip => &[(".gz", ""), (".tgz", ".tar"), (".taz", ".tar"), (".z", ""), (".Z", "")],
            Self::Bzip2 => &[(".bz2", ""), (".tbz2", ".tar"), (".tbz", ".tar"), (".bz", "")],
            Self::Xz => &[(".xz", ""), (".txz", ".tar")],
            Self::Zstd => &[(".zst", ""), (".tzst", ".tar"), (".zstd", "")],
        }
    }

    /// The method that the end of a name tells.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.suffixes().iter().any(|(suffix, _)| name.ends_with(suffix)))
    }
}

/// What compressed data hold.
pub(crate) fn reader<'a>(method: Method, source: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match method {
        Method::Gzip => Box::new(MultiGzDecoder::new(source)),
        Method::Bzip2 => Box::new(MultiBzDecoder::new(source)),
        Method::Xz => Box::new(XzReader::new(source, true)),
        Method::Zstd => Box::new(Frames { source: Some(io::BufReader::new(source)), frame: None }),
    })
}

/// The frames of zstd, one after the other.
struct Frames<R: Read> {
    source: Option<io::BufReader<R>>,
    frame: Option<StreamingDecoder<io::BufReader<R>, ruzstd::decoding::FrameDecoder>>,
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::BufRead;
        loop {
            if let Some(frame) = &mut self.frame {
                let count = frame.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
                if let Some(frame) = self.frame.take() {
                    let (source, _) = frame.into_parts();
                    self.source = Some(source);
                }
            }
            let Some(mut source) = self.source.take() else { return Ok(0) };
            let head = source.fill_buf()?;
            if head.is_empty() {
                return Ok(0);
            }
            let wrong = |error: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
            self.frame = Some(StreamingDecoder::new(source).map_err(|error| wrong(&error))?);
        }
    }
}

/// Makes smaller what is written to it.
pub(crate) enum Writer<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Bzip2(BzEncoder<W>),
    Xz(Box<XzWriter<W>>),
    /// Compressed as a whole at the end: the encoder wants all of it.
    Zstd(Vec<u8>, W),
}

impl<W: Write> Writer<W> {
    /// A writer of that method (none: as it is) and level, from 1 to 9.
    pub(crate) fn new(method: Option<Method>, level: u32, output: W) -> io::Result<Self> {
        Ok(match method {
            None => Self::Plain(output),
            Some(Method::Gzip) => Self::Gzip(GzEncoder::new(output, flate2::Compression::new(level.min(9)))),
            Some(Method::Bzip2) => Self::Bzip2(BzEncoder::new(output, bzip2::Compression::new(level.clamp(1, 9)))),
            Some(Method::Xz) => Self::Xz(Box::new(XzWriter::new(output, XzOptions::with_preset(level.min(9)))?)),
            Some(Method::Zstd) => Self::Zstd(vec![], output),
        })
    }

    /// Writes what is left.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Self::Plain(mut output) => {
                output.flush()?;
                Ok(output)
            }
            Self::Gzip(encoder) => encoder.finish(),
            Self::Bzip2(encoder) => encoder.finish(),
            Self::Xz(encoder) => encoder.finish(),
            Self::Zstd(data, mut output) => {
                output.write_all(&compress_to_vec(Cursor::new(data), CompressionLevel::Fastest))?;
                Ok(output)
            }
        }
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(output) => output.write(data),
            Self::Gzip(encoder) => encoder.write(data),
            Self::Bzip2(encoder) => encoder.write(data),
            Self::Xz(encoder) => encoder.write(data),
            Self::Zstd(held, _) => {
                held.extend_from_slice(data);
                Ok(data.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

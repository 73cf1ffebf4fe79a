use super::errno::Errno;

/// A guest's memory. Every address and length comes from the guest and is checked here; nothing else touches it.
pub(super) struct Memory<'a>(pub(super) &'a mut [u8]);

type Result<T> = std::result::Result<T, Errno>;

impl Memory<'_> {
    /// `length` bytes from `at`.
    pub(super) fn bytes(&self, at: u32, length: u32) -> Result<&[u8]> {
        let at = at as usize;
        at.checked_add(length as usize).and_then(|end| self.0.get(at..end)).ok_or(Errno::FAULT)
    }

    /// `length` bytes from `at`, to be written.
    pub(super) fn bytes_mut(&mut self, at: u32, length: u32) -> Result<&mut [u8]> {
        let at = at as usize;
        at.checked_add(length as usize).and_then(|end| self.0.get_mut(at..end)).ok_or(Errno::FAULT)
    }

    pub(super) fn write(&mut self, at: u32, data: &[u8]) -> Result<()> {
        let length = u32::try_from(data.len()).map_err(|_| Errno::OVERFLOW)?;
        self.bytes_mut(at, length)?.copy_from_slice(data);
        Ok(())
    }

    pub(super) fn write_u32(&mut self, at: u32, value: u32) -> Result<()> {
        self.write(at, &value.to_le_bytes())
    }

    pub(super) fn write_u64(&mut self, at: u32, value: u64) -> Result<()> {
        self.write(at, &value.to_le_bytes())
    }

    /// A path: bytes without NUL, no longer than Linux takes.
    pub(super) fn path(&self, at: u32, length: u32) -> Result<Vec<u8>> {
        if length > 4096 {
            return Err(Errno::NAMETOOLONG);
        }
        Ok(self.bytes(at, length)?.to_vec())
    }

    /// The places and lengths of a list of buffers.
    pub(super) fn vectors(&self, at: u32, count: u32) -> Result<Vec<(u32, u32)>> {
        // As `IOV_MAX` on Linux.
        if count > 1024 {
            return Err(Errno::INVAL);
        }
        self.pairs(at, count)
    }

    /// A list of pairs of numbers.
    pub(super) fn pairs(&self, at: u32, count: u32) -> Result<Vec<(u32, u32)>> {
        let raw = self.bytes(at, count.checked_mul(8).ok_or(Errno::FAULT)?)?;
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0u32, |value, byte| value << 8 | u32::from(*byte));
        Ok(raw.chunks_exact(8).map(|pair| (word(&pair[..4]), word(&pair[4..]))).collect())
    }
}

//! Reads tar archives one entry after the other: ustar, with the long names of GNU and those of POSIX (pax). Strict, as the
//! archive is somebody else's: each header has its sum, and an archive that breaks off is told from one that ends.

use std::io::{self, ErrorKind, Read};

use super::container::Kind;

const BLOCK: usize = 512;
/// Longest name, or list of attributes, that stands before an entry.
const MAX_EXTENSION: u64 = 1 << 16;

/// An archive as far as it was read.
pub(super) struct Tar<R> {
    input: R,
    /// Bytes of the entry at hand that are unread, and what fills its last block.
    left: u64,
    padding: u64,
}

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub name: Vec<u8>,
    pub kind: Kind,
    pub size: u64,
}

/// What stands before an entry for names and sizes that a header has no room for.
#[derive(Default)]
struct Extended {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
}

impl<R: Read> Tar<R> {
    pub fn new(input: R) -> Self {
        Self { input, left: 0, padding: 0 }
    }

    /// What it was made of.
    pub fn input(&self) -> &R {
        &self.input
    }

    /// Goes on to the next entry; none at the end of the archive.
    pub fn next_entry(&mut self) -> io::Result<Option<Header>> {
        self.skip(self.left.saturating_add(self.padding))?;
        (self.left, self.padding) = (0, 0);
        let mut extended = Extended::default();
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            let size = number(&header[124..136])?;
            match header[156] {
                b'L' => extended.name = Some(until_nul(&self.extension(size)?)),
                b'x' => pax(&self.extension(size)?, &mut extended)?,
                // Where a link leads, and what holds for all entries: in archives of Git the commit.
                b'K' | b'g' => drop(self.extension(size)?),
                b'S' => {
                    return Err(damaged("it holds a sparse file of GNU; make it without --sparse"));
                }
                mark => return self.entry(&header, mark, size, extended).map(Some),
            }
        }
    }

    /// Goes to the end of what it is made of, where a packed archive has its sum.
    pub fn finish(&mut self) -> io::Result<()> {
        io::copy(&mut self.input, &mut io::sink()).map(drop)
    }

    /// All bytes of the entry at hand; none when there are more than `most`.
    pub fn data(&mut self, most: u64) -> io::Result<Option<Vec<u8>>> {
        if self.left > most {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let read = self.input.by_ref().take(self.left).read_to_end(&mut bytes)?;
        self.left -= u64::try_from(read).unwrap_or(u64::MAX);
        if self.left > 0 { Err(breaks_off()) } else { Ok(Some(bytes)) }
    }

    fn entry(
        &mut self,
        header: &[u8; BLOCK],
        mark: u8,
        size: u64,
        extended: Extended,
    ) -> io::Result<Header> {
        let size = extended.size.unwrap_or(size);
        let name = extended.name.unwrap_or_else(|| name(header));
        let (kind, has_data) = match mark {
            _ if extended.is_sparse => (Kind::Special, true),
            // Before there were folders, a slash made one.
            b'0' | 0 | b'7' if name.ends_with(b"/") => (Kind::Folder, true),
            b'0' | 0 | b'7' => (Kind::File, true),
            b'1' | b'2' => (Kind::Link, false),
            b'3' | b'4' | b'6' => (Kind::Special, false),
            b'5' => (Kind::Folder, false),
            _ => (Kind::Special, true),
        };
        // What is none of a file may have a size all the same, and no bytes.
        let size = if has_data { size } else { 0 };
        let block = u64::try_from(BLOCK).unwrap_or(u64::MAX);
        (self.left, self.padding) = (size, size.wrapping_neg() % block);
        Ok(Header { name, kind, size })
    }

    /// The next header; none at the end of the archive, which is a block of zeros.
    fn header(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut header = [0; BLOCK];
        self.input.read_exact(&mut header).map_err(told)?;
        if header.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let sum: u64 = header
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) })
            .sum();
        if number(&header[148..156])? != sum {
            return Err(damaged("a header has another sum than it says"));
        }
        Ok(Some(header))
    }

    fn extension(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > MAX_EXTENSION {
            return Err(damaged("a name or a list of attributes is too long"));
        }
        let block = u64::try_from(BLOCK).unwrap_or(u64::MAX);
        self.left = size;
        let bytes = self.data(size)?.unwrap_or_default();
        self.skip(size.wrapping_neg() % block)?;
        Ok(bytes)
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.input.by_ref().take(length), &mut io::sink())?;
        if skipped == length { Ok(()) } else { Err(breaks_off()) }
    }
}

/// The name in a header, with its beginning that stands apart in archives of POSIX.
fn name(header: &[u8; BLOCK]) -> Vec<u8> {
    let name = until_nul(&header[..100]);
    let prefix = until_nul(&header[345..500]);
    if &header[257..263] != b"ustar\0" || prefix.is_empty() {
        return name;
    }
    [prefix, name].join(&b'/')
}

fn until_nul(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
}

/// A number in octal digits, or as GNU writes one that is too large for those.
fn number(field: &[u8]) -> io::Result<u64> {
    let unreadable = || damaged("a header has a number that is none");
    if let [0x80, rest @ ..] = field {
        return rest.iter().try_fold(0_u64, |sum, byte| {
            Ok(sum.checked_mul(256).ok_or_else(unreadable)? + u64::from(*byte))
        });
    }
    let text = std::str::from_utf8(field).map_err(|_| unreadable())?;
    let digits = text.trim_matches(['\0', ' ']);
    if digits.is_empty() {
        return Ok(0);
    }
    u64::from_str_radix(digits, 8).map_err(|_| unreadable())
}

/// Reads attributes: lines of a length, a name and a value.
fn pax(mut bytes: &[u8], extended: &mut Extended) -> io::Result<()> {
    let unreadable = || damaged("a list of attributes can not be read");
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ').ok_or_else(unreadable)?;
        let digits = std::str::from_utf8(&bytes[..space]).map_err(|_| unreadable())?;
        let length: usize = digits.parse().map_err(|_| unreadable())?;
        let line = bytes.get(space + 1..length).ok_or_else(unreadable)?;
        bytes = &bytes[length..];
        let line = line.strip_suffix(b"\n").ok_or_else(unreadable)?;
        let equals = line.iter().position(|byte| *byte == b'=').ok_or_else(unreadable)?;
        let (name, value) = (&line[..equals], &line[equals + 1..]);
        match name {
            b"path" => extended.name = Some(value.to_vec()),
            b"size" => {
                let text = std::str::from_utf8(value).map_err(|_| unreadable())?;
                extended.size = Some(text.parse().map_err(|_| unreadable())?);
            }
            name => extended.is_sparse |= name.starts_with(b"GNU.sparse."),
        }
    }
    Ok(())
}

fn damaged(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

fn breaks_off() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "it breaks off")
}

fn told(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::UnexpectedEof { breaks_off() } else { error }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An entry of an archive of POSIX.
    pub fn entry(name: &str, mark: u8, bytes: &[u8]) -> Vec<u8> {
        let mut header = [0; BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[156] = mark;
        header[257..263].copy_from_slice(b"ustar\0");
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let mut entry = header.to_vec();
        entry.extend_from_slice(bytes);
        entry.resize(entry.len().next_multiple_of(BLOCK), 0);
        entry
    }

    /// An archive of entries.
    pub fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
        [entries.concat(), vec![0; 2 * BLOCK]].concat()
    }

    fn listed(bytes: &[u8]) -> io::Result<Vec<(String, Kind, u64)>> {
        let mut tar = Tar::new(bytes);
        let mut found = Vec::new();
        while let Some(header) = tar.next_entry()? {
            let name = String::from_utf8_lossy(&header.name).into_owned();
            found.push((name, header.kind, header.size));
        }
        Ok(found)
    }

    fn record(name: &str, value: &str) -> Vec<u8> {
        let rest = format!(" {name}={value}\n");
        let mut length = rest.len() + 1;
        while length.to_string().len() + rest.len() != length {
            length += 1;
        }
        format!("{length}{rest}").into_bytes()
    }

    #[test]
    fn entries_come_one_after_the_other_with_their_bytes() {
        let bytes = tar(&[
            entry("docs/", b'5', b""),
            entry("docs/a.md", b'0', b"The pump."),
            entry("docs/empty", b'0', b""),
            entry("docs/block", 0, &[b'x'; BLOCK]),
            entry("link", b'2', b""),
            entry("disk", b'3', b""),
        ]);
        let mut tar = Tar::new(&bytes[..]);
        let mut read = Vec::new();
        while let Some(header) = tar.next_entry().unwrap() {
            read.push((header.kind, tar.data(BLOCK as u64).unwrap().unwrap().len()));
        }
        use Kind::{File, Folder, Link, Special};
        assert_eq!(
            read,
            [(Folder, 0), (File, 9), (File, 0), (File, BLOCK), (Link, 0), (Special, 0)]
        );
        let mut tar = Tar::new(&bytes[..]);
        tar.next_entry().unwrap();
        tar.next_entry().unwrap();
        assert_eq!(tar.data(8).unwrap(), None);
        assert_eq!(tar.data(9).unwrap().unwrap(), b"The pump.");
    }

    #[test]
    fn long_names_are_read_in_each_way_that_they_are_written() {
        let long = format!("{}/a.md", "folder/".repeat(40));
        let mut split = entry("a.md", b'0', b"x");
        split[345..349].copy_from_slice(b"docs");
        split[148..156].fill(b' ');
        let sum: u64 = split[..BLOCK].iter().map(|byte| u64::from(*byte)).sum();
        split[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let bytes = tar(&[
            entry("pax_global_header", b'g', &record("comment", "1234")),
            entry("x", b'L', format!("{long}\0").as_bytes()),
            entry("cut", b'0', b"one"),
            entry("x", b'x', &[record("mtime", "1.5"), record("path", &long)].concat()),
            entry("cut", b'0', b"two"),
            split,
        ]);
        let names: Vec<String> = listed(&bytes).unwrap().into_iter().map(|it| it.0).collect();
        assert_eq!(names, [&long, &long, "docs/a.md"]);
    }

    #[test]
    fn what_breaks_off_or_is_changed_is_told_from_what_ends() {
        let whole = tar(&[entry("a.md", b'0', b"The pump."), entry("b.md", b'0', b"The valve.")]);
        assert_eq!(listed(&whole).unwrap().len(), 2);
        for length in [0, 1, 511, 512, 513, 1_024, 1_536, 2_048, 2_559] {
            assert!(listed(&whole[..length]).is_err(), "{length}");
        }
        for at in [0, 130, 156, 300] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(listed(&changed).is_err(), "{at}");
        }
        let long = entry("x", b'L', &vec![b'x'; (1 << 16) + 1]);
        assert!(listed(&tar(&[long, entry("a", b'0', b"")])).is_err());
        let sparse = [record("GNU.sparse.major", "1"), record("size", "512")].concat();
        let found = listed(&tar(&[entry("x", b'x', &sparse), entry("a", b'0', &[1; 512])]));
        assert_eq!(found.unwrap(), [("a".to_owned(), Kind::Special, 512)]);
        assert!(listed(&tar(&[entry("a", b'S', b"")])).is_err());
        assert!(listed(&tar(&[entry("x", b'x', b"999 path=a\n"), entry("a", b'0', b"")])).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
        #[test]
        fn whatever_comes_is_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..2_000),
            changes in prop::collection::vec((0_usize..3_000, any::<u8>()), 0..6),
        ) {
            let _ = listed(&bytes);
            let mut bytes = tar(&[
                entry("x", b'x', &record("path", "a/b")),
                entry("a.md", b'0', b"The pump."),
            ]);
            for (at, byte) in changes {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            let _ = listed(&bytes);
        }
    }
}

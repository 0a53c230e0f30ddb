//! Images: raw binaries, Intel HEX, ELF; what they put into which sector.

use crate::job::ImageSource;
use crate::text::{hex, size};
use crate::{Exit, Job};
use object::{Object as _, ObjectSegment as _};
use regs::h5::device::Device;
use regs::h5::{flash, memory};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use thiserror::Error;
use wire::Addr;

/// Bytes of a flash sector.
const SECTOR: u32 = flash::SECTOR;
/// Bytes that are programmed together.
const QUAD: u32 = 16;

/// Why an image cannot be used.
#[derive(Debug, Error)]
pub enum ImageError {
    /// It cannot be read.
    #[error("the image {path} cannot be read: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Its hash is not the job's.
    #[error("the image {path} has SHA-256 {found}, and the job wants {wanted}")]
    Hash {
        /// The file.
        path: PathBuf,
        /// What the job says.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// It is no image.
    #[error("the image {path} {why}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It ends too early.
    #[error("the image {path} ends too early: {why}")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What is missing.
        why: String,
    },
    /// It does not fit the flash.
    #[error("the image puts {len} bytes at {at}, and the flash of {family} is {from} to {to}")]
    Outside {
        /// Where.
        at: Addr,
        /// How many bytes.
        len: usize,
        /// The family.
        family: String,
        /// First address of the flash.
        from: Addr,
        /// Last address of the flash.
        to: Addr,
    },
    /// Two images want the same byte.
    #[error("two images put something at {0}")]
    Overlap(Addr),
}

impl ImageError {
    /// 2, or 61 for a file that ends too early.
    pub fn exit(&self) -> Exit {
        match self {
            ImageError::Truncated { .. } => Exit::Truncated,
            _ => Exit::Usage,
        }
    }
}

/// Bytes and their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Where.
    pub at: Addr,
    /// What.
    pub data: Vec<u8>,
}

/// What one sector shall hold: whole quad-words from the first to the last that an image touches. What an image leaves
/// out between them is 0xFF, as erased flash reads.
pub type SectorData = Segment;

/// One file, loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedFile {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// The first address that it puts something at.
    pub at: Addr,
    /// Bytes that it puts into flash.
    pub bytes: usize,
}

/// Images that are read, for a flash that is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    files: Vec<LoadedFile>,
    segments: Vec<Segment>,
}

impl Images {
    /// Reads them.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn read(sources: &[ImageSource]) -> Result<Images, ImageError> {
        let mut images = Images { files: Vec::new(), segments: Vec::new() };
        for source in sources {
            let (file, found) = load(source)?;
            images.files.push(file);
            images.segments.extend(found);
        }
        Ok(images)
    }

    /// Lays them out in the flash of a device.
    ///
    /// # Errors
    /// [`ImageError::Outside`], [`ImageError::Overlap`].
    pub fn lay_out(&self, device: &Device) -> Result<Firmware, ImageError> {
        let sectors = lay_out(&self.segments, device, device.largest_flash_kib())?;
        Ok(Firmware { files: self.files.clone(), sectors })
    }
}

/// All images of a job, sector by sector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Firmware {
    /// The files.
    pub files: Vec<LoadedFile>,
    /// The sectors that are touched, in order of address.
    pub sectors: Vec<SectorData>,
}

impl Firmware {
    /// Loads all images of a job and lays them out.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn load(job: &Job) -> Result<Firmware, ImageError> {
        Images::read(&job.images)?.lay_out(job.family.device())
    }

    /// Bytes that are programmed, filling included.
    pub fn bytes(&self) -> usize {
        self.sectors.iter().map(|s| s.data.len()).sum()
    }

    /// SHA-256 of what goes where.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for sector in &self.sectors {
            hash.update(sector.at.0.to_le_bytes());
            hash.update(u32::try_from(sector.data.len()).unwrap_or(u32::MAX).to_le_bytes());
            hash.update(&sector.data);
        }
        hash.finalize().into()
    }

    /// Refuses what a part with this much flash has no room for.
    ///
    /// # Errors
    /// [`ImageError::Outside`].
    pub fn fits(&self, device: &Device, flash_kib: u16) -> Result<(), ImageError> {
        self.sectors.iter().try_for_each(|s| inside(s, device, flash_kib))
    }

    /// For a person: `fw.bin: 16 KiB in 2 sectors from 0x0800_0000`.
    pub fn line(&self) -> String {
        let names: Vec<_> = self
            .files
            .iter()
            .map(|f| f.path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()))
            .collect();
        let from = self.files.iter().map(|f| f.at).min().map(|at| at.to_string()).unwrap_or_default();
        let bytes = size(self.files.iter().map(|f| f.bytes).sum());
        format!("{}: {bytes} in {} sectors from {from}", names.join(" + "), self.sectors.len())
    }
}

fn inside(segment: &Segment, device: &Device, flash_kib: u16) -> Result<(), ImageError> {
    let len = u64::from(flash_kib) * 1024;
    let offset = flash_offset(segment.at);
    let end = offset.map(|o| u64::from(o) + segment.data.len() as u64);
    if end.is_some_and(|end| end <= len) {
        return Ok(());
    }
    let last = u32::try_from(len).unwrap_or(u32::MAX).saturating_sub(1);
    Err(ImageError::Outside {
        at: segment.at,
        len: segment.data.len(),
        family: format!("{} ({flash_kib} KiB)", device.family),
        from: Addr(memory::FLASH),
        to: Addr(memory::FLASH + last),
    })
}

/// The offset in flash; an image linked for the secure alias names the same cells.
fn flash_offset(at: Addr) -> Option<u32> {
    let secure = at.0.checked_sub(memory::FLASH_S);
    secure.or_else(|| at.0.checked_sub(memory::FLASH))
}

fn load(source: &ImageSource) -> Result<(LoadedFile, Vec<Segment>), ImageError> {
    let path = &source.path;
    let bytes =
        std::fs::read(path).map_err(|e| ImageError::File { path: path.clone(), why: e.to_string() })?;
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    if let Some(wanted) = source.sha256.filter(|wanted| *wanted != sha256) {
        return Err(ImageError::Hash { path: path.clone(), wanted: hex(&wanted), found: hex(&sha256) });
    }
    let segments = parse(&bytes, path, source.address)?;
    let segments: Vec<_> = segments.into_iter().filter(|s| !s.data.is_empty()).collect();
    let Some(at) = segments.iter().map(|s| s.at).min() else {
        return Err(ImageError::Form { path: path.clone(), why: "puts nothing into flash".to_owned() });
    };
    let bytes = segments.iter().map(|s| s.data.len()).sum();
    Ok((LoadedFile { path: path.clone(), sha256, at, bytes }, segments))
}

/// The segments of a file. ELF is known by its magic number, Intel HEX by its name or its first character.
fn parse(bytes: &[u8], path: &Path, address: Option<Addr>) -> Result<Vec<Segment>, ImageError> {
    let form = |why: String| ImageError::Form { path: path.to_owned(), why };
    let (is_elf, is_hex) = (is_elf(bytes), is_hex(bytes, path));
    if (is_elf || is_hex) && address.is_some() {
        return Err(form("carries its own addresses; name none for it".to_owned()));
    }
    if is_elf {
        return elf(bytes, path);
    }
    if is_hex {
        return intel_hex(bytes, path);
    }
    let at = address.ok_or_else(|| form("is a raw binary, and no address is given for it".to_owned()))?;
    Ok(vec![Segment { at, data: bytes.to_vec() }])
}

/// A file that carries no addresses of its own: neither ELF nor Intel HEX. What cannot be read is told when it is loaded.
pub fn is_raw(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| !is_elf(&bytes) && !is_hex(&bytes, path))
}

fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7FELF")
}

fn is_hex(bytes: &[u8], path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    matches!(extension.as_deref(), Some("hex" | "ihex" | "ihx")) || reads_as_hex(bytes)
}

/// Nothing but Intel HEX begins with a colon and goes on in digits to its end, whatever its name.
fn reads_as_hex(bytes: &[u8]) -> bool {
    bytes.starts_with(b":") && bytes.iter().all(|b| b.is_ascii_hexdigit() || b":\r\n".contains(b))
}

fn elf(bytes: &[u8], path: &Path) -> Result<Vec<Segment>, ImageError> {
    let form = |why: String| ImageError::Form { path: path.to_owned(), why };
    let file = object::read::elf::ElfFile32::<object::Endianness>::parse(bytes)
        .map_err(|e| form(format!("is no ELF for a 32-bit part: {e}")))?;
    if file.architecture() != object::Architecture::Arm {
        return Err(form("is an ELF for another architecture".to_owned()));
    }
    let mut segments = Vec::new();
    for segment in file.segments() {
        let data = segment.data().map_err(|e| ImageError::Truncated {
            path: path.to_owned(),
            why: format!("a segment is not all there ({e})"),
        })?;
        // The load address, not the address it runs at: data for RAM is copied from flash by its start-up code.
        let physical = segment.elf_program_header().p_paddr.get(file.endian());
        segments.push(Segment { at: Addr(physical), data: data.to_vec() });
    }
    Ok(segments)
}

fn intel_hex(bytes: &[u8], path: &Path) -> Result<Vec<Segment>, ImageError> {
    let form = |why: String| ImageError::Form { path: path.to_owned(), why };
    let text = std::str::from_utf8(bytes).map_err(|_| form("is no Intel HEX text".to_owned()))?;
    let mut base = 0u32;
    let mut ended = false;
    let mut segments: Vec<Segment> = Vec::new();
    for record in ihex::Reader::new(text) {
        match record.map_err(|e| form(format!("has a bad Intel HEX record: {e}")))? {
            ihex::Record::Data { offset, value } => {
                let at = Addr(base.wrapping_add(u32::from(offset)));
                match segments.last_mut() {
                    Some(last) if end(last) == at => last.data.extend(value),
                    _ => segments.push(Segment { at, data: value }),
                }
            }
            ihex::Record::ExtendedLinearAddress(high) => base = u32::from(high) << 16,
            ihex::Record::ExtendedSegmentAddress(paragraph) => base = u32::from(paragraph) << 4,
            ihex::Record::EndOfFile => ended = true,
            ihex::Record::StartLinearAddress(_) | ihex::Record::StartSegmentAddress { .. } => {}
        }
    }
    if !ended {
        let why = "its end-of-file record is missing".to_owned();
        return Err(ImageError::Truncated { path: path.to_owned(), why });
    }
    Ok(segments)
}

fn end(segment: &Segment) -> Addr {
    segment.at.plus(u32::try_from(segment.data.len()).unwrap_or(u32::MAX))
}

/// Segments to sectors.
fn lay_out(segments: &[Segment], device: &Device, flash_kib: u16) -> Result<Vec<SectorData>, ImageError> {
    let mut sectors: BTreeMap<u32, Vec<Option<u8>>> = BTreeMap::new();
    for segment in segments {
        inside(segment, device, flash_kib)?;
        let offset = flash_offset(segment.at).unwrap_or_default();
        for (at, byte) in (offset..).zip(&segment.data) {
            let sector = sectors.entry(at / SECTOR).or_insert_with(|| vec![None; SECTOR as usize]);
            let place = sector.get_mut((at % SECTOR) as usize);
            if place.is_some_and(|cell| cell.replace(*byte).is_some()) {
                return Err(ImageError::Overlap(Addr(memory::FLASH + at)));
            }
        }
    }
    Ok(sectors.into_iter().filter_map(|(n, cells)| trimmed(n, &cells)).collect())
}

/// The quad-words of a sector from the first that is used to the last.
fn trimmed(sector: u32, cells: &[Option<u8>]) -> Option<SectorData> {
    let quad = QUAD as usize;
    let first = cells.iter().position(Option::is_some)? / quad * quad;
    let last = (cells.iter().rposition(Option::is_some)? / quad + 1) * quad;
    let data = cells.get(first..last)?.iter().map(|c| c.unwrap_or(0xFF)).collect();
    let first = u32::try_from(first).unwrap_or_default();
    Some(Segment { at: Addr(memory::FLASH + sector * SECTOR + first), data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn intel_hex_under_the_name_of_a_binary_is_not_programmed_as_text() {
        let hex = b":0400000001020304F2\r\n:00000001FF\r\n";
        let e = parse(hex, Path::new("fw.bin"), Some(Addr(0x0800_0000))).unwrap_err();
        assert!(e.to_string().contains("carries its own addresses"), "{e}");
        assert_eq!(parse(hex, Path::new("fw.bin"), None).unwrap()[0].data, [1, 2, 3, 4]);
    }

    use regs::h5::device::Family;

    fn sectors(segments: &[(u32, &[u8])]) -> Result<Vec<SectorData>, ImageError> {
        let segments: Vec<_> =
            segments.iter().map(|(at, data)| Segment { at: Addr(*at), data: data.to_vec() }).collect();
        lay_out(&segments, Family::H562.device(), 1024)
    }

    #[test]
    fn a_segment_over_a_sector_border_is_cut_there() {
        let data = [0xAA; 0x20];
        let found = sectors(&[(0x0800_1FF0, &data)]).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].at, found[0].data.len()), (Addr(0x0800_1FF0), 16));
        assert_eq!((found[1].at, found[1].data.len()), (Addr(0x0800_2000), 16));
    }

    #[test]
    fn bytes_an_image_leaves_out_are_as_erased_flash_reads() {
        let found = sectors(&[(0x0800_0003, &[1, 2]), (0x0800_0013, &[3])]).unwrap();
        assert_eq!(found.len(), 1);
        let mut want = vec![0xFF; 32];
        (want[3], want[4], want[0x13]) = (1, 2, 3);
        assert_eq!((found[0].at, &found[0].data), (Addr(0x0800_0000), &want));
    }

    #[test]
    fn two_images_on_one_byte_and_images_outside_flash_are_refused() {
        assert!(matches!(
            sectors(&[(0x0800_0000, &[1, 2]), (0x0800_0001, &[2])]),
            Err(ImageError::Overlap(Addr(0x0800_0001)))
        ));
        assert!(matches!(sectors(&[(0x2000_0000, &[1])]), Err(ImageError::Outside { .. })));
        assert!(matches!(sectors(&[(0x080F_FFFF, &[1, 2])]), Err(ImageError::Outside { .. })));
        assert!(matches!(sectors(&[(0x0000_0000, &[1])]), Err(ImageError::Outside { .. })));
        assert!(sectors(&[(0x080F_FFFF, &[1])]).is_ok());
    }

    #[test]
    fn the_secure_alias_names_the_same_cells() {
        let found = sectors(&[(0x0C00_0000, &[1; 16])]).unwrap();
        assert_eq!(found[0].at, Addr(0x0800_0000));
    }

    #[test]
    fn intel_hex_gives_addresses_and_says_when_it_ends_too_early() {
        let whole = ":020000040800F2\n:0400000001020304F2\n:00000001FF\n";
        let path = Path::new("a.hex");
        let found = parse(whole.as_bytes(), path, None).unwrap();
        assert_eq!(found, [Segment { at: Addr(0x0800_0000), data: vec![1, 2, 3, 4] }]);
        let cut = &whole[..whole.len() - 12];
        assert!(matches!(parse(cut.as_bytes(), path, None), Err(ImageError::Truncated { .. })));
        let broken = whole.replace("F2\n:04", "F3\n:04");
        assert!(matches!(parse(broken.as_bytes(), path, None), Err(ImageError::Form { .. })));
        assert!(parse(whole.as_bytes(), path, Some(Addr(0))).is_err());
    }

    #[test]
    fn every_prefix_of_an_intel_hex_file_is_an_error_or_an_image_but_never_a_panic() {
        let whole = ":020000040800F2\n:0400000001020304F2\n:00000001FF\n";
        for end in 0..whole.len() {
            let _ = parse(&whole.as_bytes()[..end], Path::new("a.hex"), None);
        }
    }

    /// A 32-bit Arm ELF with one segment that runs in RAM and is loaded from flash.
    fn small_elf() -> Vec<u8> {
        let mut elf = b"\x7FELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        let half = |v: &mut Vec<u8>, x: u16| v.extend(x.to_le_bytes());
        let word = |v: &mut Vec<u8>, x: u32| v.extend(x.to_le_bytes());
        [2, 40].into_iter().for_each(|x| half(&mut elf, x));
        [1, 0x0800_0001, 52, 0, 0].into_iter().for_each(|x| word(&mut elf, x));
        [52, 32, 1, 0, 0, 0].into_iter().for_each(|x| half(&mut elf, x));
        [1, 84, 0x2000_0000, 0x0800_0040, 8, 8, 5, 4].into_iter().for_each(|x| word(&mut elf, x));
        elf.extend([1, 2, 3, 4, 5, 6, 7, 8]);
        elf
    }

    #[test]
    fn an_elf_goes_to_its_load_address() {
        let found = parse(&small_elf(), Path::new("a.elf"), None).unwrap();
        assert_eq!(found, [Segment { at: Addr(0x0800_0040), data: vec![1, 2, 3, 4, 5, 6, 7, 8] }]);
    }

    #[test]
    fn an_elf_that_is_cut_anywhere_is_an_error() {
        let elf = small_elf();
        for end in 4..elf.len() {
            assert!(parse(&elf[..end], Path::new("a.elf"), None).is_err(), "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..92) {
            let mut elf = small_elf();
            for (slot, byte) in elf.iter_mut().skip(at).zip(&bytes) {
                *slot = *byte;
            }
            for name in ["a.elf", "a.hex", "a.bin"] {
                let _ = parse(&elf, Path::new(name), None);
                let _ = parse(&bytes, Path::new(name), Some(Addr(0x0800_0000)));
            }
        }
    }

    #[test]
    fn a_raw_binary_needs_an_address_and_a_false_elf_is_refused() {
        assert!(parse(&[1, 2], Path::new("a.bin"), None).is_err());
        assert!(parse(b"\x7FELF garbage", Path::new("a.elf"), None).is_err());
        assert_eq!(parse(&[1], Path::new("a.bin"), Some(Addr(8))).unwrap()[0].at, Addr(8));
    }

    #[test]
    fn the_digest_depends_on_place_and_content() {
        let at = |at: u32, byte: u8| {
            Firmware { files: vec![], sectors: vec![Segment { at: Addr(at), data: vec![byte; 16] }] }.digest()
        };
        assert_ne!(at(0, 1), at(0, 2));
        assert_ne!(at(0, 1), at(16, 1));
        assert_eq!(at(0, 1), at(0, 1));
    }
}

//! Programming: quad-words at a pace, with a slower one when words get lost. [H5-FLASH-3] [H5-FLASH-6]

use super::pace::slower_may_help;
use super::range::{FlashRange, inside, sectors};
use super::verify::compare;
use super::{Fallback, FlashPace};
use crate::lock::Lock;
use crate::{Doing, Flags, H5Error, Part, Progress};
use pace::Site;
use regs::h5::flash::{ERASED, QUAD_WORD, SECTOR, cr, sr};
use regs::h5::memory::non_secure;
use std::time::Duration;
use wire::{Addr, Flow, MemOp};

/// Words of one quad-word.
const QUAD: usize = (QUAD_WORD / 4) as usize;

/// What programming did.
#[derive(Debug, Clone)]
pub struct ProgramReport {
    /// Bytes of the caller's data.
    pub bytes: u32,
    /// Quad-words programmed, padding included.
    pub quad_words: u32,
    /// The pace at the end.
    pub pace: FlashPace,
    /// Each time a slower pace was taken.
    pub fallbacks: Vec<Fallback>,
    /// Error flags that an earlier operation had left.
    pub stale: Option<Flags>,
    /// Everything was read back and compared, not only the first sector.
    pub verified: bool,
    /// How long it took.
    pub elapsed: Duration,
}

/// A run of words inside one sector.
struct Piece<'d> {
    at: Addr,
    words: &'d [u32],
}

impl Part<'_> {
    /// Programs erased flash. Data is padded to quad-words with 0xFF.
    ///
    /// Flags are looked at once per sector, and the first sector is read back, so that a part which drops words is found
    /// out early: then that sector is erased and programmed again at the next slower pace, which stays for the rest. Data
    /// of other owners in that sector is kept. The rest is not read back: [`Part::verify`] does that, or
    /// [`Part::program_verified`] does both.
    ///
    /// # Errors
    /// [`H5Error::BadRange`] before anything is written; [`H5Error::FlashFlags`], [`H5Error::VerifyMismatch`],
    /// [`H5Error::TargetBusy`] when the slowest pace fails too; [`H5Error::LockedUntilReset`]; [`H5Error::Adi`].
    pub fn program(
        &mut self,
        at: Addr,
        data: &[u8],
        pace: FlashPace,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ProgramReport, H5Error> {
        self.program_pieces(at, data, pace, false, progress)
    }

    /// As [`Part::program`], and reads every sector back right after it was programmed: a word that was lost anywhere leads
    /// to a slower pace instead of a failed verify.
    ///
    /// # Errors
    /// As [`Part::program`].
    pub fn program_verified(
        &mut self,
        at: Addr,
        data: &[u8],
        pace: FlashPace,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ProgramReport, H5Error> {
        self.program_pieces(at, data, pace, true, progress)
    }

    fn program_pieces(
        &mut self,
        at: Addr,
        data: &[u8],
        pace: FlashPace,
        verified: bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ProgramReport, H5Error> {
        let (start, words) = quad_words(at, data);
        let total = u32::try_from(words.len() * 4).unwrap_or(u32::MAX);
        inside(&FlashRange { at: start, len: total }, self.flash_len())?;
        let clock = self.adi.clock().clone();
        let began = clock.now();
        let stale = self.make_ready(Site::FlashProgram, "before programming")?;
        let (mut pace, mut fallbacks) = self.fit_pace(pace);
        for fallback in &fallbacks {
            self.note(fallback.to_string());
        }
        self.with_unlocked(&[Lock::Flash], |part| {
            part.write_reg(part.cr(), cr::PG)?;
            let mut done = 0u32;
            for piece in pieces(start, &words) {
                let read_back = verified || done == 0;
                let first = part.program_piece(&piece, pace, read_back);
                if let Err(e) = first {
                    pace = part.program_again(&piece, pace, e, &mut fallbacks)?;
                }
                done += u32::try_from(piece.words.len() * 4).unwrap_or(u32::MAX);
                progress(Progress { doing: Doing::Program, done, total });
            }
            Ok(())
        })?;
        Ok(ProgramReport {
            bytes: u32::try_from(data.len()).unwrap_or(u32::MAX),
            quad_words: total / QUAD_WORD,
            pace,
            fallbacks,
            stale,
            verified,
            elapsed: clock.now().saturating_sub(began),
        })
    }

    /// A piece failed: erase its sector and program it again, slower each time. Returns the pace that worked.
    fn program_again(
        &mut self,
        piece: &Piece<'_>,
        mut pace: FlashPace,
        mut cause: H5Error,
        fallbacks: &mut Vec<Fallback>,
    ) -> Result<FlashPace, H5Error> {
        // What belongs to others is read once, before the first erase.
        let mut neighbours = None;
        loop {
            let Some(to) = pace.slower().filter(|_| slower_may_help(&cause)) else { return Err(cause) };
            let fallback = Fallback { at: Some(piece.at), from: pace, to, why: cause.to_string() };
            self.note(fallback.to_string());
            fallbacks.push(fallback);
            pace = to;
            self.empty_buffer()?;
            let others = match neighbours.take() {
                Some(others) => others,
                None => self.read_neighbours(piece)?,
            };
            match self.rewrite_sector(piece, &others, pace) {
                Ok(()) => return Ok(pace),
                Err(e) => cause = e,
            }
            neighbours = Some(others);
        }
    }

    /// The words of a piece's sector that do not belong to it.
    fn read_neighbours(&mut self, piece: &Piece<'_>) -> Result<Vec<(Addr, Vec<u32>)>, H5Error> {
        let sector = FlashRange::covering(piece.at, 1).at;
        let end = piece.at.plus(u32::try_from(piece.words.len() * 4).unwrap_or(u32::MAX));
        let gaps = [(sector, piece.at.0 - sector.0), (end, sector.0 + SECTOR - end.0)];
        let mut runs = Vec::new();
        for (at, len) in gaps.into_iter().filter(|(_, len)| *len > 0) {
            runs.push((at, self.read_block(at, (len / 4) as usize)?));
        }
        Ok(runs)
    }

    fn rewrite_sector(
        &mut self,
        piece: &Piece<'_>,
        others: &[(Addr, Vec<u32>)],
        pace: FlashPace,
    ) -> Result<(), H5Error> {
        let range = FlashRange::covering(piece.at, 1);
        let swapped = self.banks_swapped()?;
        for sector in sectors(&range, self.flash_len())? {
            self.erase_sector(&sector, swapped)?;
        }
        self.write_reg(self.cr(), cr::PG)?;
        for (at, words) in others {
            let quads = (0u32..).zip(words.chunks(QUAD));
            // What was erased stays erased: a quad-word of ones that is programmed cannot be programmed later.
            for (i, quad) in quads.filter(|(_, quad)| quad.iter().any(|w| *w != ERASED)) {
                self.program_piece(
                    &Piece { at: at.plus(i * QUAD_WORD), words: quad },
                    FlashPace::Poll,
                    false,
                )?;
            }
        }
        self.program_piece(piece, pace, true)
    }

    /// A quad-word that never got its last word is filled up, so that the buffer is free; the flags are cleared.
    fn empty_buffer(&mut self) -> Result<(), H5Error> {
        let status =
            self.wait_reg(self.sr(), Site::FlashProgram, "after lost words", |v| v & sr::BSY == 0)?;
        if status & sr::WBNE != 0 {
            self.write_reg(self.cr(), cr::PG | cr::FW)?;
        }
        self.make_ready(Site::FlashProgram, "after lost words")?;
        Ok(())
    }

    /// Programs a piece and looks at the flags; reads it back if told so.
    fn program_piece(&mut self, piece: &Piece<'_>, pace: FlashPace, read_back: bool) -> Result<(), H5Error> {
        match pace {
            // Words go out, the probe waits, words come back: one call for the whole sector.
            FlashPace::Stream if read_back && self.probe_can_wait() => return self.streamed_back(piece),
            FlashPace::Stream => self.stream(piece),
            FlashPace::Match => self.matched(piece),
            FlashPace::Poll => self.polled(piece),
        }?;
        if read_back {
            let got = self.read_block(piece.at, piece.words.len())?;
            compare(piece.at, piece.words, &got)?;
        }
        Ok(())
    }

    fn stream(&mut self, piece: &Piece<'_>) -> Result<(), H5Error> {
        let at = self.alias(piece.at);
        let mut ops = vec![MemOp::WriteWords { at, words: piece.words.to_vec(), secret: false }];
        self.push_end(&mut ops);
        let values = self.run(Flow::Pipelined, ops)?;
        self.finish_piece(piece, &values)
    }

    fn streamed_back(&mut self, piece: &Piece<'_>) -> Result<(), H5Error> {
        let (at, count) = (self.alias(piece.at), piece.words.len());
        let mut ops = vec![MemOp::WriteWords { at, words: piece.words.to_vec(), secret: false }];
        self.push_end(&mut ops);
        ops.push(MemOp::ReadWords { at, count, secret: false });
        let values = self.run(Flow::Pipelined, ops)?;
        let (status, got) = values.split_first().ok_or_else(crate::part::short_answer)?;
        self.finish_piece(piece, &[*status])?;
        if got.len() != count {
            return Err(crate::part::short_answer());
        }
        compare(piece.at, piece.words, got)
    }

    fn matched(&mut self, piece: &Piece<'_>) -> Result<(), H5Error> {
        let mut ops = Vec::with_capacity(piece.words.len() / 2 + 1);
        for (i, quad) in (0u32..).zip(piece.words.chunks(QUAD)) {
            let at = self.alias(piece.at.plus(i * QUAD_WORD));
            ops.push(MemOp::WriteWords { at, words: quad.to_vec(), secret: false });
            ops.push(MemOp::WaitUntil { at: self.sr(), mask: sr::BUSY, value: 0 });
        }
        ops.push(MemOp::read(self.sr()));
        let values = self.run(Flow::Lockstep, ops)?;
        self.finish_piece(piece, &values)
    }

    fn polled(&mut self, piece: &Piece<'_>) -> Result<(), H5Error> {
        for (i, quad) in (0u32..).zip(piece.words.chunks(QUAD)) {
            let at = piece.at.plus(i * QUAD_WORD);
            let write = MemOp::WriteWords { at: self.alias(at), words: quad.to_vec(), secret: false };
            let values = self.run(Flow::Lockstep, vec![write, MemOp::read(self.sr())])?;
            self.finish_piece(&Piece { at, words: quad }, &values)?;
        }
        Ok(())
    }

    /// After the words: wait for the last quad-word, by the probe where it can, and read the flags.
    fn push_end(&self, ops: &mut Vec<MemOp>) {
        if self.probe_can_wait() {
            ops.push(MemOp::WaitUntil { at: self.sr(), mask: sr::BUSY, value: 0 });
        }
        ops.push(MemOp::read(self.sr()));
    }

    fn finish_piece(&mut self, piece: &Piece<'_>, values: &[u32]) -> Result<(), H5Error> {
        let doing = "programming";
        let mut status = values.last().copied().ok_or_else(crate::part::short_answer)?;
        self.check(status, doing, Some(piece.at))?;
        if status & sr::BUSY != 0 {
            status = self.wait_idle(self.sr(), Site::FlashProgram, doing)?;
        }
        self.check(status, doing, Some(piece.at))
    }
}

/// Data as words from a quad-word boundary to the next, the rest filled with ones.
fn quad_words(at: Addr, data: &[u8]) -> (Addr, Vec<u32>) {
    let before = at.0 % QUAD_WORD;
    let quad = QUAD_WORD as usize;
    let mut bytes = vec![0xFF; before as usize];
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(quad), 0xFF);
    let (words, _) = bytes.as_chunks::<4>();
    (Addr(non_secure(at.0 - before)), words.iter().map(|w| u32::from_le_bytes(*w)).collect())
}

/// Words cut at the sector boundaries.
fn pieces(start: Addr, words: &[u32]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut at, mut rest) = (start, words);
    while !rest.is_empty() {
        let room = ((SECTOR - at.0 % SECTOR) / 4) as usize;
        let (piece, later) = rest.split_at(room.min(rest.len()));
        pieces.push(Piece { at, words: piece });
        at = at.plus(u32::try_from(piece.len() * 4).unwrap_or(u32::MAX));
        rest = later;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_padded_with_ones_on_both_sides_to_whole_quad_words() {
        let (start, words) = quad_words(Addr(0x0C00_0012), &[1, 2, 3]);
        assert_eq!(start, Addr(0x0800_0010));
        assert_eq!(words, [0x0201_FFFF, 0xFFFF_FF03, ERASED, ERASED]);
        let (start, words) = quad_words(Addr(0x0800_0000), &[0; 16]);
        assert_eq!((start, words), (Addr(0x0800_0000), vec![0; 4]));
        assert!(quad_words(Addr(0x0800_0000), &[]).1.is_empty());
    }

    #[test]
    fn pieces_end_at_sector_boundaries() {
        let words = vec![0u32; 0x1000 + 4];
        let cut: Vec<_> = pieces(Addr(0x0800_1FF0), &words).iter().map(|p| (p.at.0, p.words.len())).collect();
        assert_eq!(cut, [(0x0800_1FF0, 4), (0x0800_2000, 2048), (0x0800_4000, 2048)]);
    }
}

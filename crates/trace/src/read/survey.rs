//! What there is in a recording that is too large to be held: it is read once to know what to look for, and again to be
//! decoded as it comes.

use super::choose::Devices;
use super::collect::Collector;
use super::pairs::Fates;
use super::pcap::Records;
use super::{Choice, Device, Gap, Marked, Transfer, Warning};
use crate::TraceError;
use std::io::Read;

/// What a first reading found.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) comment: String,
    pub(crate) marks: Vec<Marked>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) choice: Option<Choice>,
    /// The addresses of the probe.
    kept: Vec<Device>,
    fates: Fates,
}

impl Survey {
    /// Reads everything and keeps no transfer.
    pub(crate) fn of(source: &mut dyn Read, wanted: Option<Device>) -> Result<Survey, TraceError> {
        let mut records = Records::new(source, Collector::counting())?;
        let mut devices = Devices::default();
        while records.more()? {
            records.out().pairs.ready().iter().for_each(|transfer| devices.take(transfer));
        }
        let listed = records.out().counted;
        let mut recording = records.finish();
        recording.transfers.iter().for_each(|transfer| devices.take(transfer));
        let chosen = devices.choose(wanted, &mut recording.warnings)?;
        if listed > 0 && chosen.choice.is_some() {
            recording.warnings.push(Warning::WireBesideUsb { events: listed });
        }
        Ok(Survey {
            comment: recording.comment,
            marks: recording.marks,
            gaps: recording.gaps,
            warnings: recording.warnings,
            choice: chosen.choice,
            kept: chosen.kept,
            fates: recording.fates,
        })
    }
}

/// The transfers of the probe, as they come.
pub(crate) struct Again<'a> {
    records: Option<Records<'a>>,
    kept: &'a [Device],
}

/// Some transfers of the probe.
#[derive(Debug)]
pub(crate) struct Batch {
    /// In the order in which their data moved, behind those of the batch before.
    pub(crate) transfers: Vec<Transfer>,
    /// Where reads of answers began that end in a later batch.
    pub(crate) begun: Vec<u64>,
}

impl<'a> Again<'a> {
    pub(crate) fn new(source: &'a mut dyn Read, survey: &'a Survey) -> Result<Again<'a>, TraceError> {
        let records = Records::new(source, Collector::again(survey.fates.clone()))?;
        Ok(Again { records: Some(records), kept: &survey.kept })
    }

    /// The next transfers; none at the end.
    pub(crate) fn next(&mut self, answers: Option<u8>) -> Result<Option<Batch>, TraceError> {
        let Some(records) = &mut self.records else { return Ok(None) };
        let mut batch = Batch { transfers: Vec::new(), begun: Vec::new() };
        if records.more()? {
            let pairs = &mut records.out().pairs;
            batch.transfers = pairs.ready();
            let answers = |t: &&Transfer| t.is_in() && Some(t.endpoint) == answers;
            batch.begun.extend(pairs.under_way().filter(answers).map(|transfer| transfer.asked));
        } else if let Some(records) = self.records.take() {
            batch.transfers = records.finish().transfers;
        }
        if self.kept.len() > 1 || batch.transfers.iter().any(|t| !self.kept.contains(&t.device)) {
            batch.transfers.retain(|transfer| self.kept.contains(&transfer.device));
        }
        Ok(Some(batch))
    }
}

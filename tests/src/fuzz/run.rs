//! The loop: mutate, run, keep what is new, catch panics and hangs, make a finding small.

use super::mutate::{Random, mutated};
use super::{Input, Shape, Target};
use pace::{Clock, RealClock};
use std::collections::HashSet;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// When to stop, whichever comes first.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// After this many inputs.
    pub inputs: u64,
    /// After this time.
    pub time: Duration,
}

/// An input that brought a target down.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The input, as small as it could be made.
    pub input: Input,
    /// What was said.
    pub what: String,
}

/// What a run did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Inputs tried.
    pub inputs: u64,
    /// Features seen.
    pub features: usize,
    /// Inputs of the corpus at the end, seeds included.
    pub corpus: usize,
    /// The longest time that one input took.
    pub slowest: Duration,
    /// That input.
    pub slow: Input,
    /// How long it took in all.
    pub took: Duration,
    /// What was found; the run ends with it.
    pub finding: Option<Finding>,
}

/// An input may take this long before it counts as a hang.
const HANG: Duration = Duration::from_secs(30);
/// How often the watchdog looks.
const LOOK: Duration = Duration::from_millis(250);
/// The corpus is at most this large.
const MOST_KEPT: usize = 5000;
/// Tries at making a finding smaller.
const SHRINKS: usize = 4000;

/// What the watchdog sees.
#[derive(Debug, Default)]
struct Watched {
    /// The input under way and when it began.
    now: Mutex<Option<(Input, Duration)>>,
    over: AtomicBool,
}

impl Watched {
    fn set(&self, now: Option<(Input, Duration)>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    fn hangs(&self, clock: &dyn Clock) -> Option<Input> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let (input, began) = now.as_ref()?;
        (clock.now().saturating_sub(*began) > HANG).then(|| input.clone())
    }
}

/// Fuzzes a target. `on_hang` is called from another thread with an input that does not end; it should not return.
pub fn fuzz(target: &Target, seed: u64, stop: Stop, on_hang: impl Fn(Input) + Send + 'static) -> Report {
    let clock: Arc<dyn Clock> = Arc::new(RealClock::start());
    let watched = Arc::new(Watched::default());
    let dog = {
        let (watched, clock) = (Arc::clone(&watched), Arc::clone(&clock));
        thread::spawn(move || {
            while !watched.over.load(Ordering::Relaxed) {
                clock.sleep(LOOK);
                watched.hangs(&*clock).into_iter().for_each(&on_hang);
            }
        })
    };
    let report =
        Loop { target, clock: &*clock, watched: &watched, report: Report::default() }.all(seed, stop);
    watched.over.store(true, Ordering::Relaxed);
    let _ = dog.join();
    report
}

struct Loop<'a> {
    target: &'a Target,
    clock: &'a dyn Clock,
    watched: &'a Watched,
    report: Report,
}

impl Loop<'_> {
    fn all(mut self, seed: u64, stop: Stop) -> Report {
        let began = self.clock.now();
        let mut random = Random::new(seed);
        let mut seen = HashSet::new();
        let mut corpus = (self.target.seeds)();
        let mut first = corpus.clone().into_iter();
        while self.report.inputs < stop.inputs {
            self.report.took = self.clock.now().saturating_sub(began);
            if self.report.took >= stop.time {
                break;
            }
            let input = first.next().unwrap_or_else(|| {
                let empty = Input::default();
                let pick = |random: &mut Random| corpus.get(random.below(corpus.len())).unwrap_or(&empty);
                let (one, other) = (pick(&mut random), pick(&mut random));
                mutated(one, other, &mut random)
            });
            match self.once(&input) {
                Ok(shape) => {
                    let new = shape.features().iter().filter(|feature| seen.insert(**feature)).count();
                    if new > 0 && corpus.len() < MOST_KEPT && !corpus.contains(&input) {
                        corpus.push(input);
                    }
                }
                Err(what) => {
                    let input = self.smaller(input);
                    self.report.finding = Some(Finding { input, what });
                    break;
                }
            }
        }
        self.report.features = seen.len();
        self.report.corpus = corpus.len();
        self.report.took = self.clock.now().saturating_sub(began);
        self.report
    }

    /// Runs one input; `Err` is what a panic said.
    fn once(&mut self, input: &Input) -> Result<Shape, String> {
        let began = self.clock.now();
        self.watched.set(Some((input.clone(), began)));
        let ended = panic::catch_unwind(AssertUnwindSafe(|| (self.target.run)(input)));
        self.watched.set(None);
        self.report.inputs += 1;
        let took = self.clock.now().saturating_sub(began);
        if took > self.report.slowest {
            (self.report.slowest, self.report.slow) = (took, input.clone());
        }
        ended.map_err(|said| {
            let text = said.downcast_ref::<String>().cloned();
            text.or_else(|| said.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default()
        })
    }

    /// Takes records and bytes away as long as it still falls.
    fn smaller(&mut self, mut input: Input) -> Input {
        let mut tries = SHRINKS;
        let mut size = input.len().max(input.0.len()).next_power_of_two();
        while size > 0 && tries > 0 {
            let before = input.clone();
            for cut in cuts(&input, size) {
                let Some(left) = tries.checked_sub(1) else { break };
                tries = left;
                if self.once(&cut).is_err() {
                    input = cut;
                    break;
                }
            }
            if input == before {
                size /= 2;
            }
        }
        input
    }
}

/// The input without `size` records, or without `size` bytes of one record, at every place.
fn cuts(input: &Input, size: usize) -> Vec<Input> {
    let mut all = Vec::new();
    for at in (0..input.0.len()).step_by(size) {
        let mut records = input.0.clone();
        records.drain(at..(at + size).min(input.0.len()));
        all.push(Input(records));
    }
    for (number, record) in input.0.iter().enumerate() {
        for at in (0..record.len()).step_by(size) {
            let mut cut = input.clone();
            if let Some(record) = cut.0.get_mut(number) {
                record.drain(at..(at + size).min(record.len()));
            }
            all.push(cut);
        }
    }
    all
}

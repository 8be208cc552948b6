//! The contenders that the libraries enter.

use crate::cell::Cell;
use crate::memory::Scalar;
use crate::routine::{Job, Routine};
use abi::{Entry, Fill, Sink};
use anyhow::{Context, Result, bail};
use core::ffi::{CStr, c_char, c_void};
use libloading::Library;
use std::path::Path;

/// How the contenders of the library that all this is about begin.
pub const OURS: &str = "eigenmote";

/// Somebody who does a job, for one scalar and one shape.
#[derive(Debug)]
pub struct Contender {
    /// Library and algorithm.
    pub name: String,
    /// What for.
    pub job: Job,
    /// In which type.
    pub scalar: Scalar,
    rows: usize,
    cols: usize,
    rank: usize,
    /// As in [`abi::Entry`].
    pub flags: u32,
    entry: Entry,
}

/// A contender ready to solve, with its state.
#[derive(Clone, Copy, Debug)]
pub struct Ready<'a> {
    contender: &'a Contender,
    state: *mut c_void,
}

impl Contender {
    /// Numbers in a result.
    pub const fn output_len(&self) -> usize {
        self.job.output_len(self.rows, self.cols, self.rank)
    }

    /// Problems that it solves in one go.
    pub const fn batch(&self) -> usize {
        self.job.batch(self.rank)
    }

    /// Whether it is one of eigenmote's routines.
    pub fn is_ours(&self) -> bool {
        self.name.starts_with(OURS)
    }

    fn takes_part(&self, cell: &Cell) -> bool {
        cell.routine.jobs().contains(&self.job)
            && (self.scalar, self.rows, self.cols) == (cell.scalar, cell.rows, cell.cols)
            && (self.rank == 0 || self.rank == cell.rank)
    }

    /// With a fresh state for the problems that share `model`.
    ///
    /// # Safety
    /// `model` points at the model that belongs to the contender's job.
    pub unsafe fn ready(&self, model: *const c_void) -> Ready<'_> {
        // SAFETY: promised by the caller.
        Ready { contender: self, state: unsafe { (self.entry.prepare)(model) } }
    }
}

impl Ready<'_> {
    /// Solves `count` problems, a multiple of the batch; returns how many were not solved.
    ///
    /// # Safety
    /// There are as many inputs and outputs, of the job's type and shape.
    pub unsafe fn run(&self, inputs: *const c_void, outputs: *mut c_void, count: usize) -> usize {
        let calls = count / self.contender.batch();
        // SAFETY: promised by the caller.
        unsafe { (self.contender.entry.run)(self.state, inputs, outputs, calls) }
    }

    /// Writes what has accumulated in the state, where something does.
    ///
    /// # Safety
    /// There is room for it.
    pub unsafe fn finish(&self, output: *mut c_void) {
        if let Some(finish) = self.contender.entry.finish {
            // SAFETY: promised by the caller.
            unsafe { finish(self.state, output) }
        }
    }
}

/// All contenders of all libraries.
#[derive(Default)]
pub struct Table {
    entered: Vec<Contender>,
    /// Who is missing, and why.
    pub absent: Vec<(String, String)>,
    /// Who takes part in which version.
    pub versions: Vec<(String, String)>,
    /// What a library did wrong in registering.
    errors: Vec<String>,
}

impl Table {
    /// Lets a library enter its contenders.
    pub fn load(&mut self, path: &Path) -> Result<()> {
        // SAFETY: the libraries are ours and those that they are linked with.
        let library = unsafe { Library::new(path) }?;
        // SAFETY: `FILL` names a function of this type in each of our libraries.
        let fill = *unsafe { library.get::<Fill>(abi::FILL.as_bytes()) }?;
        let sink = Sink { table: core::ptr::from_mut(self).cast(), register, absent, version };
        // SAFETY: the callbacks below take the table that is handed to them.
        unsafe { fill(&raw const sink) };
        // Its functions are called until the process ends.
        core::mem::forget(library);
        match self.errors.pop() {
            Some(error) => bail!(error),
            None => Ok(()),
        }
    }

    /// Where eigenmote takes part, and the probes of the machine, in the order of the page.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells: Vec<Cell> = self
            .entered
            .iter()
            .filter(|c| c.is_ours() || c.job == Job::Peak)
            .flat_map(|c| {
                let routines = Routine::ALL.into_iter().filter(|r| r.jobs()[0] == c.job);
                let &Contender { scalar, rows, cols, rank, .. } = c;
                routines.map(move |routine| Cell { routine, scalar, rows, cols, rank })
            })
            .collect();
        cells.sort_by_key(Cell::order);
        cells.dedup();
        cells
    }

    /// Who takes part in a cell.
    pub fn contenders(&self, cell: &Cell) -> Vec<&Contender> {
        self.entered.iter().filter(|c| c.takes_part(cell)).collect()
    }

    fn enter(&mut self, entry: &Entry) -> Result<()> {
        let routine = read(entry.routine);
        let job = Job::from_name(&routine).with_context(|| format!("unknown routine {routine}"))?;
        let scalar = match read(entry.scalar).as_str() {
            "f32" => Scalar::F32,
            "f64" => Scalar::F64,
            other => bail!("unknown scalar {other}"),
        };
        self.entered.push(Contender {
            name: read(entry.contender),
            job,
            scalar,
            rows: entry.rows,
            cols: entry.cols,
            rank: entry.rank,
            flags: entry.flags,
            entry: *entry,
        });
        Ok(())
    }
}

fn read(text: *const c_char) -> String {
    // SAFETY: the libraries pass strings that end with a zero byte and live during the call.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn table<'a>(table: *mut c_void) -> &'a mut Table {
    // SAFETY: the libraries hand back what `load` gave them, during the call of `fill`.
    unsafe { &mut *table.cast() }
}

unsafe extern "C" fn register(to: *mut c_void, entry: *const Entry) {
    // SAFETY: the libraries pass an entry that lives during the call.
    let entry = unsafe { &*entry };
    if let Err(error) = table(to).enter(entry) {
        table(to).errors.push(format!("{}: {error}", read(entry.contender)));
    }
}

unsafe extern "C" fn absent(to: *mut c_void, who: *const c_char, why: *const c_char) {
    table(to).absent.push((read(who), read(why)));
}

unsafe extern "C" fn version(to: *mut c_void, who: *const c_char, what: *const c_char) {
    table(to).versions.push((read(who), read(what)));
}
